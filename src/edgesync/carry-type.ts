// Carries one type of data to an Edge in one LDAP transaction (RFC 5805): the step of the type's cookie first, then the plan.
// The Edge has all of it or keeps what it had, and so does the cookie. What was planned on an older state than the Edge's is
// refused by the Edge itself, since the cookie it would replace is gone.

import { type EdgeSyncCookie, type FoundCookie, findCookie, makeCookieStep } from '../directory/edge-sync-cookie.ts';
import type { LdapOperation } from '../ldap/entry.ts';
import { LdapFault, ResultCode } from '../ldap/result.ts';
import { isProblem, Problem } from '../problem.ts';
import type { EdgeLease } from './edge-lease.ts';
import type { SyncReport } from './sync-report.ts';
import { NOTHING_COUNTED, type SyncPlan, type SyncScene, type SyncType } from './sync-type.ts';

export interface CarryOptions {
  readonly lease: EdgeLease;
  /** Compare everything, whatever the cookie says. */
  readonly forceFullSync: boolean;
  /** Let the cookie go on although the Edge refuses what was to be carried: the next round does not look at it again. */
  readonly forceUpdateCookie: boolean;
}

type Carried = Pick<
  SyncReport,
  'result' | 'failureDetails' | 'added' | 'deleted' | 'updated' | 'scanned' | 'targetScanned'
>;

/** Throws Problem for what keeps it from being carried; nothing has changed on the Edge then. */
export async function carryType(type: SyncType, scene: SyncScene, options: CarryOptions): Promise<Carried> {
  const before = findCookie(scene.state.self.edgeSyncCookies ?? [], type.name);
  const since = options.forceFullSync ? undefined : usablePosition(before, scene);
  // Before anything is read: so far at least the plan has come.
  const reached = scene.activeDirectory.position;
  const plan = await planFrom(type, scene, since);
  const step = makeStep(type, scene, before, { position: plan.position, reached });
  options.lease.insist();
  try {
    await write(scene, precede(step, plan.operations));
  } catch (error) {
    if (!options.forceUpdateCookie || !isRefusal(error)) throw error;
    await write(scene, [step]);
    return { result: 'Incomplete', failureDetails: `${error.message}; the cookie was updated`, ...NOTHING_COUNTED };
  }
  return { result: 'Success', failureDetails: '', ...plan.counts };
}

/** Undefined when everything has to be compared: no cookie, one of another AD, or one that is too old. */
function usablePosition(cookie: FoundCookie | undefined, { activeDirectory, clock }: SyncScene): string | undefined {
  if (cookie?.position === undefined) return undefined;
  const { cookieValidDurationMs } = activeDirectory.snapshot().edgeSyncServiceConfig;
  const ageMs = clock.now().getTime() - cookie.time.getTime();
  return ageMs <= cookieValidDurationMs && cookie.source === activeDirectory.layout.configuration
    ? cookie.position
    : undefined;
}

async function planFrom(type: SyncType, scene: SyncScene, since: string | undefined): Promise<SyncPlan> {
  try {
    return await type.plan(scene, since);
  } catch (error) {
    if (since === undefined || !isProblem(error, 'position-unknown')) throw error;
    return type.plan(scene, undefined);
  }
}

function makeStep(
  type: SyncType,
  { activeDirectory, clock, state }: SyncScene,
  before: FoundCookie | undefined,
  place: Pick<EdgeSyncCookie, 'position' | 'reached'>,
): LdapOperation {
  const next: Omit<EdgeSyncCookie, 'version'> = {
    type: type.name,
    hub: activeDirectory.snapshot().self.name,
    source: activeDirectory.layout.configuration,
    ...place,
    time: clock.now(),
  };
  return makeCookieStep(state.self.record.dn, before, next);
}

/** Throws Problem `lease-lost` when the cookie was moved by somebody else since it was read. */
async function write(
  { client, edge }: SyncScene,
  operations: Iterable<LdapOperation> | AsyncIterable<LdapOperation>,
): Promise<void> {
  try {
    await client.applyTogether(operations);
  } catch (error) {
    if (!(error instanceof LdapFault) || error.failedOperation !== 0) throw error;
    if (error.resultCode !== ResultCode.noSuchAttribute) throw error;
    throw new Problem(
      'lease-lost',
      `another hub synchronized ${edge.name} meanwhile, so this round was planned on an older state: nothing was written`,
      { cause: error },
    );
  }
}

async function* precede(
  first: LdapOperation,
  rest: Iterable<LdapOperation> | AsyncIterable<LdapOperation>,
): AsyncGenerator<LdapOperation> {
  yield first;
  yield* rest;
}

/** The Edge read it and said no; a connection that broke is another matter. */
function isRefusal(error: unknown): error is LdapFault {
  return error instanceof LdapFault;
}
