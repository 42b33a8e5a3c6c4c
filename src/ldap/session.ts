// One LDAP peer: its requests in their order, each answered by the handler or here (RFC 4511 §4). Bind, extended operations
// and transactions are the protocol's own affair and decided here; what may be read and written is the handler's.
// States: anonymous ⇄ bound (by bind), either of them with or without an open transaction (RFC 5805), a bound one with or
// without a search under way; ends by unbind, by either side's closing, or by a malformed message, which gets a Notice of
// Disconnection.

import type { Log } from '../log.ts';
import { MalformedPdu } from './ber-guard.ts';
import { Oid } from './control.ts';
import { readCredentials } from './credentials.ts';
import type { LdapConnection, LdapRequestHandler } from './handler.ts';
import { encodeMessage, type LdapMessage, Tag } from './message.ts';
import { type Page, readPageControl } from './paged-results.ts';
import { type BindRequest, decodeAbandon, decodeRequest, type LdapRequest, RESPONSE_TAGS } from './request.ts';
import { encodeResult } from './response.ts';
import { fault, type LdapOutcome, LdapFault, outcomeOf, outcomeOfFault, ResultCode, SUCCESS } from './result.ts';
import type { ServerChannel } from './server-channel.ts';
import { SessionSearches } from './session-search.ts';
import { type Answer, SessionTransaction, type TransactionLimits } from './session-transaction.ts';

