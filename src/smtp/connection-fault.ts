// What ended a connection, told by error codes and never by texts, which change with every release of Node and OpenSSL.

import type { Reply } from './reply.ts';
import { readReply, toReply } from './server-reply.ts';

/**
 * `alert`: the peer said no in TLS. `protocol`: what came makes no sense, in TLS or in SMTP. `reset`: TCP RST.
 * `closed`: the peer hung up politely. `timeout`: it said nothing for too long.
 */
export type FaultCause = 'alert' | 'protocol' | 'reset' | 'closed' | 'timeout';

export interface ConnectionFault {
  readonly cause: FaultCause;
  /** Stable: one of Node's (ECONNRESET, ERR_SSL_...), ECONNCLOSED, REPLY_MALFORMED, PLAINTEXT_INJECTED, EPROTOCOL. */
  readonly code: string;
  /** The reply that ended it, if one did. */
  readonly reply: Reply | undefined;
}

/** The shape of Node's and nodemailer's errors; nodemailer keeps the system's code in `originalCode`. */
interface CodedError extends Error {
  readonly code?: unknown;
  readonly originalCode?: unknown;
  readonly syscall?: unknown;
  readonly response?: unknown;
}

/** Names of nodemailer's for "the other side is gone", used when no system code lies below. */
const CLOSED_CODES = new Set(['ECONNECTION', 'ETLS']);
const TIMEOUT_CODES = new Set(['ETIMEDOUT', 'EHOSTUNREACH']);
const RESET_CODES = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ECONNREFUSED']);

/** Classifies any error a socket or nodemailer can raise. */
export function describeFault(error: CodedError): ConnectionFault {
  const reply = typeof error.response === 'string' ? readReply(error.response) : undefined;
  const code = readCode(error);
  return { cause: classify(code), code, reply: reply && toReply(reply) };
}

function readCode(error: CodedError): string {
  const code = typeof error.originalCode === 'string' ? error.originalCode : error.code;
  if (typeof code !== 'string') return 'EUNKNOWN';
  // Node calls a FIN during the handshake ECONNRESET as well; only a real reset comes from a system call.
  if (CLOSED_CODES.has(code) || (code === 'ECONNRESET' && error.syscall === undefined)) return 'ECONNCLOSED';
  return code;
}

function classify(code: string): FaultCause {
  if (code === 'ECONNCLOSED') return 'closed';
  if (TIMEOUT_CODES.has(code)) return 'timeout';
  if (RESET_CODES.has(code)) return 'reset';
  return code.startsWith('ERR_SSL_') && code.includes('_ALERT_') ? 'alert' : 'protocol';
}
