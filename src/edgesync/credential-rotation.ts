// When a credential is due for a successor, and what its window is. Pure. A successor is made while the one before it still has
// time to go, comes into force before that one ends, and both are good in between: at no moment is there none, and a round that
// fails for a while harms nothing. Deleted is what has ended.

import { type EdgeSyncCredential, isInForce } from '../directory/edge-sync-credential.ts';
import { isSameName } from '../directory/organization.ts';
import type { TransportServer } from '../directory/transport-server.ts';

const DAY_MS = 86_400_000;

export type Window = Pick<EdgeSyncCredential, 'effective' | 'expiration'>;

export interface Rotation {
  readonly lifeMs: number;
  /** The successor is made so long before the end of the one before it, */
  readonly madeBeforeMs: number;
  /** and comes into force so long before that end. */
  readonly effectiveBeforeMs: number;
}

/** A hub's account in ADAM (ESRA). Exchange documents the 7 and the 3 days, not the life. */
export const ACCOUNT_ROTATION: Rotation = {
  lifeMs: 90 * DAY_MS,
  madeBeforeMs: 7 * DAY_MS,
  effectiveBeforeMs: 3 * DAY_MS,
};

/** Two years outlive a certificate, so that a pair whose certificates have expired can still prove who is who in mail. */
export const MAIL_ROTATION: Rotation = {
  lifeMs: 730 * DAY_MS,
  madeBeforeMs: 30 * DAY_MS,
  effectiveBeforeMs: 7 * DAY_MS,
};

/** The window of the credential that has to be made now, given those that are there; undefined while none is due. */
export function findDueWindow(known: readonly Window[], rotation: Rotation, now: Date): Window | undefined {
  if (!known.some((window) => isInForce(window, now))) return windowFrom(now.getTime(), rotation);
  const lastMs = Math.max(...known.map(({ expiration }) => expiration.getTime()));
  if (lastMs - now.getTime() > rotation.madeBeforeMs) return undefined;
  return windowFrom(Math.max(now.getTime(), lastMs - rotation.effectiveBeforeMs), rotation);
}

/** The window of a credential that comes into force at once. */
export function windowNow(rotation: Rotation, now: Date): Window {
  return windowFrom(now.getTime(), rotation);
}

function windowFrom(effectiveMs: number, { lifeMs }: Rotation): Window {
  return { effective: new Date(effectiveMs), expiration: new Date(effectiveMs + lifeMs) };
}

/** True once the credential is of no use any more. */
export function hasEnded({ expiration }: Window, now: Date): boolean {
  return expiration.getTime() <= now.getTime();
}

/** When the first of the credentials between the hubs and an Edge is due for its successor; undefined while there are none. */
export function findNextRenewal(hubs: readonly TransportServer[], edge: TransportServer): Date | undefined {
  const last = new Map<string, number>();
  for (const { purpose, sourceServerFqdn: source, targetServerFqdn: target, expiration } of [
    ...hubs.flatMap(({ credentials }) =>
      credentials.filter(({ targetServerFqdn }) => isSameName(targetServerFqdn, edge.fqdn)),
    ),
    ...edge.credentials,
  ]) {
    if (source === '') continue;
    const { madeBeforeMs } = purpose === 'LDAP' ? ACCOUNT_ROTATION : MAIL_ROTATION;
    const key = `${purpose} ${source} ${target}`.toLowerCase();
    last.set(key, Math.max(last.get(key) ?? 0, expiration.getTime() - madeBeforeMs));
  }
  return last.size === 0 ? undefined : new Date(Math.min(...last.values()));
}
