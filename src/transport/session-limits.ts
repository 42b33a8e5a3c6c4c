// What one session may do at a Receive connector (exchange: Set-ReceiveConnector), within what the config allows everybody. Pure.

import type { ReceiveConnector } from '../directory/receive-connector.ts';
import type { LimitChanges } from '../smtp/listener-limits.ts';

/** Of the whole server, whatever the connector says. */
export interface ServerLimits {
  readonly maxConnections: number;
  readonly maxRecipients: number;
  readonly maxMessagesPerSession: number;
  /** From one source; undefined: unlimited. */
  readonly maxRecipientsPerMinute?: number | undefined;
  /** Longest wait for a command, in milliseconds. */
  readonly commandTimeoutMs: number;
}

/** Between two pieces of a body (RFC 5321 §4.5.3.2.5). */
const BODY_PAUSE_MS = 180_000;

export function sessionLimits(connector: ReceiveConnector, server: ServerLimits): LimitChanges {
  const { connectionInactivityTimeoutMs: idleMs, connectionTimeoutMs } = connector;
  return {
    maxRecipients: Math.min(connector.maxRecipientsPerMessage, server.maxRecipients),
    maxMessages: server.maxMessagesPerSession,
    maxErrors: orNever(connector.maxProtocolErrors),
    maxAuthFailures: orNever(connector.maxLogonFailures),
    timeouts: {
      commandMs: Math.min(idleMs, server.commandTimeoutMs),
      bodyPauseMs: Math.min(idleMs, BODY_PAUSE_MS),
      connectionMs: connectionTimeoutMs,
    },
  };
}

/** In Exchange 0 errors mean that nobody counts them. */
function orNever(count: number): number {
  return count === 0 ? Number.POSITIVE_INFINITY : count;
}