export interface SessionOptions {
  readonly connection: LdapConnection;
  readonly channel: ServerChannel;
  readonly handler: LdapRequestHandler;
  readonly log: Log;
  /** Longest message in bytes, before a bind and after it. */
  readonly maxMessageBytes: { readonly anonymous: number; readonly bound: number };
  /** Longest wait for a whole request, and for a peer to read its answer; real time. */
  readonly idleTimeoutMs: { readonly anonymous: number; readonly bound: number };
  readonly transactionLimits: TransactionLimits;
  /** Longest real time of one search, or of one page of it. */
  readonly maxSearchMs: number;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #connection: LdapConnection;
  readonly #transaction: SessionTransaction;
  readonly #searches: SessionSearches;
  /** The search that goes on while the next message is read; never rejects. */
  #search: Promise<void> = Promise.resolve();
  #working = false;
  #stopping = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#connection = options.connection;
    this.#transaction = new SessionTransaction(options.transactionLimits);
    this.#searches = new SessionSearches(options);
  }

  /** Serves until the connection is over; never rejects. */
  async run(): Promise<void> {
    const { channel, log } = this.#options;
    try {
      await this.#serveAll();
      // A peer that says good-bye, or has gone, hears no more of its search; when we are the one to go, it is finished.
      if (!this.#stopping) this.#searches.close();
      await this.#search;
      await channel.end(this.#stopping ? SHUTTING_DOWN : undefined);
    } catch (error) {
      if (error instanceof MalformedPdu) {
        log.warn({ reason: error.message }, 'LDAP peer sent what is no LDAP message');
        this.#searches.close();
        await this.#search;
        await channel.end(outcomeOf('protocolError', { diagnosticMessage: 'the message cannot be read' }));
      } else {
        log.debug({ err: error }, 'LDAP connection broke');
      }
    } finally {
      channel.destroy();
      this.#transaction.drop();
      this.#searches.close();
      await this.#search;
      this.#tellHandler();
    }
  }

  #tellHandler(): void {
    const { handler, log } = this.#options;
    try {
      handler.closed(this.#connection);
    } catch (error) {
      log.error({ err: error }, 'the end of an LDAP connection was not taken note of');
    }
  }

  /** Ends the connection with a notice, after the request that is being worked on, if any. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#search;
    if (!this.#working) await this.#options.channel.end(SHUTTING_DOWN);
  }

  /**
   * One request at a time. While a search goes on the next message is read, which may abandon it; any other waits for its
   * end, and nothing more is read until then.
   */
  async #serveAll(): Promise<void> {
    for await (const message of this.#options.channel.messages()) {
      if (message.tag === Tag.unbindRequest) return;
      if (message.tag === Tag.abandonRequest) {
        this.#searches.abandon(decodeAbandon(message));
        continue;
      }
      await this.#search;
      if (this.#stopping || !this.#options.channel.isOpen) return;
      this.#working = true;
      const work = this.#serve(message);
      // A stranger gets the root DSE or a refusal: there is nothing to abandon, and nothing is read ahead.
      if (message.tag === Tag.searchRequest && this.#connection.boundDn !== undefined) this.#search = work;
      else await work;
      if (this.#stopping) return;
    }
  }

  /** Decodes and answers; throws MalformedPdu at once, and later nothing. */
  #serve(message: LdapMessage): Promise<void> {
    const tag = RESPONSE_TAGS.get(message.tag);
    if (tag === undefined || message.messageId === 0) throw new MalformedPdu('a message that is no request came');
    const asked = readRequest(message);
    this.#options.channel.isBusy = true;
    return this.#answer(message, asked)
      .then((answer) => answer && this.#send(message, tag, answer))
      .finally(() => {
        this.#working = false;
        this.#options.channel.isBusy = false;
      });
  }

  #send({ messageId }: LdapMessage, tag: number, answer: Answer): Promise<void> {
    return this.#options.channel.send(
      encodeMessage(messageId, encodeResult(tag, answer.outcome, answer), answer.controls),
    );
  }

  async #answer(message: LdapMessage, asked: Asked | LdapFault): Promise<Answer | undefined> {
    try {
      if (asked instanceof LdapFault) throw asked;
      return await this.#execute(asked, message);
    } catch (error) {
      if (error instanceof LdapFault) return { outcome: outcomeOfFault(error) };
      this.#options.log.error({ err: error, tag: message.tag }, 'LDAP request failed');
      return { outcome: outcomeOf('other', { diagnosticMessage: 'internal error' }) };
    }
  }

  async #execute({ request, transactionId, page }: Asked, message: LdapMessage): Promise<Answer | undefined> {
    const { handler } = this.#options;
    switch (request.kind) {
      case 'bind':
        return { outcome: await this.#bind(request) };
      case 'search':
        return this.#searches.run(request, message.messageId, page);
      case 'compare':
        return { outcome: await handler.compare(this.#connection, request) };
      case 'update':
        if (!transactionId) return { outcome: await handler.apply(this.#connection, [request.operation]) };
        return { outcome: this.#transaction.find(transactionId).add(message) };
      case 'extended':
        return this.#extend(request.oid, request.value);
      default:
        throw new Error(`a request without an answer: ${request.kind}`);
    }
  }

  async #bind(request: BindRequest): Promise<LdapOutcome> {
    // A bind ends what was before it, also when it fails (RFC 4511 §4.2.1, RFC 5805 §3.4).
    this.#transaction.drop();
    this.#searches.drop();
    this.#connection.boundDn = undefined;
    this.#limitPeer();
    const credentials = readCredentials(request);
    const outcome = credentials ? await this.#options.handler.bind(this.#connection, credentials) : SUCCESS;
    if (outcome.resultCode !== ResultCode.success) this.#connection.boundDn = undefined;
    else if (credentials?.kind === 'simple') this.#connection.boundDn ??= credentials.dn;
    this.#limitPeer();
    return outcome;
  }

  /** A stranger gets shorter messages and less patience. */
  #limitPeer(): void {
    const { channel, maxMessageBytes, idleTimeoutMs } = this.#options;
    const who = this.#connection.boundDn === undefined ? 'anonymous' : 'bound';
    channel.limitBytes = maxMessageBytes[who];
    channel.idleTimeoutMs = idleTimeoutMs[who];
  }

  /** What a transaction gathers costs memory: neither a stranger gets one nor somebody who only reads. */
  #startTransaction(): Answer {
    if (this.#connection.boundDn === undefined) throw fault('insufficientAccessRights', 'bind before a transaction');
    if (this.#options.handler.mayUpdate?.(this.#connection) === false)
      throw fault('insufficientAccessRights', 'this account changes nothing');
    return this.#transaction.start();
  }

  #extend(oid: string, value: Buffer | undefined): Answer | Promise<Answer> {
    switch (oid) {
      case Oid.whoAmI: {
        const { boundDn } = this.#connection;
        return { outcome: SUCCESS, responseValue: Buffer.from(boundDn === undefined ? '' : `dn:${boundDn}`) };
      }
      case Oid.startTransaction:
        return this.#startTransaction();
      case Oid.endTransaction:
        return this.#transaction.end(value, (operations) => this.#options.handler.apply(this.#connection, operations));
      default:
        return { outcome: outcomeOf('protocolError', { diagnosticMessage: 'the extended operation is not known' }) };
    }
  }
}

const SHUTTING_DOWN = outcomeOf('unavailable', { diagnosticMessage: 'the server is shutting down' });

/** A request with what its controls say of it. */
interface Asked {
  readonly request: LdapRequest;
  /** The transaction that an update belongs to, if any. */
  readonly transactionId?: Buffer;
  readonly page?: Page;
}

/** Throws MalformedPdu; what merely makes no sense is given back, to be answered. */
function readRequest(message: LdapMessage): Asked | LdapFault {
  try {
    const request = decodeRequest(message);
    return { request, ...readControls(message, request) };
  } catch (error) {
    if (error instanceof LdapFault) return error;
    throw error;
  }
}

/** Throws LdapFault for a critical control that is not known there. */
function readControls(message: LdapMessage, request: LdapRequest): Omit<Asked, 'request'> {
  let asked: Omit<Asked, 'request'> = {};
  for (const control of message.controls) {
    if (control.oid === Oid.transactionSpecification && request.kind === 'update') {
      if (!control.critical || !control.value) throw fault('protocolError', 'the transaction control must be critical');
      asked = { ...asked, transactionId: control.value };
    } else if (control.oid === Oid.pagedResults && request.kind === 'search') {
      asked = { ...asked, page: readPageControl(control) };
    } else if (control.critical) {
      throw fault('unavailableCriticalExtension', 'a critical control is not known here');
    }
  }
  return asked;
}
