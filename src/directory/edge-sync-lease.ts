// msExchEdgeSyncLease on the Edge's own object in ADAM: which hub of the site synchronizes this Edge (exchange: lock and option).
// A lock excludes every other hub; an option names the preferred one, and only a manual synchronization elsewhere overrides
// it. Both end by their time, so that another hub takes over from one that is gone. One JSON text:
//   {"holder":"HUB01","kind":"Lock","expires":"…Z"}

import { z } from 'zod';
import { readJson } from './sealed-login.ts';

export const LEASE_ATTRIBUTE = 'msExchEdgeSyncLease';

export interface EdgeSyncLease {
  /** NetBIOS name of the hub. */
  readonly holder: string;
  readonly kind: 'Lock' | 'Option';
  /** No longer part of it. */
  readonly expires: Date;
}

const schema = z.strictObject({
  holder: z.string().min(1).max(64),
  kind: z.enum(['Lock', 'Option']),
  expires: z.iso.datetime(),
});

export function formatEdgeSyncLease({ holder, kind, expires }: EdgeSyncLease): string {
  return JSON.stringify({ holder, kind, expires: expires.toISOString() });
}

/** Undefined for no text and for one that is no lease: then anybody may take it. */
export function parseEdgeSyncLease(text: string | undefined): EdgeSyncLease | undefined {
  const { data } = schema.safeParse(text === undefined ? undefined : readJson(text));
  return data && { ...data, expires: new Date(data.expires) };
}
