// One round with one Edge: connect, read the Edge's own object, take the lease, prepare in AD, then carry each type that is
// due in a transaction of its own (carry-type.ts). AD is the truth; a round that fails anywhere is simply run again.

import type { SyncTypeName } from '../directory/edge-sync-cookie.ts';
import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import type { LdapClient } from '../ldap/client.ts';
import type { Log } from '../log.ts';
import { isProblem, messageOf, Problem } from '../problem.ts';
import { createEvent } from '../tracking/events.ts';
import { carriedHubs } from './carried-hubs.ts';
import { type CarryOptions, carryType } from './carry-type.ts';
import { connectToEdge, type EdgeConnection, type EdgeConnectionOptions } from './edge-connection.ts';
import { EdgeLease } from './edge-lease.ts';
import { type EdgeState, readEdgeState } from './edge-state.ts';
import { noteCarried } from './staged-certificate.ts';
import { SYNC_PREPARATIONS } from './sync-preparations.ts';
import { describeFailure, type SyncReport } from './sync-report.ts';
import { NOTHING_COUNTED, type SyncScene, type SyncType } from './sync-type.ts';
import { SYNC_TYPES } from './sync-types.ts';

export interface SyncRoundOptions extends EdgeConnectionOptions {
  readonly log: Log;
}

/** What is asked of a round. */
export interface SyncOrder {
  /** The types that are due. */
  readonly types: readonly SyncTypeName[];
  /** A person asked for it, not the schedule. */
  readonly isManual: boolean;
  readonly forceFullSync?: boolean | undefined;
  readonly forceUpdateCookie?: boolean | undefined;
}

/** Never rejects for what the Edge or AD does: that is in the reports, one for each type. */
export async function runSyncRound(
  edgeName: string,
  order: SyncOrder,
  options: SyncRoundOptions,
): Promise<readonly SyncReport[]> {
  const startUtc = options.clock.now();
  const types = SYNC_TYPES.filter(({ name }) => order.types.includes(name));
  let reports: readonly SyncReport[];
  try {
    reports = await carryAll(edgeName, types, order, options);
  } catch (error) {
    logBug(edgeName, error, options);
    const failed = { ...describeFailure(error), ...NOTHING_COUNTED, name: edgeName, startUtc };
    reports = types.map((type) => ({ ...failed, type: type.name, endUtc: options.clock.now() }));
  }
  noteReports(edgeName, reports, order, options);
  return reports;
}

async function carryAll(
  edgeName: string,
  types: readonly SyncType[],
  order: SyncOrder,
  options: SyncRoundOptions,
): Promise<readonly SyncReport[]> {
  await readDirectory(options);
  const connection = await connectToEdge(findEdge(edgeName, options), options);
  const { client, isBootstrap } = connection;
  try {
    const state = await readEdgeState(client, edgeName);
    const lease = await takeLease(edgeName, client, state, order, options);
    const reports = await carryUnderLease(edgeName, { connection, state, lease, types, order }, options);
    // It ends the account that this very connection is bound with, so the lease has been released before.
    if (isBootstrap && reports.some(isConfigurationCarried)) await proveAccount(edgeName, options);
    return reports;
  } finally {
    await client.close();
  }
}

interface LeasedRound {
  readonly connection: EdgeConnection;
  readonly state: EdgeState;
  readonly lease: EdgeLease;
  readonly types: readonly SyncType[];
  readonly order: SyncOrder;
}

async function carryUnderLease(
  edgeName: string,
  { connection, state, lease, types, order }: LeasedRound,
  options: SyncRoundOptions,
): Promise<readonly SyncReport[]> {
  try {
    // Until it gave up the lease another hub may have made accounts for all of them.
    await readDirectory(options);
    const scene = await prepareScene(edgeName, connection, state, options);
    const carry: CarryOptions = {
      // What an Edge held before it was subscribed again, or does not hold although it should, is not built upon.
      forceFullSync: order.forceFullSync === true || connection.isBootstrap || connection.isDoubtful,
      forceUpdateCookie: order.forceUpdateCookie === true,
      lease,
    };
    const hubs = carriedHubs(scene.activeDirectory.snapshot(), scene.edge);
    const reports: SyncReport[] = [];
    for (const type of types) reports.push(await report(type, scene, carry, options));
    if (reports.some(isConfigurationCarried)) await noteCarried(hubs, scene);
    return reports;
  } finally {
    await lease.release(connection.client);
  }
}

