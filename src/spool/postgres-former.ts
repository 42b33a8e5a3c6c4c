// Rows of `node` under this server's own identity: what it was before it died, or a twin that runs with a copy of its data folder.
// Which of both shows in the beat: where it may be a twin it is waited for, for as long as any other server would be.

import { setTimeout as wait } from 'node:timers/promises';
import { Problem } from '../problem.ts';
import { type Beat, LeaseWatch } from './lease.ts';
import type { PostgresConnection } from './postgres-connection.ts';

export interface FormerSelf extends Beat {
  readonly name: string;
}

/** So often in a lease is looked for a beat. */
const LOOKS = 16;

/** Problem `spool-unavailable`. */
export async function listFormer(connection: PostgresConnection, server: string): Promise<FormerSelf[]> {
  return connection.query<{ holder: number; beat: number; leaseMs: number; name: string }>(
    `SELECT id AS holder, beat, lease_ms AS "leaseMs", name FROM ${connection.config.schema}.node WHERE server = $1`,
    [server],
  );
}

/** Resolves with those that have stood still for their lease, or none; Problem `in-use` as soon as one shows life. */
export async function outlive(connection: PostgresConnection, server: string): Promise<readonly Beat[]> {
  const watch = new LeaseWatch();
  let first: readonly FormerSelf[] | undefined;
  for (;;) {
    const askedMs = performance.now();
    const former = await listFormer(connection, server);
    first ??= former;
    for (const { holder, beat, name } of former) {
      if (first.find((each) => each.holder === holder)?.beat !== beat) throw twinProblem(name);
    }
    const dead = watch.note(former, { askedMs, answeredMs: performance.now() });
    if (dead.length === former.length) return dead;
    await wait(Math.min(...former.map(({ leaseMs }) => leaseMs)) / LOOKS);
  }
}

/** Problem `in-use`: two processes have one identity. */
export function twinProblem(name: string): Problem {
  return new Problem(
    'in-use',
    `another process (${name}) is at work on the spool under this server's identity, since the data folder was copied: give each server a folder of its own, made by its first start`,
  );
}
