// What a cmdlet's parameter is: plain data in Exchange's spelling, from which the shell, the HTTP API, completion, help and
// the docs are all derived. The value types follow from the declaration, so a cmdlet needs no casts.
// How texts become values is parameter-values.ts, how a whole call is checked is binding.ts.

interface Described {
  /** One line for help and docs, without a full stop. */
  readonly help: string;
  readonly required?: boolean;
  /** As a person would type it; parsed like everything that is typed. */
  readonly default?: string;
}

/** What a parameter takes. `enums` is a list out of `choices`; `count` is a number or "unlimited". */
export type Parameter =
  | (Described & { readonly type: 'integer' | 'count'; readonly minimum?: number; readonly maximum?: number })
  | (Described & { readonly type: 'enum' | 'enums'; readonly choices: readonly string[] })
  | (Described & { readonly type: Exclude<keyof PlainValues, 'integer' | 'count'> });

export type Parameters = Readonly<Record<string, Parameter>>;

/** A file that the door has read for the cmdlet. */
export interface InputFile {
  /** The name as it was typed. */
  readonly name: string;
  readonly content: Buffer;
}

/** What a cmdlet receives for each type that is not an enum. */
interface PlainValues {
  string: string;
  /** Comma lists and repeats; `$null` or an empty text is the empty list. */
  strings: readonly string[];
  integer: number;
  count: number | 'unlimited';
  boolean: boolean;
  /** False unless given. */
  switch: boolean;
  /** Milliseconds. */
  duration: number;
  /** Bytes. */
  size: number | 'unlimited';
  date: Date;
  /** Upper-case hex without separators: 40 digits (SHA-1, Exchange's) or 64 (SHA-256). */
  thumbprint: string;
  /** Never echoed, never logged. */
  secret: string;
  inputFile: InputFile;
  /** The name as typed. The cmdlet returns the content in `files`, the door writes it. */
  outputFile: string;
}

export type ParameterValue = PlainValues[keyof PlainValues];

type ValueOf<P extends Parameter> = P extends { type: 'enum'; choices: readonly (infer Choice)[] }
  ? Choice
  : P extends { type: 'enums'; choices: readonly (infer Choice)[] }
    ? readonly Choice[]
    : P extends { type: infer Type extends keyof PlainValues }
      ? PlainValues[Type]
      : never;

/** Required parameters, switches and those with a default are always there; the others may be undefined. */
type Presence<P extends Parameter> = P extends { required: true } | { default: string } | { type: 'switch' }
  ? never
  : undefined;

/** The values a cmdlet is run with, by the names it declared. */
export type Arguments<P extends Parameters> = { readonly [Name in keyof P]: ValueOf<P[Name]> | Presence<P[Name]> };

/** The same once the declaration's own types are forgotten. */
export type BoundParameters = Readonly<Record<string, ParameterValue | undefined>>;

/** What `-Name` takes, for usage lines: "<Duration>", "SMTP | None"; empty for a switch. */
export function describeType(parameter: Parameter): string {
  switch (parameter.type) {
    case 'switch':
      return '';
    case 'enum':
      return `<${parameter.choices.join(' | ')}>`;
    case 'enums':
      return `<${parameter.choices.join(' | ')}>[,...]`;
    case 'strings':
      return '<String>[,...]';
    case 'boolean':
      return '<$true | $false>';
    case 'inputFile':
    case 'outputFile':
      return '<File>';
    default:
      return `<${parameter.type.charAt(0).toUpperCase()}${parameter.type.slice(1)}>`;
  }
}

/** True for types that take several values, by commas or by repetition. */
export function takesSeveral(parameter: Parameter): boolean {
  return parameter.type === 'strings' || parameter.type === 'enums';
}
