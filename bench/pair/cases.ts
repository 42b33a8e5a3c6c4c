// What the bench of the pair measures: size of a message, sessions, and how the client comes.

export interface BenchCase {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sessions: number;
  /** A new connection for each message. */
  readonly isReconnecting?: boolean;
  /** STARTTLS on the first hop, a full handshake for each connection. */
  readonly isTls?: boolean;
  /** So many messages a second instead of as many as can be: latency is what is measured. */
  readonly perSecond?: number | undefined;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** In the order in which a pair takes them: those that keep their sessions first, since memory that was needed once is not all given back. */
export const CASES: readonly BenchCase[] = [
  { name: '4k-s10', sizeBytes: 4 * KIB, sessions: 10 },
  { name: '4k-s50', sizeBytes: 4 * KIB, sessions: 50 },
  { name: 'lat50', sizeBytes: 4 * KIB, sessions: 4, perSecond: 50 },
  { name: '100k-s10', sizeBytes: 100 * KIB, sessions: 10 },
  { name: '5m-s10', sizeBytes: 5 * MIB, sessions: 10 },
  { name: '5m-s50', sizeBytes: 5 * MIB, sessions: 50 },
  { name: '4k-s10-re', sizeBytes: 4 * KIB, sessions: 10, isReconnecting: true },
  { name: '4k-s50-tlsre', sizeBytes: 4 * KIB, sessions: 50, isReconnecting: true, isTls: true },
];
