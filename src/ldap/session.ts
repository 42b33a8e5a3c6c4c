// One LDAP peer: its requests in their order, each answered by the handler or here (RFC 4511 §4). Bind, extended operations
// and transactions are the protocol's own affair and decided here; what may be read and written is the handler's.
// States: anonymous ⇄ bound (by bind), either of them with or without an open transaction (RFC 5805); ends by unbind, by the
// peer's or our closing, or by a malformed message, which gets a Notice of Disconnection.

import type { Log } from '../log.ts';
import { MalformedPdu } from './ber-guard.ts';
import { Oid } from './control.ts';
import { isOperationalAttribute, type LdapEntry, selectAttributes } from './entry.ts';
import { readCredentials } from './credentials.ts';
import { matchFilter } from './filter.ts';
import type { LdapConnection, LdapRequestHandler, SearchAnswer } from './handler.ts';
import { encodeMessage, type LdapMessage, Tag } from './message.ts';
import { type BindRequest, decodeRequest, type LdapRequest, RESPONSE_TAGS, type SearchRequest } from './request.ts';
import { encodeEntry, encodeResult } from './response.ts';
import { fault, type LdapOutcome, LdapFault, outcomeOf, outcomeOfFault, ResultCode, SUCCESS } from './result.ts';
import { completeRootDse } from './root-dse.ts';
import type { ServerChannel } from './server-channel.ts';
import { type Answer, SessionTransaction, type TransactionLimits } from './session-transaction.ts';

/** Entries are sent in pieces of about this size. */
const WRITE_BYTES = 65_536;

