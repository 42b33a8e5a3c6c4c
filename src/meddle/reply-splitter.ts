// What a server says in SMTP, reply by reply (RFC 5321 §4.2). Which command a reply answers is for whoever reads it.

import { PendingOctets } from './pending-octets.ts';

const MAX_REPLY_OCTETS = 262_144;

export interface SplitReply {
  readonly octets: Buffer;
  /** 0 when these octets are no reply. */
  readonly code: number;
  /** Without its line ends, for people. */
  readonly text: string;
}

export class ReplySplitter {
  readonly #pending = new PendingOctets();

  add(octets: Buffer): void {
    this.#pending.add(octets);
  }

  takeRest(): Buffer {
    return this.#pending.take();
  }

  /** The next reply that has come whole, or what is none; undefined while more is to come. */
  next(): SplitReply | undefined {
    const end = this.#findEnd();
    if (end === undefined) return undefined;
    const octets = this.#pending.take(end);
    return { octets, code: codeOf(octets), text: textOf(octets) };
  }

  /** Behind the first line that goes on no more. */
  #findEnd(): number | undefined {
    for (let start = 0; ; ) {
      const end = this.#pending.octets.indexOf(0x0a, start) + 1;
      if (end === 0) return this.#pending.octets.length > MAX_REPLY_OCTETS ? this.#pending.octets.length : undefined;
      const isContinued = /^\d{3}-/.test(this.#pending.octets.subarray(start, start + 4).toString('latin1'));
      if (!isContinued) return end;
      start = end;
    }
  }
}

/** The code that a client reads in these octets, 0 when there is none. */
export function codeOf(octets: Buffer): number {
  const [, code] = /^(\d{3})(?:[ -]|\r?\n)/.exec(octets.subarray(0, 5).toString('latin1')) ?? [];
  return Number(code ?? 0);
}

/** A 334 carries a challenge, which is part of a secret exchange. */
function textOf(octets: Buffer): string {
  if (codeOf(octets) === 334) return '334 (a challenge of AUTH)';
  return octets.toString('latin1').trimEnd().replaceAll(/\r?\n/g, ' | ');
}
