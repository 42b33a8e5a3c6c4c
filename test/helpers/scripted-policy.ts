// A session policy for tests of the listener: takes every message into memory and notes what it was asked. A test overrides the
// one answer that it is about.

import { buffer } from 'node:stream/consumers';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { queuedReply } from '../../src/smtp/replies.ts';
import type { Reply } from '../../src/smtp/reply.ts';
import type { Offer, ServerIdentity, SessionPolicy, SmtpSession, Transaction } from '../../src/smtp/session-policy.ts';
import { parseCertificate } from '../../src/tls/certificate.ts';

export interface TakenMessage {
  transaction: Transaction;
  body: Buffer;
  session: SmtpSession;
}

export const PLAIN_OFFER: Offer = { startTls: false, mechanisms: [], sizeLimitBytes: undefined };

export class ScriptedPolicy implements SessionPolicy {
  readonly messages: TakenMessage[] = [];
  /** "connect", "secured", "handshakeFailed CODE", "closed" in the order of their coming. */
  readonly events: string[] = [];
  offered: Offer = PLAIN_OFFER;
  #watchers: { event: RegExp; resolve: () => void }[] = [];

  constructor(overrides: Partial<SessionPolicy> & { offered?: Offer } = {}) {
    Object.assign(this, overrides);
  }

  connect(_session: SmtpSession, _end: (reply: Reply) => void): ReturnType<SessionPolicy['connect']> {
    this.note('connect');
    return undefined;
  }

  limits(_session: SmtpSession): ReturnType<SessionPolicy['limits']> {
    return {};
  }

  mayFinish(_session: SmtpSession): boolean {
    return false;
  }

  banner(): string {
    return 'listener.test ESMTP ready';
  }

  offer(_session: SmtpSession): Offer {
    return this.offered;
  }

  secureContext(_session: SmtpSession, _servername: string | undefined): ServerIdentity | undefined {
    return undefined;
  }

  secured(_session: SmtpSession): void {
    this.note('secured');
  }

  handshakeFailed(_session: SmtpSession, error: { code: string }): void {
    this.note(`handshakeFailed ${error.code}`);
  }

  sasl(_session: SmtpSession, _mechanism: string): ReturnType<SessionPolicy['sasl']> {
    return undefined;
  }

  mail(..._asked: Parameters<SessionPolicy['mail']>): ReturnType<SessionPolicy['mail']> {
    return undefined;
  }

  recipient(..._asked: Parameters<SessionPolicy['recipient']>): ReturnType<SessionPolicy['recipient']> {
    return undefined;
  }

  async data(
    session: SmtpSession,
    transaction: Transaction,
    body: AsyncIterable<Buffer>,
  ): ReturnType<SessionPolicy['data']> {
    const octets = await buffer(body);
    this.messages.push({ session, transaction, body: octets });
    return queuedReply(`<${this.messages.length}@listener.test>`);
  }

  closed(_session: SmtpSession): void {
    this.note('closed');
  }

  note(event: string): void {
    this.events.push(event);
    for (const watcher of this.#watchers) if (watcher.event.test(event)) watcher.resolve();
  }

  /** Resolves when an event that matches has come, or has come already. */
  seen(event: RegExp): Promise<void> {
    if (this.events.some((known) => event.test(known))) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.push({ event, resolve }));
  }
}

/** A context as the product makes them, of PEM texts. */
export function makeIdentity(certificatePem: string, key: string, extra: SecureContextOptions = {}): ServerIdentity {
  const context = createSecureContext({ cert: certificatePem, key, minVersion: 'TLSv1.2', ...extra });
  return { context, certificate: parseCertificate(certificatePem) };
}
