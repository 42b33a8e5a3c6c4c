// The floods that the bench lets loose on a server, each by how many connections it makes and what one of them does.

export const FLOODS = {
  /** Connections that say nothing. One that is closed is opened again later. */
  idle: { connections: 10_000, text: '10,000 idle connections' },
  slow: { connections: 2000, text: '2,000 senders of an octet a second' },
  /** Recipients again and again: a command that carries mail is no reason to end the connection. */
  unread: { connections: 300, text: '300 senders of recipients without pause that never read a reply' },
  header: { connections: 100, text: '100 endless headers' },
  line: { connections: 100, text: '100 endless lines' },
  storm: { connections: 200, text: '200 senders of recipients without pause' },
  noop: { connections: 200, text: '200 senders of NOOP without pause' },
  churn: { connections: 200, text: '200 at a time that connect and leave' },
  tls: { connections: 50, text: '50 at a time that begin TLS and leave' },
  /** For the memory of one. */
  secured: { connections: 1000, text: '1,000 idle connections in TLS' },
  laden: { connections: 1000, text: '1,000 connections, each with 200 recipients and 60 KiB of an endless header' },
} as const;

export type FloodName = keyof typeof FLOODS;

/** So many connections come from one address: as many as a Receive connector lets a stranger have. */
export const PER_SOURCE = 20;
