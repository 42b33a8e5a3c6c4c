// The scenario file: faults in order and what is expected of the client, in YAML (or JSON, which is YAML), checked by one schema.
// What is wrong is said with the line and the key.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isNode, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import { expectationSchema } from './expectation.ts';
import { type Fault, faultSchema } from './fault.ts';

const SCENARIO_FORMAT = 1;

const schema = z.strictObject({
  format: z.literal(SCENARIO_FORMAT, `not a format that this relaypair knows; write ${SCENARIO_FORMAT}`).default(1),
  title: z.string().min(1),
  /** `starttls`: TLS begins in SMTP. `implicit`: it is there from the first octet, as on port 465. */
  tls: z.enum(['starttls', 'implicit']).default('starttls'),
  faults: z.array(faultSchema).default([]),
  expect: expectationSchema.optional(),
});

export type Scenario = z.output<typeof schema>;

/** Reads and checks a file; throws Problem `scenario-unreadable` or `scenario-invalid`. */
export function readScenario(path: string): Scenario {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Problem('scenario-unreadable', `the scenario ${path} cannot be read (${code}): name another file`);
  }
  return parseScenario(text, resolve(path));
}

/** The same for a text; files that it names are looked for beside `path`. */
export function parseScenario(text: string, path: string): Scenario {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const [fault] = document.errors;
  if (fault) throw invalid(path, lines.linePos(fault.pos[0]).line, `not YAML: ${fault.message}`);
  const result = schema.safeParse(document.toJS(), { reportInput: true, error: explainKind });
  if (result.success)
    return { ...result.data, faults: result.data.faults.map((each) => findFiles(each, dirname(path))) };
  const [issue] = result.error.issues;
  const place = issue ? placeOf(issue) : [];
  const key = place.length === 0 ? '' : `${place.map(String).join('.')}: `;
  const sentence = `${key}${issue ? explain(issue) : 'not a scenario'}`;
  throw invalid(path, lineOf(document, lines, place), sentence);
}

/** An unknown key has no place of its own in an issue. */
function placeOf(issue: z.core.$ZodIssue): readonly PropertyKey[] {
  return issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
}

function explain(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return 'this key means nothing here';
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'this key is needed';
  return issue.message;
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  int: 'a whole number',
  number: 'a number',
  object: 'a list of keys and values such as "at: STARTTLS"',
  string: 'a text',
};

/** Where the schema has no words of its own. */
function explainKind(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_value') return `not one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small')
    return issue.origin === 'array' || issue.origin === 'string' ? 'empty' : `less than ${issue.minimum}`;
  if (issue.code === 'too_big') return `more than ${issue.maximum}`;
  const kind = issue.code === 'invalid_type' ? KINDS[issue.expected] : undefined;
  return kind && `not ${kind}`;
}

/** The line of the key itself, or of the nearest thing around it that is written down. */
function lineOf(document: Document, lines: LineCounter, place: readonly PropertyKey[]): number {
  for (let length = place.length; length > 0; length--) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(place.slice(0, length - 1), true);
    const key = place[length - 1];
    const start = isMap(parent) ? startOfKey(parent, key) : startOf(document.getIn(place.slice(0, length), true));
    if (start !== undefined) return lines.linePos(start).line;
  }
  return 1;
}

function startOfKey(map: YAMLMap, key: PropertyKey | undefined): number | undefined {
  const pair = map.items.find((item) => isNode(item.key) && String(item.key) === String(key));
  return startOf(pair?.key);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function invalid(path: string, line: number, sentence: string): Problem {
  return new Problem('scenario-invalid', `${path} line ${line}: ${sentence}`);
}

function findFiles(fault: Fault, folder: string): Fault {
  if (fault.do !== 'terminate') return fault;
  const find = (side: typeof fault.toClient): typeof fault.toClient => {
    const files = side.certificate?.files;
    if (!files) return side;
    const found = { certificate: resolve(folder, files.certificate), key: resolve(folder, files.key) };
    return { ...side, certificate: { ...side.certificate, files: found } };
  };
  return { ...fault, toClient: find(fault.toClient), toServer: find(fault.toServer) };
}
