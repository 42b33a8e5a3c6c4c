// The type Recipients: the hashed addresses of the organization's recipients. With a position in AD's change feed only what
// changed since is looked at, so that the cost of a round is that of the changes; without one, or where AD keeps no feed, all
// of AD is compared with all that the Edge holds.

import type { ChangePage } from '../directory/change-feed.ts';
import { orNone } from '../directory/organization.ts';
import type { Recipients } from '../directory/recipients.ts';
import { HASH_ATTRIBUTE, recipientDn } from '../directory/replicated-recipient.ts';
import type { LdapEntry } from '../ldap/entry.ts';
import { type EdgeRecipients, readEdgeRecipients, type RecipientPiece, RecipientReplica } from './recipient-replica.ts';
import type { SyncPlan, SyncScene, SyncType } from './sync-type.ts';

/** Entries of AD in memory at a time. */
const PIECE = 500;
const ATTRIBUTES = ['objectClass', 'cn', HASH_ATTRIBUTE];

export const recipientsType: SyncType = { name: 'Recipients', plan };

async function plan(scene: SyncScene, since: string | undefined): Promise<SyncPlan> {
  const { recipients } = scene.activeDirectory;
  const replica = new RecipientReplica(scene.state.layout);
  const first = await recipients.readChanges(since, PIECE);
  const pieces = first ? followPages(recipients, first) : wholePieces(recipients);
  const operations =
    first && since !== undefined
      ? replica.follow(pieces, (guids) => findOnEdge(scene, guids))
      : replica.compare(pieces, await readEdge(scene));
  return { operations, counts: replica.counts, position: first?.head };
}

async function* followPages(recipients: Recipients, first: ChangePage): AsyncGenerator<RecipientPiece> {
  let page: ChangePage | undefined = first;
  while (page) {
    yield page;
    page = page.isLast ? undefined : await recipients.readChanges(page.position, PIECE);
  }
}

async function* wholePieces(recipients: Recipients): AsyncGenerator<RecipientPiece> {
  for await (const changed of recipients.pages()) yield { changed, deleted: [] };
}

async function readEdge({ client, state }: SyncScene): Promise<EdgeRecipients> {
  const found: EdgeRecipients = new Map();
  const query = { base: state.layout.recipients, scope: 'one', attributes: ATTRIBUTES } as const;
  for await (const page of client.searchPages(query)) {
    for (const [guid, digest] of readEdgeRecipients(page)) found.set(guid, digest);
  }
  return found;
}

async function findOnEdge({ client, state }: SyncScene, guids: readonly string[]): Promise<EdgeRecipients> {
  const look = (guid: string): Promise<LdapEntry[]> =>
    orNone(client.search({ base: recipientDn(guid, state.layout), scope: 'base', attributes: ATTRIBUTES }));
  return readEdgeRecipients((await Promise.all(guids.map(look))).flat());
}
