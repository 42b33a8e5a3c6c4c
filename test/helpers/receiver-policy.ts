// The server's own decisions about a client, over one Receive connector and nothing else: a Receiver whose messages go nowhere.

import { silentLog } from '../../src/log.ts';
import type { ReceiveConnector } from '../../src/directory/receive-connector.ts';
import { DEFAULT_TRANSPORT_CONFIG, type TransportConfig } from '../../src/directory/transport-config.ts';
import { deriveScramVerifier } from '../../src/smtp/scram-verifier.ts';
import type { SpooledMessage, SpoolWriter } from '../../src/spool/spool.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createServerContext } from '../../src/tls/secure-context.ts';
import { ConnectionCounts } from '../../src/transport/connection-counts.ts';
import { Receiver, type ReceiveOptions } from '../../src/transport/receive.ts';
import type { Acceptance } from '../../src/transport/acceptance.ts';
import type { Records } from '../../src/transport/records.ts';
import type { Refusal } from '../../src/transport/refusal.ts';
import type { ServerLimits } from '../../src/transport/session-limits.ts';
import { accepted, makeOrganisation, makePeer, receiveConnector } from '../unit/transport/organisation-fixtures.ts';
import { HandClock } from './hand-clock.ts';

export interface ReceiverPolicyOptions {
  readonly connectors?: readonly Partial<ReceiveConnector>[];
  readonly server?: Partial<ServerLimits>;
  readonly counts?: ReceiveOptions['counts'];
  /** Shown in handshakes; without one there is no STARTTLS. */
  readonly keyPair?: KeyPair;
  readonly transportConfig?: Partial<TransportConfig>;
}

/** What it noted on the way. */
export interface ReceiverNotes {
  readonly accepted: Acceptance[];
  readonly refusals: Refusal[];
}

/** Takes mail for edge01.test from anybody; knows one peer, edge02.test, whose password nobody has. */
export function makeReceiverPolicy(options: ReceiverPolicyOptions = {}): { policy: Receiver; notes: ReceiverNotes } {
  const notes: ReceiverNotes = { accepted: [], refusals: [] };
  const records: Partial<Records> = {
    accepted: (acceptance) => void notes.accepted.push(acceptance),
    turnedAway: (refusal) => void notes.refusals.push(refusal),
    strangePassword: () => undefined,
  };
  const organisation = makeOrganisation({
    fqdn: 'edge01.test',
    acceptedDomains: [accepted('edge01.test', { default: true })],
    receiveConnectors: (options.connectors ?? [{}]).map((given) =>
      receiveConnector({
        authMechanism: ['Tls', 'ExchangeServer'],
        permissionGroups: ['AnonymousUsers', 'ExchangeServers'],
        ...given,
      }),
    ),
    transportConfig: { ...DEFAULT_TRANSPORT_CONFIG, ...options.transportConfig },
    peers: [makePeer('edge02.test', { verifier: { userName: 'edge02', scram: deriveScramVerifier('secret') } })],
  });
  const { keyPair } = options;
  const identity = keyPair && { context: createServerContext(keyPair), certificate: keyPair.certificate };
  const policy = new Receiver({
    clock: new HandClock(new Date()),
    log: silentLog(),
    spool: { receive: throwAway },
    organisation: () => organisation,
    records: records as Records,
    identityFor: () => identity,
    certificateFor: () => identity?.certificate,
    expirationMs: 1000,
    pressure: () => ({ level: 'Normal', roomBytes: Number.POSITIVE_INFINITY }),
    decoySecret: Buffer.alloc(32),
    counts: options.counts ?? new ConnectionCounts(),
    serverLimits: () => ({
      maxConnections: 5000,
      maxRecipients: 5000,
      maxMessagesPerSession: 1000,
      maxRecipientsPerMinute: undefined,
      commandTimeoutMs: 300_000,
      ...options.server,
    }),
  });
  return { policy, notes };
}

function throwAway(): SpoolWriter {
  return {
    write: () => Promise.resolve(),
    commit: (envelope) => Promise.resolve({ id: 1, envelope, recipients: [] } as unknown as SpooledMessage),
    abort: () => Promise.resolve(),
  };
}
