// One value of msExchEdgeSyncCookie, on the Edge's own object in its ADAM: how far EdgeSync has come with one type of data.
// A round deletes the value it found and adds the next, in the transaction that carries its data (compare and swap): what is
// played again, or was planned on an older state, finds its value gone and changes nothing. One JSON text a type:
//   {"type":"Configuration","version":7,"hub":"HUB01","source":"CN=Configuration,DC=…","position":"…","reached":"…","time":"…Z"}

import { z } from 'zod';
import { type Change, type LdapOperation } from '../ldap/entry.ts';
import { formatPosition, parsePosition, type ReplicaPosition } from './replica-position.ts';
import { readJson } from './sealed-login.ts';

/** The types of data that EdgeSync carries, in Exchange's words and in the order in which a round carries them. */
export const SYNC_TYPE_NAMES = ['Configuration', 'Recipients'] as const;
export type SyncTypeName = (typeof SYNC_TYPE_NAMES)[number];

export const COOKIE_ATTRIBUTE = 'msExchEdgeSyncCookie';

export interface EdgeSyncCookie {
  readonly type: SyncTypeName;
  /** Rises by one with each round; 0 stands for the export of the subscription, before any. */
  readonly version: number;
  /** NetBIOS name of the hub that wrote it; '' at version 0. */
  readonly hub: string;
  /** Naming context of the AD it was read from; '' at version 0. */
  readonly source: string;
  /** Place in that AD's change feed up to which everything is on the Edge; absent when AD keeps none. */
  readonly position?: string | undefined;
  /** How far the copy of AD had come before it was read, as it says itself: the same to every Edge. Absent where it does not. */
  readonly reached?: ReplicaPosition | undefined;
  readonly time: Date;
}

/** A cookie with the exact text that has to be named to replace it. */
export interface FoundCookie extends EdgeSyncCookie {
  readonly text: string;
}

/** More than a hundred servers that take changes have; what is longer is left out. */
const MAX_REACHED_LENGTH = 4096;

const schema = z.strictObject({
  type: z.enum(SYNC_TYPE_NAMES),
  version: z.int().min(0),
  hub: z.string().max(64),
  source: z.string().max(1024),
  position: z.string().max(512).optional(),
  reached: z.string().max(MAX_REACHED_LENGTH).transform(parsePosition).optional(),
  time: z.iso.datetime(),
});

export function formatEdgeSyncCookie({ time, ...cookie }: EdgeSyncCookie): string {
  const { type, version, hub, source, position } = cookie;
  const text = cookie.reached && formatPosition(cookie.reached);
  const reached = text !== undefined && text.length <= MAX_REACHED_LENGTH ? text : undefined;
  return JSON.stringify({ type, version, hub, source, position, reached, time: time.toISOString() });
}

/** Undefined for a text that is none. */
function parseEdgeSyncCookie(text: string): EdgeSyncCookie | undefined {
  const { data } = schema.safeParse(readJson(text));
  return data && { ...data, time: new Date(data.time) };
}

/** The cookie of a type among the values of the attribute; the newest, should there be several. */
export function findCookie(texts: readonly string[], type: SyncTypeName): FoundCookie | undefined {
  return texts
    .map((text) => ({ text, cookie: parseEdgeSyncCookie(text) }))
    .flatMap(({ text, cookie }) => (cookie?.type === type ? [{ ...cookie, text }] : []))
    .toSorted((a, b) => b.version - a.version)[0];
}

/**
 * How far an Edge has come with everything that EdgeSync carries, by what its cookies say: empty before the first round. Each Edge has
 * an ADAM of its own, whose numbers mean nothing to another; AD's mean the same to all.
 */
export function carriedPosition(texts: readonly string[]): ReplicaPosition {
  const parts = SYNC_TYPE_NAMES.flatMap((type) =>
    [...(findCookie(texts, type)?.reached ?? [])].map(([server, change]): [string, string] => [
      `${type}/${server}`,
      change,
    ]),
  );
  return new Map(parts);
}

/** The first operation of a round's transaction: nothing of the round holds unless `before` is still there. */
export function makeCookieStep(
  ownDn: string,
  before: FoundCookie | undefined,
  next: Omit<EdgeSyncCookie, 'version'>,
): LdapOperation {
  const text = formatEdgeSyncCookie({ ...next, version: (before?.version ?? 0) + 1 });
  const change = (operation: Change['operation'], value: string): Change => ({
    operation,
    attribute: COOKIE_ATTRIBUTE,
    values: [Buffer.from(value)],
  });
  return {
    kind: 'modify',
    dn: ownDn,
    changes: [...(before ? [change('delete', before.text)] : []), change('add', text)],
  };
}

/**
 * True when the changes of the cookies are such a step: one cookie replaced by its successor, or the first of its type made.
 * `texts` are the cookies that are there; whether the one to replace still is, the directory says when it is deleted.
 */
export function isCookieStep(changes: readonly Change[], texts: readonly string[]): boolean {
  const [added, deleted, ...others] = changes.toSorted((a, b) => a.operation.localeCompare(b.operation));
  const next = added?.operation === 'add' ? readSingle(added) : undefined;
  if (!next || others.length > 0) return false;
  if (!deleted) return next.version === 1 && findCookie(texts, next.type) === undefined;
  const before = deleted.operation === 'delete' ? readSingle(deleted) : undefined;
  return before?.type === next.type && next.version === before.version + 1;
}

function readSingle({ values }: Change): EdgeSyncCookie | undefined {
  const [value, ...others] = values;
  return value && others.length === 0 ? parseEdgeSyncCookie(value.toString('utf8')) : undefined;
}
