// What has to be done on an Edge so that it holds the hashes of the recipients that AD has: from a comparison of all of them,
// or from what the change feed tells. Operations are made while they are sent, so that neither side ever holds a hundred
// thousand of them. Where entries come from is recipients-type.ts' affair.

import { createHash } from 'node:crypto';
import type { ChangePage } from '../directory/change-feed.ts';
import type { Layout } from '../directory/layout.ts';
import { recipientView } from '../directory/recipient.ts';
import {
  changeReplicated,
  planReplicated,
  recipientDn,
  replicate,
  type ReplicatedRecipient,
  replicatedRecipientView,
} from '../directory/replicated-recipient.ts';
import { getText, getValues, type LdapEntry, type LdapOperation } from '../ldap/entry.ts';
import type { SyncCounts } from './sync-type.ts';

type Counts = { -readonly [K in keyof SyncCounts]: SyncCounts[K] };

/** What a round needs to know of AD: in pieces, changed and deleted. */
export type RecipientPiece = Pick<ChangePage, 'changed' | 'deleted'>;

/** Of the recipients on the Edge, which are there and with what: a digest of the hashes, by GUID. */
export type EdgeRecipients = Map<string, string>;

/** Plans and counts; the counts are right when the operations have been read to their end. */
export class RecipientReplica {
  readonly counts: Counts = { added: 0, deleted: 0, updated: 0, scanned: 0, targetScanned: 0 };
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** `target` is what the Edge holds, all of it, and `pieces` bring all that AD holds: what is in none of them goes. */
  async *compare(pieces: AsyncIterable<RecipientPiece>, target: EdgeRecipients): AsyncGenerator<LdapOperation> {
    const wanted = new Set<string>();
    this.counts.targetScanned = target.size;
    for await (const { changed, deleted } of pieces) {
      for (const entry of changed.filter(isRecipient)) {
        const { guid, replica } = this.#look(entry);
        // An entry that changes while it is read comes again: the last time counts.
        if (!replica) wanted.delete(guid);
        else {
          wanted.add(guid);
          yield* this.#bring(replica, target);
        }
      }
      for (const { guid } of deleted) wanted.delete(guid);
    }
    for (const guid of target.keys()) if (!wanted.has(guid)) yield this.#remove(guid);
  }

  /** `find` looks up which of these the Edge holds, and with what. */
  async *follow(
    pieces: AsyncIterable<RecipientPiece>,
    find: (guids: readonly string[]) => Promise<EdgeRecipients>,
  ): AsyncGenerator<LdapOperation> {
    /** What this very round has changed is not on the Edge yet. */
    const done: EdgeRecipients = new Map();
    const gone = new Set<string>();
    for await (const { changed, deleted } of pieces) {
      const looked = changed.filter(isRecipient).map((entry) => this.#look(entry));
      const guids = [...new Set([...looked, ...deleted].map(({ guid }) => guid))];
      const target = new Map([...(await find(guids)), ...done]);
      this.counts.targetScanned += guids.length;
      for (const guid of gone) target.delete(guid);
      for (const { guid, replica } of looked) {
        if (!replica) {
          if (target.delete(guid)) yield this.#remove(guid);
          done.delete(guid);
          gone.add(guid);
          continue;
        }
        yield* this.#bring(replica, target);
        done.set(guid, digestOf(replica.hashes));
        gone.delete(guid);
      }
      for (const { guid } of deleted) {
        if (target.delete(guid)) yield this.#remove(guid);
        done.delete(guid);
        gone.add(guid);
      }
    }
  }

  #look(entry: LdapEntry): { guid: string; replica: ReplicatedRecipient | undefined } {
    this.counts.scanned += 1;
    const recipient = recipientView.fromEntry(entry);
    const guid = recipient.record.guid.toLowerCase();
    return { guid, replica: replicate(recipient, guid) };
  }

  *#bring(replica: ReplicatedRecipient, target: EdgeRecipients): Generator<LdapOperation> {
    const digest = digestOf(replica.hashes);
    const before = target.get(replica.name);
    if (before === digest) return;
    target.set(replica.name, digest);
    this.counts[before === undefined ? 'added' : 'updated'] += 1;
    yield before === undefined ? planReplicated(replica, this.#layout) : changeReplicated(replica, this.#layout);
  }

  #remove(guid: string): LdapOperation {
    this.counts.deleted += 1;
    return { kind: 'delete', dn: recipientDn(guid, this.#layout) };
  }
}

/** What entries on the Edge say, by GUID; what is no recipient is passed over. */
export function readEdgeRecipients(entries: readonly LdapEntry[]): EdgeRecipients {
  const found: EdgeRecipients = new Map();
  for (const entry of entries) {
    const { hashes } = replicatedRecipientView.fields;
    const guid = getText(entry, 'cn')?.toLowerCase();
    if (guid !== undefined && isRecipient(entry)) found.set(guid, digestOf(getValues(entry, hashes.attribute)));
  }
  return found;
}

/** The same for the same hashes in any order. */
function digestOf(hashes: readonly Buffer[]): string {
  const digest = createHash('sha256');
  for (const hash of hashes.toSorted((a, b) => a.compare(b))) digest.update(hash);
  return digest.digest('base64');
}

function isRecipient(entry: LdapEntry): boolean {
  const wanted = recipientView.objectClass.toLowerCase();
  return getValues(entry, 'objectClass').some((value) => value.toString('latin1').toLowerCase() === wanted);
}
