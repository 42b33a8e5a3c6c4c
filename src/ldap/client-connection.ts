// The client's side of one LDAP connection, over a socket that is already approved: requests out, each with its message id,
// and the answers sorted back to them. ldapts' own Client is not used, since it loses what is needed here: matchedDn, binary
// values of extended responses, the message ids that RFC 5805 names failures by, and it redials by itself past the pin.

import type { Socket } from 'node:net';
import { isProblem, messageOf, Problem } from '../problem.ts';
import { PduCutter } from './ber-guard.ts';
import { type Control, Oid } from './control.ts';
import type { LdapEntry } from './entry.ts';
import { decodeMessage, encodeMessage, type LdapMessage, MAX_MESSAGE_ID, Tag } from './message.ts';
import { encodeRequest, type LdapRequest } from './request.ts';
import { decodeEntry, decodeResult, type LdapResult } from './response.ts';

/** One entry of a peer's may be this long, all entries of one search together four times as long. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const MAX_ANSWER_BYTES = 4 * MAX_MESSAGE_BYTES;

export interface LdapAnswer {
  readonly messageId: number;
  readonly result: LdapResult;
  /** Of a search; references are left out. */
  readonly entries: readonly LdapEntry[];
  readonly controls: readonly Control[];
}

interface Waiting {
  readonly entries: LdapEntry[];
  answerBytes: number;
  /** How much longer than others it may take. */
  readonly patienceMs: number;
  readonly resolve: (answer: LdapAnswer) => void;
  readonly reject: (problem: Problem) => void;
  timer: NodeJS.Timeout;
}

export type ClientRequest = Exclude<LdapRequest, { kind: 'abandon' | 'unbind' }>;

/** Sends requests and waits for their results. Ends with its socket; every request then waiting is rejected. */
export class ClientConnection {
  readonly #socket: Socket;
  readonly #peer: string;
  readonly #timeoutMs: number;
  readonly #cutter = new PduCutter(MAX_MESSAGE_BYTES);
  readonly #waiting = new Map<number, Waiting>();
  #lastMessageId = 0;
  #end: Problem | undefined;
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>;