export interface SessionOptions {
  readonly connection: LdapConnection;
  readonly channel: ServerChannel;
  readonly handler: LdapRequestHandler;
  readonly log: Log;
  /** Longest message in bytes, before a bind and after it. */
  readonly maxMessageBytes: { readonly anonymous: number; readonly bound: number };
  readonly transactionLimits: TransactionLimits;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #connection: LdapConnection;
  readonly #transaction: SessionTransaction;
  #working = false;
  #stopping = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#connection = options.connection;
    this.#transaction = new SessionTransaction(options.transactionLimits);
  }

  /** Serves until the connection is over; never rejects. */
  async run(): Promise<void> {
    const { channel, log } = this.#options;
    try {
      await this.#serveAll();
      await channel.end(this.#stopping ? SHUTTING_DOWN : undefined);
    } catch (error) {
      if (error instanceof MalformedPdu) {
        log.warn({ reason: error.message }, 'LDAP peer sent what is no LDAP message');
        await channel.end(outcomeOf('protocolError', { diagnosticMessage: 'the message cannot be read' }));
      } else {
        log.debug({ err: error }, 'LDAP connection broke');
      }
    } finally {
      channel.destroy();
      this.#transaction.drop();
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
    if (!this.#working) await this.#options.channel.end(SHUTTING_DOWN);
  }

  async #serveAll(): Promise<void> {
    for await (const message of this.#options.channel.messages()) {
      if (message.tag === Tag.unbindRequest) return;
      this.#working = true;
      await this.#serve(message);
      this.#working = false;
      if (this.#stopping) return;
    }
  }

  async #serve(message: LdapMessage): Promise<void> {
    // By the time it is read, what it would stop is done (RFC 4511 §4.11 lets us).
    if (message.tag === Tag.abandonRequest) return;
    const tag = RESPONSE_TAGS.get(message.tag);
    if (tag === undefined || message.messageId === 0) throw new MalformedPdu('a message that is no request came');
    const answer = await this.#answer(message);
    await this.#options.channel.send(encodeMessage(message.messageId, encodeResult(tag, answer.outcome, answer)));
  }

  async #answer(message: LdapMessage): Promise<Answer> {
    try {
      const request = decodeRequest(message);
      const transactionId = readControls(message, request);
      return await this.#execute(request, message, transactionId);
    } catch (error) {
      if (error instanceof MalformedPdu) throw error;
      if (error instanceof LdapFault) return { outcome: outcomeOfFault(error) };
      this.#options.log.error({ err: error, tag: message.tag }, 'LDAP request failed');
      return { outcome: outcomeOf('other', { diagnosticMessage: 'internal error' }) };
    }
  }

  async #execute(request: LdapRequest, message: LdapMessage, transactionId: Buffer | undefined): Promise<Answer> {
    const { handler } = this.#options;
    switch (request.kind) {
      case 'bind':
        return { outcome: await this.#bind(request) };
      case 'search':
        return { outcome: await this.#search(request, message.messageId) };
      case 'compare':
        return { outcome: await handler.compare(this.#connection, request) };
      case 'update':
        if (!transactionId) return { outcome: await handler.apply(this.#connection, [request.operation]) };
        return {
          outcome: this.#transaction.find(transactionId).add(request.operation, message.messageId, message.sizeBytes),
        };
      case 'extended':
        return this.#extend(request.oid, request.value);
      default:
        throw new MalformedPdu('a request that has no answer came');
    }
  }

  async #bind(request: BindRequest): Promise<LdapOutcome> {
    // A bind ends what was before it, also when it fails (RFC 4511 §4.2.1, RFC 5805 §3.4).
    this.#transaction.drop();
    this.#connection.boundDn = undefined;
    const credentials = readCredentials(request);
    const outcome = credentials ? await this.#options.handler.bind(this.#connection, credentials) : SUCCESS;
    if (outcome.resultCode !== ResultCode.success) this.#connection.boundDn = undefined;
    else if (credentials?.kind === 'simple') this.#connection.boundDn ??= credentials.dn;
    const { anonymous, bound } = this.#options.maxMessageBytes;
    this.#options.channel.limitBytes = this.#connection.boundDn === undefined ? anonymous : bound;
    return outcome;
  }

  async #search(request: SearchRequest, messageId: number): Promise<LdapOutcome> {
    const { handler, channel } = this.#options;
    const { entries, outcome } = await this.#find(request);
    const isCut = request.sizeLimit > 0 && entries.length > request.sizeLimit;
    const sent = isCut ? entries.slice(0, request.sizeLimit) : entries;
    const isOperational = (name: string): boolean => handler.isOperational?.(name) ?? isOperationalAttribute(name);
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    for (const entry of sent) {
      const octets = encodeMessage(messageId, encodeEntry(selectAttributes(entry, request, isOperational)));
      pending.push(octets);
      pendingBytes += octets.length;
      if (pendingBytes < WRITE_BYTES) continue;
      await channel.send(Buffer.concat(pending));
      if (!channel.isOpen) break;
      pending = [];
      pendingBytes = 0;
    }
    if (pending.length > 0) await channel.send(Buffer.concat(pending));
    return isCut ? outcomeOf('sizeLimitExceeded') : outcome;
  }

  async #find(request: SearchRequest): Promise<SearchAnswer> {
    const { handler } = this.#options;
    if (request.base !== '' || request.scope !== 'base') return handler.search(this.#connection, request);
    const rootDse: LdapEntry = completeRootDse(handler.rootDse(this.#connection), this.#connection);
    return { entries: matchFilter(request.filter, rootDse) ? [rootDse] : [], outcome: SUCCESS };
  }

  #extend(oid: string, value: Buffer | undefined): Answer | Promise<Answer> {
    switch (oid) {
      case Oid.whoAmI: {
        const { boundDn } = this.#connection;
        return { outcome: SUCCESS, responseValue: Buffer.from(boundDn === undefined ? '' : `dn:${boundDn}`) };
      }
      case Oid.startTransaction:
        // What a transaction gathers costs memory, so a stranger gets none.
        if (this.#connection.boundDn === undefined)
          throw fault('insufficientAccessRights', 'bind before a transaction');
        return this.#transaction.start();
      case Oid.endTransaction:
        return this.#transaction.end(value, (operations) => this.#options.handler.apply(this.#connection, operations));
      default:
        return { outcome: outcomeOf('protocolError', { diagnosticMessage: 'the extended operation is not known' }) };
    }
  }
}

const SHUTTING_DOWN = outcomeOf('unavailable', { diagnosticMessage: 'the server is shutting down' });

/** The transaction that an update belongs to, if any; throws LdapFault for a critical control that is not known there. */
function readControls(message: LdapMessage, request: LdapRequest): Buffer | undefined {
  let transactionId: Buffer | undefined;
  for (const control of message.controls) {
    if (control.oid === Oid.transactionSpecification && request.kind === 'update') {
      if (!control.critical || !control.value) throw fault('protocolError', 'the transaction control must be critical');
      transactionId = control.value;
    } else if (control.critical) {
      throw fault('unavailableCriticalExtension', 'a critical control is not known here');
    }
  }
  return transactionId;
}
