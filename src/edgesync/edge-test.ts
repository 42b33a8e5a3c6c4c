// Looks whether an Edge is what AD says, and changes nothing (exchange: Test-EdgeSynchronization). Without a full comparison the
// cookies are looked at: how old they are, and whether AD has something for that Edge that has not been carried yet.

import { findCookie, type FoundCookie } from '../directory/edge-sync-cookie.ts';
import { type EdgeSyncLease, parseEdgeSyncLease } from '../directory/edge-sync-lease.ts';
import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import type { LdapClient } from '../ldap/client.ts';
import type { LdapEntry } from '../ldap/entry.ts';
import { LdapFault, ResultCode } from '../ldap/result.ts';
import { isProblem } from '../problem.ts';
import { type Difference, DIFFERENCE_GROUPS, type DifferenceGroup, describeDifferences } from './difference.ts';
import { connectToEdge, type EdgeConnectionOptions } from './edge-connection.ts';
import { readEdgeState } from './edge-state.ts';
import { verifyRecipient } from './recipient-verification.ts';
import { describeFailure } from './sync-report.ts';
import type { SyncScene, SyncType } from './sync-type.ts';
import { SYNC_TYPES } from './sync-types.ts';

export interface EdgeTestOrder {
  readonly isFull: boolean;
  readonly excludesRecipients: boolean;
  /** Look at this one recipient and nothing else: its name, an address or its GUID. */
  readonly verifyRecipient?: string | undefined;
  /** Differences that are named at most; the rest is counted. */
  readonly maxReportSize: number;
}

export interface TypeFinding {
  readonly type: SyncType['name'];
  readonly cookie: FoundCookie | undefined;
  /** AD has something for the Edge that no round has carried yet. */
  readonly isPending: boolean;
  /** Older than CookieValidDuration: the next round compares everything. */
  readonly isStale: boolean;
}

/** Exchange's words. */
export type SyncStatus = 'Normal' | 'Inconclusive' | 'Failed' | 'NotStarted';

export interface EdgeTestReport {
  readonly name: string;
  readonly status: SyncStatus;
  readonly failureDetail: string;
  readonly lease: EdgeSyncLease | undefined;
  readonly types: readonly TypeFinding[];
  /** Undefined when nothing was compared. */
  readonly differences: readonly Difference[] | undefined;
  /** Groups that were compared. */
  readonly compared: ReadonlySet<DifferenceGroup>;
  /** Groups in which there is a difference, named or only counted. */
  readonly differing: ReadonlySet<DifferenceGroup>;
  readonly differenceCount: number;
}

const NOTHING_FOUND = {
  lease: undefined,
  types: [],
  differences: undefined,
  compared: new Set<DifferenceGroup>(),
  differing: new Set<DifferenceGroup>(),
  differenceCount: 0,
} as const;

/** Never rejects for what the Edge does: that is in the report. */
export async function testEdge(
  edge: EdgeSubscription,
  order: EdgeTestOrder,
  options: EdgeConnectionOptions,
): Promise<EdgeTestReport> {
  try {
    const { client } = await connectToEdge(edge, options);
    try {
      return await examine(edge, client, order, options);
    } finally {
      await client.close();
    }
  } catch (error) {
    if (!isProblem(error)) throw error;
    const { failureDetails } = describeFailure(error);
    return { ...NOTHING_FOUND, name: edge.name, status: 'Failed', failureDetail: failureDetails };
  }
}

async function examine(
  edge: EdgeSubscription,
  client: LdapClient,
  order: EdgeTestOrder,
  options: EdgeConnectionOptions,
): Promise<EdgeTestReport> {
  const state = await readEdgeState(client, edge.name);
  const scene: SyncScene = { ...options, edge, client, state };
  const types = SYNC_TYPES.filter(({ name }) => isLookedAt(name, order));
  const findings: TypeFinding[] = [];
  for (const type of types) findings.push(await examineCookie(type, scene));
  const lease = parseEdgeSyncLease(state.self.edgeSyncLease);
  const base = { name: edge.name, lease, types: findings };
  if (order.verifyRecipient !== undefined) {
    const difference = await verifyRecipient(scene, order.verifyRecipient);
    const found = difference === undefined ? [] : [{ group: 'Recipient', sentence: difference } as const];
    return {
      ...base,
      ...gather(types, found),
      status: judge(findings, found.length),
      failureDetail: describeCookies(findings),
    };
  }
  if (!order.isFull) {
    const failureDetail = describeCookies(findings);
    return { ...NOTHING_FOUND, ...base, status: judge(findings, 0), failureDetail };
  }
  const compared = await compare(types, scene, order.maxReportSize);
  return {
    ...base,
    ...compared,
    status: judge(findings, compared.differenceCount),
    failureDetail: describeCookies(findings),
  };
}

