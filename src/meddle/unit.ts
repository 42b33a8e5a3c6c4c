// A unit: the smallest piece that the fault box passes on or does something to. In clear that is a command, a whole reply, a
// piece of a message or its end; in TLS it is a record. Its names are the points of a scenario at which it is met.

/** Who sent it. */
export type Side = 'client' | 'server';

export interface Unit {
  readonly side: Side;
  /** What it travels in: lines of SMTP, or records of TLS. */
  readonly layer: 'smtp' | 'tls';
  /** Such as `MAIL`, `MAIL reply`, `ClientHello`, `record 3`. */
  readonly names: readonly string[];
  readonly octets: Buffer;
  /** Of a message: how many of its octets came before this piece. 0 for everything else. */
  readonly offset: number;
  /** What can be read of it, one line for people; nothing secret is in it. */
  readonly text: string;
}

export function otherSide(side: Side): Side {
  return side === 'client' ? 'server' : 'client';
}
