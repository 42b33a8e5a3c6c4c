// Whether an address is one of the organization's, asked of the hashes in ADAM. An embedded directory answers from its index;
// one on the network is asked once for an address, and what it said is remembered, a bounded number of addresses, until it may
// have changed. While it is away the last answer holds; for an address never asked about there is none.

import type { Cancel } from '../clock.ts';
import { isProblem } from '../problem.ts';
import type { Mailbox } from '../smtp/address.ts';
import type { Directory } from './directory.ts';
import type { Layout } from './layout.ts';
import { hashMailbox } from './proxy-address.ts';
import { recipientView } from './recipient.ts';
import { HASH_ATTRIBUTE } from './replicated-recipient.ts';

/** Some two megabytes. */
const MAX_REMEMBERED = 20_000;

interface Answer {
  readonly isKnown: boolean;
  /** The directory may have changed since when this is not the present one. */
  readonly epoch: number;
}

/** Owns what it remembers and its subscription to the directory's changes. */
export class RecipientLookup {
  readonly #directory: Directory;
  readonly #base: string;
  readonly #remembered = new Map<string, Answer>();
  readonly #cancel: Cancel;
  #epoch = 0;

  constructor(directory: Directory, { recipients }: Layout) {
    this.#directory = directory;
    this.#base = recipients;
    this.#cancel = directory.onChange(() => (this.#epoch += 1));
  }

  /** Throws Problem `ldap-unreachable` and the like when there is no telling. */
  async isKnown(mailbox: Mailbox): Promise<boolean> {
    const hash = hashMailbox(mailbox);
    if (this.#directory.backend === 'embedded') return this.#ask(hash);
    const key = hash.toString('base64');
    const last = this.#remembered.get(key);
    if (last?.epoch === this.#epoch) return last.isKnown;
    const epoch = this.#epoch;
    try {
      const isKnown = await this.#ask(hash);
      this.#remember(key, { isKnown, epoch });
      return isKnown;
    } catch (error) {
      if (last && isProblem(error)) return last.isKnown;
      throw error;
    }
  }

  /** Whether there is any recipient at all. Throws what the directory throws. */
  async isEmpty(): Promise<boolean> {
    const filter = `(objectClass=${recipientView.objectClass})`;
    const query = { base: this.#base, scope: 'one', filter, attributes: ['1.1'], sizeLimit: 1 } as const;
    return (await this.#directory.search(query)).length === 0;
  }

  close(): void {
    this.#cancel();
  }

  async #ask(hash: Buffer): Promise<boolean> {
    const filter = { kind: 'equal', attribute: HASH_ATTRIBUTE, value: hash } as const;
    const query = { base: this.#base, scope: 'one', filter, attributes: ['1.1'], sizeLimit: 1 } as const;
    return (await this.#directory.search(query)).length > 0;
  }

  /** The one that was asked about first goes when there is no more room. */
  #remember(key: string, answer: Answer): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, answer);
    if (this.#remembered.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}