function isLookedAt(name: SyncType['name'], { excludesRecipients, verifyRecipient: one }: EdgeTestOrder): boolean {
  return one === undefined ? name !== 'Recipients' || !excludesRecipients : name === 'Recipients';
}

type Comparison = Pick<EdgeTestReport, 'differences' | 'compared' | 'differing' | 'differenceCount'>;

function gather(types: readonly SyncType[], differences: readonly Difference[]): Comparison {
  const differing = new Set(differences.map(({ group }) => group));
  return { differences, compared: groupsOf(types), differing, differenceCount: differences.length };
}

/** Recipients are a type of their own, everything else is the other's. */
function groupsOf(types: readonly SyncType[]): ReadonlySet<DifferenceGroup> {
  const names = types.map(({ name }) => name);
  return new Set(
    DIFFERENCE_GROUPS.filter((group) => names.includes(group === 'Recipient' ? 'Recipients' : 'Configuration')),
  );
}

async function examineCookie(type: SyncType, scene: SyncScene): Promise<TypeFinding> {
  const { activeDirectory, clock, state } = scene;
  const cookie = findCookie(state.self.edgeSyncCookies ?? [], type.name);
  const { cookieValidDurationMs } = activeDirectory.snapshot().edgeSyncServiceConfig;
  const isStale = cookie !== undefined && clock.now().getTime() - cookie.time.getTime() > cookieValidDurationMs;
  return { type: type.name, cookie, isStale, isPending: await hasChanges(type, scene, cookie?.position) };
}

/** An AD that keeps no change feed cannot tell: only a full comparison does. */
async function hasChanges(type: SyncType, scene: SyncScene, since: string | undefined): Promise<boolean> {
  if (since === undefined) return false;
  try {
    const { operations } = await type.plan(scene, since);
    for await (const _operation of operations) return true;
    return false;
  } catch (error) {
    if (isProblem(error, 'position-unknown')) return true;
    throw error;
  }
}

async function compare(types: readonly SyncType[], scene: SyncScene, maxReportSize: number): Promise<Comparison> {
  const differences: Difference[] = [];
  const differing = new Set<DifferenceGroup>();
  let differenceCount = 0;
  for (const type of types) {
    const { operations } = await type.plan(scene, undefined);
    for await (const operation of operations) {
      // What is no longer named is only counted; of recipients, which may be very many, nothing needs to be read for that.
      const isRead = operation.kind !== 'add' && (differences.length < maxReportSize || type.name !== 'Recipients');
      const held = isRead ? await readHeld(scene.client, operation.dn) : undefined;
      const found = describeDifferences(operation, held);
      differenceCount += found.length;
      for (const difference of found) {
        differing.add(difference.group);
        if (differences.length < maxReportSize) differences.push(difference);
      }
    }
  }
  return { differences, compared: groupsOf(types), differing, differenceCount };
}

async function readHeld(client: LdapClient, dn: string): Promise<LdapEntry | undefined> {
  try {
    return (await client.search({ base: dn, scope: 'base' }))[0];
  } catch (error) {
    if (error instanceof LdapFault && error.resultCode === ResultCode.noSuchObject) return undefined;
    throw error;
  }
}

/** Something that is still to be carried is no fault yet; a difference that no round would know of is one. */
function judge(findings: readonly TypeFinding[], differences: number): SyncStatus {
  if (!findings.some(isStarted)) return 'NotStarted';
  if (findings.some(({ isStale }) => isStale)) return 'Failed';
  if (findings.some((finding) => finding.isPending || !isStarted(finding))) return 'Inconclusive';
  return differences === 0 ? 'Normal' : 'Failed';
}

function isStarted({ cookie }: TypeFinding): boolean {
  return cookie !== undefined && cookie.version > 0;
}

function describeCookies(findings: readonly TypeFinding[]): string {
  return findings
    .flatMap((finding) => {
      if (!isStarted(finding)) return [`${finding.type} was never carried: run Start-EdgeSynchronization`];
      if (finding.isStale) return [`${finding.type} was not carried for longer than CookieValidDuration`];
      return finding.isPending ? [`${finding.type} has changes that the next round carries`] : [];
    })
    .join('; ');
}
