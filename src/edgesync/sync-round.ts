// One round with one Edge: connect, read the Edge's own object, prepare in AD, then carry each type as one LDAP transaction
// (RFC 5805): the Edge has all of it or keeps what it had. AD is the truth; a round that fails anywhere is simply run again.

import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import type { Log } from '../log.ts';
import { isProblem, messageOf, Problem } from '../problem.ts';
import { createEvent } from '../tracking/events.ts';
import { connectToEdge, type EdgeConnection, type EdgeConnectionOptions } from './edge-connection.ts';
import { readEdgeState } from './edge-state.ts';
import { hubsCarried, noteCarried } from './staged-certificate.ts';
import { SYNC_PREPARATIONS } from './sync-preparations.ts';
import type { SyncCounts, SyncScene, SyncType, SyncTypeName } from './sync-type.ts';
import { SYNC_TYPES } from './sync-types.ts';

export interface SyncRoundOptions extends EdgeConnectionOptions {
  readonly log: Log;
}

/** Exchange's words for how a round ended. */
export type SyncResult = 'Success' | 'CouldNotConnect' | 'Aborted';

/** What a round came to, one for each type and Edge. */
export interface SyncReport extends SyncCounts {
  readonly result: SyncResult;
  readonly type: SyncTypeName;
  /** The Edge's name. */
  readonly name: string;
  readonly failureDetails: string;
  readonly startUtc: Date;
  readonly endUtc: Date;
}

const NOTHING: SyncCounts = { added: 0, deleted: 0, updated: 0, scanned: 0, targetScanned: 0 };

/** Never rejects for what the Edge or AD does: that is in the reports. */
export async function runSyncRound(edgeName: string, options: SyncRoundOptions): Promise<readonly SyncReport[]> {
  const startUtc = options.clock.now();
  const reports: SyncReport[] = [];
  try {
    const connection = await connectToEdge(findEdge(edgeName, options), options);
    try {
      const scene = await setScene(edgeName, connection, options);
      const hubs = hubsCarried(scene);
      for (const type of SYNC_TYPES) reports.push(await carry(type, scene, options.clock.now()));
      await noteCarried(hubs, scene);
      if (connection.isBootstrap) await proveAccount(edgeName, options);
    } finally {
      await connection.client.close();
    }
    noteSuccess(edgeName, reports, options);
    return reports;
  } catch (error) {
    const failed = noteFailure(edgeName, error, options);
    // A type that was carried was carried, whatever became of the next.
    return SYNC_TYPES.map(
      ({ name }) =>
        reports.find(({ type }) => type === name) ?? {
          ...failed,
          ...NOTHING,
          type: name,
          name: edgeName,
          startUtc,
          endUtc: options.clock.now(),
        },
    );
  }
}

function findEdge(name: string, { activeDirectory }: SyncRoundOptions): EdgeSubscription {
  const edge = activeDirectory.snapshot().edges.find((candidate) => candidate.name === name);
  if (!edge) throw new Problem('not-found', `the Edge Subscription "${name}" was removed meanwhile`);
  return edge;
}

async function setScene(edgeName: string, { client }: EdgeConnection, options: SyncRoundOptions): Promise<SyncScene> {
  const state = await readEdgeState(client, edgeName);
  const sceneNow = (): SyncScene => ({ ...options, edge: findEdge(edgeName, options), client, state });
  for (const preparation of SYNC_PREPARATIONS) await preparation.prepare(sceneNow());
  return sceneNow();
}

async function carry(type: SyncType, scene: SyncScene, startUtc: Date): Promise<SyncReport> {
  const { operations, counts } = await type.plan(scene);
  if (operations.length > 0) await scene.client.apply(operations);
  return {
    result: 'Success',
    type: type.name,
    name: scene.edge.name,
    failureDetails: '',
    startUtc,
    endUtc: scene.clock.now(),
    ...counts,
  };
}

/** A bind with the new account shows that it works, and ends the bootstrap account on the Edge. */
async function proveAccount(edgeName: string, options: SyncRoundOptions): Promise<void> {
  const { client } = await connectToEdge(findEdge(edgeName, options), options);
  await client.close();
}

function noteSuccess(edge: string, reports: readonly SyncReport[], { events }: SyncRoundOptions): void {
  const sum = (key: 'added' | 'updated' | 'deleted'): number =>
    reports.reduce((total, report) => total + report[key], 0);
  events.record(
    createEvent('SynchronizationFinished', {
      edge,
      added: sum('added'),
      updated: sum('updated'),
      deleted: sum('deleted'),
    }),
  );
}

function noteFailure(
  edge: string,
  error: unknown,
  { events, log }: SyncRoundOptions,
): Pick<SyncReport, 'result' | 'failureDetails'> {
  if (!isProblem(error))
    log.error({ edge, error: messageOf(error), stack: (error as Error).stack }, 'a sync round failed');
  const result = isProblem(error, 'ldap-unreachable') ? 'CouldNotConnect' : 'Aborted';
  const failureDetails = isProblem(error) ? error.message : 'an internal error, see the log';
  events.record(createEvent('SynchronizationFailed', { edge, result, cause: failureDetails }));
  return { result, failureDetails };
}