  /** `peer` names the other side in problems; `timeoutMs` is the longest silence in one operation. */
  constructor(socket: Socket, peer: string, timeoutMs: number) {
    this.#socket = socket;
    this.#peer = peer;
    this.#timeoutMs = timeoutMs;
    this.closed = new Promise((resolve) => void socket.once('close', () => resolve()));
    // Small requests follow each other: none of them waits to be sent together with the next.
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(describeBreak(error, peer)));
    socket.on('close', () => this.#fail(new Problem('ldap-unreachable', `${peer} closed the LDAP connection`)));
    if (socket.destroyed) this.#fail(new Problem('ldap-unreachable', `${peer} closed the LDAP connection`));
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /**
   * Sends a request; resolves with its result, good or bad. Work of the server that takes longer than others gets
   * `patienceMs` on top. Rejects with Problem `ldap-unreachable` or `ldap-peer-refused`.
   */
  request(request: ClientRequest, controls: readonly Control[] = [], patienceMs = 0): Promise<LdapAnswer> {
    if (this.#end) return Promise.reject(this.#end);
    const messageId = this.#nextMessageId();
    const octets = encodeMessage(messageId, encodeRequest(request), controls);
    return new Promise((resolve, reject) => {
      const timer = this.#startTimer(patienceMs);
      this.#waiting.set(messageId, { entries: [], answerBytes: 0, patienceMs, resolve, reject, timer });
      this.#socket.write(octets);
    });
  }

  /** Says good-bye and waits for the socket's end, a second at most. */
  async close(): Promise<void> {
    if (!this.#end) {
      this.#socket.end(encodeMessage(this.#nextMessageId(), encodeRequest({ kind: 'unbind' })));
      this.#fail(new Problem('ldap-unreachable', `the LDAP connection to ${this.#peer} was closed here`), false);
    }
    const timer = setTimeout(() => this.#socket.destroy(), 1000);
    await this.closed;
    clearTimeout(timer);
  }

  #nextMessageId(): number {
    this.#lastMessageId = this.#lastMessageId === MAX_MESSAGE_ID ? 1 : this.#lastMessageId + 1;
    return this.#lastMessageId;
  }

  /** A request behind one that takes its time waits for that one too. */
  #startTimer(patienceMs = 0): NodeJS.Timeout {
    const ahead = [...this.#waiting.values()].reduce((sum, waiting) => sum + waiting.patienceMs, 0);
    const timeoutMs = this.#timeoutMs + patienceMs + ahead;
    const sentence = `${this.#peer} did not answer over LDAP within ${timeoutMs} ms`;
    return setTimeout(() => this.#fail(new Problem('ldap-unreachable', sentence)), timeoutMs);
  }

  #receive(chunk: Buffer): void {
    try {
      for (const pdu of this.#cutter.push(chunk)) {
        this.#take(decodeMessage(pdu));
        if (this.#end) return;
      }
    } catch (error) {
      // Whatever it is, the stream is out of step from here on.
      const sentence = `${this.#peer} sent what is no LDAP: ${messageOf(error)}`;
      this.#fail(new Problem('ldap-peer-refused', sentence, { cause: error }));
    }
  }

  #take(message: LdapMessage): void {
    if (message.messageId === 0) return this.#takeNotice(message);
    const waiting = this.#waiting.get(message.messageId);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    switch (message.tag) {
      case Tag.searchResultEntry:
        this.#takeEntry(waiting, message);
        break;
      case Tag.searchResultReference:
      case Tag.intermediateResponse:
        waiting.timer = this.#startTimer();
        break;
      default:
        this.#waiting.delete(message.messageId);
        this.#settle(waiting, message);
    }
  }

  #takeEntry(waiting: Waiting, message: LdapMessage): void {
    waiting.answerBytes += message.sizeBytes;
    if (waiting.answerBytes > MAX_ANSWER_BYTES) {
      return this.#fail(new Problem('ldap-peer-refused', `${this.#peer} answered a search with too much`));
    }
    waiting.entries.push(decodeEntry(message));
    waiting.timer = this.#startTimer();
  }

  #settle(waiting: Waiting, message: LdapMessage): void {
    const { messageId, controls } = message;
    try {
      waiting.resolve({ messageId, controls, result: decodeResult(message), entries: waiting.entries });
    } catch (error) {
      if (isProblem(error)) waiting.reject(error);
      throw error;
    }
  }

  /** Of what comes unasked only the Notice of Disconnection matters; an aborted transaction shows at its next step anyway. */
  #takeNotice(message: LdapMessage): void {
    const { responseName, diagnosticMessage } = decodeResult(message);
    if (responseName !== Oid.noticeOfDisconnection) return;
    this.#fail(
      new Problem('ldap-peer-refused', `${this.#peer} ended the LDAP connection: ${diagnosticMessage || 'no reason'}`),
    );
  }

  /** The first reason stands for all that waits and all that comes later. */
  #fail(problem: Problem, destroy = true): void {
    this.#end ??= problem;
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(this.#end);
    }
    this.#waiting.clear();
    if (destroy) this.#socket.destroy();
  }
}

/** In TLS 1.3 a refusal of our certificate comes after the handshake, as an alert; the rest is the network's doing. */
export function describeBreak(error: NodeJS.ErrnoException, peer: string): Problem {
  const isTls = error.code?.startsWith('ERR_SSL_') ?? false;
  const sentence = isTls
    ? `${peer} broke off TLS (${error.code})`
    : `${peer} cannot be reached over LDAP (${error.code ?? 'no code'})`;
  return new Problem(isTls ? 'ldap-peer-refused' : 'ldap-unreachable', sentence, { cause: error });
}
