// How one property of a typed view is kept in one attribute: a Field has the attribute's name, its syntax and both ways.
// A missing attribute reads as the field's default, so entries of an older relaypair stay readable; anything else that
// does not fit throws a plain RangeError, which view.ts turns into a Problem that names the entry.

import { formatGeneralizedTime, parseGeneralizedTime, type SyntaxName } from './syntax.ts';

export interface Field<T> {
  readonly attribute: string;
  readonly syntax: SyntaxName;
  readonly isList: boolean;
  /** The values to store; none leaves the attribute out. */
  encode(value: T): Buffer[];
  /** Throws RangeError for values that were not made by `encode`. */
  decode(values: readonly Buffer[]): T;
}

/** A way between a value and its text in the directory. */
export interface TextForm<T> {
  format(value: T): string;
  /** Throws RangeError or Problem. */
  parse(text: string): T;
}

const PLAIN: TextForm<string> = { format: (value) => value, parse: (text) => text };

const NUMBER: TextForm<number> = {
  format: String,
  parse: (text) => {
    const value = Number(text);
    if (!/^-?\d{1,15}$/.test(text)) throw new RangeError('not a whole number');
    return value;
  },
};

const FLAG: TextForm<boolean> = {
  format: (value) => (value ? 'TRUE' : 'FALSE'),
  parse: (text) => {
    if (text !== 'TRUE' && text !== 'FALSE') throw new RangeError('neither TRUE nor FALSE');
    return text === 'TRUE';
  },
};

const TIME: TextForm<Date> = { format: formatGeneralizedTime, parse: parseGeneralizedTime };

/** A text that must be there. */
export function requiredText(attribute: string, syntax: SyntaxName = 'text'): Field<string> {
  return required(attribute, syntax, PLAIN);
}

export function optionalText(attribute: string, syntax: SyntaxName = 'text'): Field<string | undefined> {
  return optional(attribute, syntax, PLAIN);
}

export function integerField(attribute: string, fallback: number): Field<number> {
  return withDefault(optional(attribute, 'integer', NUMBER), fallback);
}

/** A number whose absence has a meaning of its own, such as "unlimited". */
export function optionalInteger(attribute: string): Field<number | undefined> {
  return optional(attribute, 'integer', NUMBER);
}

export function flagField(attribute: string, fallback: boolean): Field<boolean> {
  return withDefault(optional(attribute, 'boolean', FLAG), fallback);
}

export function requiredTime(attribute: string): Field<Date> {
  return required(attribute, 'time', TIME);
}

export function optionalTime(attribute: string): Field<Date | undefined> {
  return optional(attribute, 'time', TIME);
}

/** One of a closed list of words. */
export function choiceField<T extends string>(attribute: string, choices: readonly T[], fallback: T): Field<T> {
  return withDefault(optional(attribute, 'text', choiceForm(choices)), fallback);
}

/** The same where absence has a meaning of its own. */
export function optionalChoice<T extends string>(attribute: string, choices: readonly T[]): Field<T | undefined> {
  return optional(attribute, 'text', choiceForm(choices));
}

/** Several of a closed list of words. */
export function choicesField<T extends string>(attribute: string, choices: readonly T[]): Field<readonly T[]> {
  return listField(attribute, choiceForm(choices));
}

function choiceForm<T extends string>(choices: readonly T[]): TextForm<T> {
  return {
    format: (value) => value,
    parse: (text) => {
      const choice = choices.find((candidate) => candidate === text);
      if (choice === undefined) throw new RangeError(`not one of ${choices.join(', ')}`);
      return choice;
    },
  };
}

export function textListField(attribute: string): Field<readonly string[]> {
  return listField(attribute, PLAIN);
}

/** Texts that most objects of the kind do not have; an empty list and none are the same. */
export function optionalTextList(attribute: string, syntax: SyntaxName): Field<readonly string[] | undefined> {
  return optionalList(attribute, PLAIN, syntax);
}

/** Texts without colons, in one value with colons between them: the values of an attribute have no order, and these have. */
export function orderedTextField(attribute: string): Field<readonly string[]> {
  const joined: TextForm<readonly string[]> = { format: (texts) => texts.join(':'), parse: (text) => text.split(':') };
  const field = withDefault(optional(attribute, 'text', joined), []);
  return { ...field, encode: (texts) => (texts.length === 0 ? [] : field.encode(texts)) };
}

/** A list, one value each; an empty one leaves the attribute out. */
export function listField<T>(attribute: string, form: TextForm<T>, syntax: SyntaxName = 'text'): Field<readonly T[]> {
  return {
    attribute,
    syntax,
    isList: true,
    encode: (values) => values.map((value) => Buffer.from(form.format(value), 'utf8')),
    decode: (values) => values.map((value) => form.parse(value.toString('utf8'))),
  };
}

/** A list whose emptiness is absence. */
export function optionalList<T>(
  attribute: string,
  form: TextForm<T>,
  syntax: SyntaxName = 'text',
): Field<readonly T[] | undefined> {
  const field = listField(attribute, form, syntax);
  return {
    ...field,
    encode: (values) => field.encode(values ?? []),
    decode: (values) => (values.length === 0 ? undefined : field.decode(values)),
  };
}

/** Octets that are no text; `parse` and `format` go between them and the value. */
export function optionalOctets<T>(
  attribute: string,
  form: { format(value: T): Buffer; parse(octets: Buffer): T },
): Field<T | undefined> {
  return {
    attribute,
    syntax: 'octets',
    isList: false,
    encode: (value) => (value === undefined ? [] : [form.format(value)]),
    decode: (values) => {
      const [value] = values;
      return value === undefined ? undefined : form.parse(value);
    },
  };
}

/** Absent when undefined. */
export function optional<T>(attribute: string, syntax: SyntaxName, form: TextForm<T>): Field<T | undefined> {
  return {
    attribute,
    syntax,
    isList: false,
    encode: (value) => (value === undefined ? [] : [Buffer.from(form.format(value), 'utf8')]),
    decode: (values) => {
      const [value] = values;
      return value === undefined ? undefined : form.parse(value.toString('utf8'));
    },
  };
}

function required<T>(attribute: string, syntax: SyntaxName, form: TextForm<T>): Field<T> {
  const field = optional(attribute, syntax, form);
  return {
    ...field,
    decode: (values) => {
      const value = field.decode(values);
      if (value === undefined) throw new RangeError('missing');
      return value;
    },
  };
}

function withDefault<T>(field: Field<T | undefined>, fallback: T): Field<T> {
  return { ...field, decode: (values) => field.decode(values) ?? fallback };
}
