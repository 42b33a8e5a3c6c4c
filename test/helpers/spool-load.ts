// Senders that store one message after the other in spools whose database is killed under them: small ones, and some in pieces. What
// was acknowledged is remembered, and so is what was refused.

import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Spool } from '../../src/spool/spool.ts';
import { makeEnvelope, readBody, storeMessage } from './spool-fixtures.ts';
import { waitUntil } from './wait.ts';

const SENDERS = 4;
const PIECES_EACH = 10;
const LIMIT_MS = 180_000;

export class SpoolLoad {
  readonly acknowledged: string[] = [];
  /** The codes of the refusals. */
  readonly codes = new Set<unknown>();
  #refused = 0;
  readonly #over = new AbortController();
  readonly #senders: Promise<void>[];

  /** Begins at once, at each of the spools. */
  constructor(spools: readonly Spool[]) {
    this.#senders = spools.flatMap((spool, index) =>
      Array.from({ length: SENDERS }, (_, sender) => this.#send(spool, `${index}-${sender}`)),
    );
  }

  async awaitMore(count: number): Promise<void> {
    const before = this.acknowledged.length;
    await waitUntil(`${count} messages more`, () => this.acknowledged.length >= before + count, LIMIT_MS);
  }

  async awaitRefusals(count: number): Promise<void> {
    const before = this.#refused;
    await waitUntil(`${count} refusals`, () => this.#refused >= before + count, LIMIT_MS);
  }

  async end(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#senders);
  }

  /** Expects everything that was acknowledged in the spool, whole and once, and every refusal to have been one for now; all ids. */
  async expectKept(spool: Spool): Promise<string[]> {
    const messages = await waitUntil(
      'an answer',
      () => spool.list({ limit: 100_000 }).catch(() => undefined),
      LIMIT_MS,
    );
    const found = messages.map(({ envelope }) => envelope.networkMessageId);
    expect(new Set(found).size).toBe(found.length);
    expect(this.acknowledged.filter((id) => !found.includes(id))).toEqual([]);
    expect(found.length).toBeLessThanOrEqual(this.acknowledged.length + this.#refused);
    for (const message of messages) expect(await readBody(spool, message)).toHaveLength(message.bodySizeBytes);
    expect([...this.codes].filter((code) => code !== 'spool-unavailable')).toEqual([]);
    return found;
  }

  async #send(spool: Spool, name: string): Promise<void> {
    for (let number = 0; !this.#over.signal.aborted; number += 1) {
      const networkMessageId = `${name}-${number}`;
      try {
        const body = randomBytes(number % PIECES_EACH === 0 ? 400_000 : 2000);
        await storeMessage(spool, body, makeEnvelope({ networkMessageId }));
        this.acknowledged.push(networkMessageId);
      } catch (error) {
        this.codes.add((error as { code?: unknown }).code);
        this.#refused += 1;
        await pause(20);
      }
    }
  }
}
