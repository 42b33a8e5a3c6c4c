// A server reduced to what the cmdlet under test touches, and a cmdlet run with texts as a person types them.

import { bindParameters } from '../../src/cmdlets/binding.ts';
import type { Cmdlet } from '../../src/cmdlets/cmdlet.ts';
import type { CmdletOutput, OutputRecord } from '../../src/cmdlets/output.ts';
import type { ServerContext } from '../../src/cmdlets/server-context.ts';
import type { Clock } from '../../src/clock.ts';
import { parseConfig } from '../../src/config.ts';
import { silentLog } from '../../src/log.ts';

export const CHRISTMAS = new Date('2007-12-24T20:00:00Z');

/** Stands at Christmas until a test sets `nowMs`. */
export class StillClock implements Clock {
  nowMs = CHRISTMAS.getTime();
  readonly offsetMs = 0;
  readonly speed = 1;

  now(): Date {
    return new Date(this.nowMs);
  }

  elapsedMs(): number {
    return this.nowMs;
  }

  schedule(): () => void {
    return () => undefined;
  }
}

/** HUB01 with these parts of it. */
export function makeContext(parts: Partial<ServerContext> = {}): ServerContext {
  const config = parseConfig('{ role: hub, fqdn: hub01.contoso.test }', '/etc/test.yaml');
  const captureControl = { tap: undefined };
  return { config, clock: new StillClock(), log: silentLog(), captureControl, ...parts } as ServerContext;
}

/** Binds the texts and runs the cmdlet. */
export async function runCmdlet(
  cmdlet: Cmdlet<ServerContext>,
  context: ServerContext,
  typed: Readonly<Record<string, string>> = {},
): Promise<CmdletOutput> {
  const parameters = Object.fromEntries(Object.entries(typed).map(([name, text]) => [name, [text]]));
  const bound = bindParameters(cmdlet, { cmdlet: cmdlet.name, parameters });
  return cmdlet.run(context, bound, { progress: () => undefined, signal: new AbortController().signal });
}

/** One property of each record; empty where there is none. */
export function column(records: readonly OutputRecord[], property: string): string[] {
  return records.map((record) => {
    const value = record[property];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  });
}

/** Several properties of each record in one line. */
export function rows(records: readonly OutputRecord[], ...properties: readonly string[]): string[] {
  const columns = properties.map((property) => column(records, property));
  return records.map((_, index) => columns.map((cells) => cells[index]).join(' | '));
}

/** Everything of a cmdlet's stream. */
export async function readStream({ stream }: CmdletOutput): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream?.content ?? []) pieces.push(piece);
  return Buffer.concat(pieces);
}
