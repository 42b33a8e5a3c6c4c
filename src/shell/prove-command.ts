// `relaypair prove`: its words as options for the door.

import type { Command } from 'commander';
import { resolve } from 'node:path';
import { parseDuration } from '../duration.ts';
import { Problem } from '../problem.ts';
import type { Doors, ProveOptions } from './doors.ts';
import { readEndpoint } from './endpoints.ts';
import { named } from './option.ts';
import type { Terminal } from './terminal.ts';

interface TypedProve {
  readonly target?: string;
  readonly recipient: string;
  readonly as?: string;
  readonly listen: string;
  readonly bounces?: string;
  readonly submit?: string;
  readonly wait: string;
  readonly report: string;
  readonly event: readonly string[];
  readonly policy: readonly string[];
  readonly json?: true;
}

interface Surroundings {
  readonly doors: Doors;
  readonly terminal: Terminal;
  readonly finish: (work: () => Promise<number>) => Promise<void>;
}

export function addProve(prove: Command, { doors, terminal, finish }: Surroundings): void {
  prove
    .option('--target <host:port>', 'a server of somebody else, to which our Hub sends; without it the pair itself')
    .option('--recipient <address>', 'for whom that server takes mail', 'reader@prove.test')
    .option('--as <role>', '"server": we are the next hop of a client of somebody else')
    .option('--listen <host:port>', 'as server: where the client sends mail for POLICY.prove.test', '127.0.0.1:2600')
    .option('--submit <host:port>', 'as server: where the client takes mail from us')
    .option('--bounces <host:port>', 'as server: where the client sends mail for bounce.prove.test')
    .option('--wait <duration>', 'as server: how long a letter may take', '15s')
    .option('--report <dir>', 'where report.html and report.json are written', 'prove-report')
    .option('--event <id>', 'only this row (repeatable)', gather, [])
    .option('--policy <id>', 'only this column; as server: the columns there are (repeatable)', gather, [])
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit code 0 only when everything that the rules promise came (docs/prove/README.md).')
    .action((typed: TypedProve) => finish(() => doors.prove(readOptions(typed, terminal))));
}

function gather(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

function readOptions(typed: TypedProve, { folder }: Terminal): ProveOptions {
  return {
    subject: readSubject(typed),
    report: resolve(folder, typed.report),
    events: typed.event,
    policies: typed.policy,
    isJson: typed.json === true,
  };
}

function readSubject(typed: TypedProve): ProveOptions['subject'] {
  const { target, as, submit, bounces, recipient, policy } = typed;
  if (as !== undefined && as !== 'server') throw new Problem('bad-value', `--as ${as}: it can be "server" alone`);
  if (as !== undefined && target !== undefined)
    throw new Problem('bad-value', 'with --target we are the client: leave out either --target or --as server');
  if (target !== undefined)
    return { kind: 'server', target: named('--target', () => readEndpoint(target, 'connect')), recipient };
  if (as === undefined) return { kind: 'pair' };
  if (submit === undefined)
    throw new Problem(
      'missing-value',
      '--as server needs --submit: where the client takes the letters that it is to send',
    );
  return {
    kind: 'client',
    listen: named('--listen', () => readEndpoint(typed.listen, 'listen')),
    submit: named('--submit', () => readEndpoint(submit, 'connect')),
    bounces: bounces === undefined ? undefined : named('--bounces', () => readEndpoint(bounces, 'listen')),
    policies: policy.length === 0 ? ['default'] : policy,
    waitMs: named('--wait', () => parseDuration(typed.wait)),
  };
}
