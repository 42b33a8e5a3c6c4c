// What the fault box saw and did on one connection: events in their order, and what they come to. Plain data.

import type { HandshakeView } from './record-splitter.ts';
import type { Side } from './unit.ts';

/** What became of STARTTLS, as the client met it. */
export type StartTlsFate = 'not-offered' | 'not-used' | 'refused' | 'broken' | 'established';

/** How a message was accepted. `unseen`: whatever went on went on in TLS that the box passed on unread. */
export type MailFate = 'none' | 'in-clear' | 'in-tls' | 'unseen';

export interface MeddleEvent {
  /** Counted from 1. */
  readonly connection: number;
  /** Since the connection was opened, in milliseconds. */
  readonly elapsedMs: number;
  readonly kind: 'opened' | 'said' | 'fault' | 'secured' | 'note' | 'ended';
  /** Who said it. */
  readonly side?: Side;
  /** It was said in TLS that the box ends on both sides. */
  readonly isInTls?: boolean;
  readonly text: string;
}

export interface Observation {
  readonly connection: number;
  readonly startTls: StartTlsFate;
  /** Of the handshake with the client, as far as it came: "TLSv1.3". */
  readonly version?: string;
  readonly cipher?: string;
  readonly mail: MailFate;
  /** Every command that could be read. */
  readonly verbs: readonly string[];
  /** Who went first; `box` when a fault did it. */
  readonly endedBy: Side | 'box' | undefined;
  readonly events: readonly MeddleEvent[];
}

/** What follows of one connection is told as it happens, and not kept. */
const MAX_EVENTS = 2000;

/** Gathers the events of one connection. */
export class Observer {
  readonly connection: number;
  readonly verbs: string[] = [];
  isOffered = false;
  isRefused = false;
  isAgreed = false;
  isTerminated = false;
  /** With the client, where the box ends TLS. */
  secured: { readonly version: string; readonly cipher: string } | undefined;
  view: HandshakeView | undefined;
  endedBy: Observation['endedBy'];
  /** Both sides are gone. */
  hasEnded = false;
  #mail: 'none' | 'in-clear' | 'in-tls' = 'none';
  readonly #events: MeddleEvent[] = [];
  readonly #startMs = performance.now();
  readonly #onEvent: (event: MeddleEvent) => void;

  constructor(connection: number, onEvent: (event: MeddleEvent) => void) {
    this.connection = connection;
    this.#onEvent = onEvent;
  }

  note(kind: MeddleEvent['kind'], text: string, more: Pick<MeddleEvent, 'side' | 'isInTls'> = {}): void {
    const elapsedMs = Math.round((performance.now() - this.#startMs) * 10) / 10;
    const event = { connection: this.connection, elapsedMs, kind, ...more, text };
    if (this.#events.length < MAX_EVENTS) this.#events.push(event);
    this.#onEvent(event);
  }

  noteMail(isInTls: boolean): void {
    this.#mail = isInTls ? 'in-tls' : 'in-clear';
  }

  look(): Observation {
    const { connection, verbs, endedBy, view } = this;
    const version = this.secured?.version ?? view?.version;
    const cipher = this.secured?.cipher ?? view?.cipher;
    const startTls = this.#startTls();
    const isUnseen = startTls === 'established' && !this.isTerminated;
    return {
      connection,
      startTls,
      ...(version !== undefined && { version }),
      ...(cipher !== undefined && { cipher }),
      mail: isUnseen ? 'unseen' : this.#mail,
      verbs: [...verbs],
      endedBy,
      events: [...this.#events],
    };
  }

  #startTls(): StartTlsFate {
    if (this.isAgreed) {
      const isEstablished = this.isTerminated ? this.secured !== undefined : this.view?.isEstablished === true;
      return isEstablished ? 'established' : 'broken';
    }
    if (this.isRefused) return 'refused';
    return this.isOffered ? 'not-used' : 'not-offered';
  }
}

const MARKS: Readonly<Record<Side, string>> = { client: 'C:', server: 'S:' };

/** One line for people, as it happens. What peers said stands in it as they said it: escape it before it is printed. */
export function formatEvent({ connection, elapsedMs, kind, side, isInTls, text }: MeddleEvent): string {
  const mark = kind === 'fault' ? '!!' : side ? MARKS[side] : '--';
  const lock = isInTls === true ? ' (in TLS)' : '';
  return `#${connection} ${elapsedMs.toFixed(1).padStart(9)} ms ${mark} ${text}${lock}`;
}
