// That a client was not let in, since there are too many connections, and the event that says so.

import type { ReceiveConnector } from '../directory/receive-connector.ts';
import { createEvent, type ServerEvent } from '../tracking/events.ts';
import type { Admission } from './connection-counts.ts';

export interface Refusal {
  /** What is full: the places of its source, of the connector or of the server. */
  readonly what: Exclude<Admission, 'in'>;
  readonly connector: ReceiveConnector;
  readonly remoteAddress: string;
}

export function refusalEvent({ what, connector, remoteAddress }: Refusal): ServerEvent {
  const { name, maxInboundConnection, maxInboundConnectionPerSource: limit = 'Unlimited' } = connector;
  if (what === 'source') {
    const percent = connector.maxInboundConnectionPercentagePerSource;
    return createEvent('SmtpReceiveMaxConnectionPerSourceReached', {
      connector: name,
      remoteAddress,
      limit: String(limit),
      percent,
    });
  }
  const full = what === 'server' ? 'limits.maxConnections' : `MaxInboundConnection, ${maxInboundConnection}`;
  return createEvent('SmtpReceiveMaxConnectionReached', { connector: name, remoteAddress, limit: full });
}