/** What this hub knew of AD a while ago must not go over what another one has carried since. */
async function readDirectory({ activeDirectory }: SyncRoundOptions): Promise<void> {
  await activeDirectory.refresh();
  if (!activeDirectory.isStale) return;
  throw new Problem(
    'directory-unreachable',
    'AD cannot be read now, and what this hub last knew of it may be out of date: the Edge keeps what it has; try again when AD is back',
  );
}

function findEdge(name: string, { activeDirectory }: SyncRoundOptions): EdgeSubscription {
  const edge = activeDirectory.snapshot().edges.find((candidate) => candidate.name === name);
  if (!edge) throw new Problem('not-found', `the Edge Subscription "${name}" was removed meanwhile`);
  return edge;
}

function takeLease(
  edgeName: string,
  client: LdapClient,
  { self }: EdgeState,
  { isManual }: SyncOrder,
  options: SyncRoundOptions,
): Promise<EdgeLease> {
  const { activeDirectory, clock, log } = options;
  const snapshot = activeDirectory.snapshot();
  return EdgeLease.take(client, self.edgeSyncLease, {
    edgeName,
    ownDn: self.record.dn,
    hubName: snapshot.self.name,
    isManual,
    durations: snapshot.edgeSyncServiceConfig,
    clock,
    log,
    connect: async () => (await connectToEdge(findEdge(edgeName, options), options)).client,
  });
}

async function prepareScene(
  edgeName: string,
  { client }: EdgeConnection,
  state: EdgeState,
  options: SyncRoundOptions,
): Promise<SyncScene> {
  const sceneNow = (): SyncScene => ({ ...options, edge: findEdge(edgeName, options), client, state });
  for (const preparation of SYNC_PREPARATIONS) await preparation.prepare(sceneNow());
  return sceneNow();
}

/** What becomes of one type is no reason to leave the others. */
async function report(
  type: SyncType,
  scene: SyncScene,
  carry: CarryOptions,
  options: SyncRoundOptions,
): Promise<SyncReport> {
  const { name } = scene.edge;
  const startUtc = options.clock.now();
  const end = (): Pick<SyncReport, 'type' | 'name' | 'startUtc' | 'endUtc'> => ({
    type: type.name,
    name,
    startUtc,
    endUtc: options.clock.now(),
  });
  try {
    const carried = await carryType(type, scene, carry);
    return { ...carried, ...end() };
  } catch (error) {
    logBug(name, error, options);
    return { ...describeFailure(error), ...NOTHING_COUNTED, ...end() };
  }
}

function isConfigurationCarried({ type, result }: SyncReport): boolean {
  return type === 'Configuration' && result === 'Success';
}

/** A bind with the new account shows that it works, and ends the bootstrap account on the Edge. */
async function proveAccount(edgeName: string, options: SyncRoundOptions): Promise<void> {
  const { client } = await connectToEdge(findEdge(edgeName, options), options);
  await client.close();
}

function logBug(edge: string, error: unknown, { log }: SyncRoundOptions): void {
  if (isProblem(error)) return;
  log.error({ edge, error: messageOf(error), stack: error instanceof Error ? error.stack : '' }, 'a sync round failed');
}

/** A round of the schedule that found nothing to do is no event, nor is another hub's turn. */
function noteReports(
  edge: string,
  reports: readonly SyncReport[],
  { isManual }: SyncOrder,
  { events }: SyncRoundOptions,
): void {
  const failed = reports.find(({ result }) => result !== 'Success');
  if (failed) {
    const isOthersTurn = failed.result === 'CouldNotLease' || failed.result === 'SyncDisabled';
    if (isOthersTurn && !isManual) return;
    events.record(createEvent('SynchronizationFailed', { edge, result: failed.result, cause: failed.failureDetails }));
    return;
  }
  const sum = (key: 'added' | 'updated' | 'deleted'): number => reports.reduce((total, each) => total + each[key], 0);
  const [added, updated, deleted] = [sum('added'), sum('updated'), sum('deleted')];
  if (!isManual && added + updated + deleted === 0) return;
  events.record(createEvent('SynchronizationFinished', { edge, added, updated, deleted }));
}
