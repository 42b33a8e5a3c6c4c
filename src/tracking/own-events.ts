// Events that Exchange has no number for: ids from 30001, which Exchange does not use. A number is never given twice.

import { formatTimeSpan } from '../duration.ts';
import { define, formatMoment } from './event.ts';

/** By symbolic name. */
export const OWN_EVENTS = {
  PlaintextDowngradeSuspected: define<{ server: string; remoteAddress: string; connector: string }>({
    id: 30_001,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `${facts.server} at ${facts.remoteAddress} did not offer STARTTLS although the directory holds a valid certificate for it: somebody on the way may have removed the offer. Mail by "${facts.connector}" went in clear. Set RequireTLS on the connector if it must wait instead.`,
    key: (facts) => `${facts.connector} ${facts.server}`,
  }),
  EdgeSubscriptionImported: define<{ edge: string; site: string; sha256: string; notAfter: Date }>({
    id: 30_002,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `${facts.edge} is subscribed to the site ${facts.site}. SHA-256 of its certificate: ${facts.sha256}, valid until ${formatMoment(facts.notAfter)}. Compare it with what New-EdgeSubscription printed on the Edge.`,
  }),
  EdgeSubscriptionRemoved: define<{ edge: string }>({
    id: 30_003,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) => `The Edge Subscription of ${facts.edge} was removed. Remove it on the other side as well.`,
  }),
  SynchronizationFinished: define<{ edge: string; added: number; updated: number; deleted: number }>({
    id: 30_004,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `${facts.edge} is synchronized: ${facts.added} added, ${facts.updated} updated, ${facts.deleted} deleted. Nothing is to be done.`,
  }),
  SynchronizationFailed: define<{ edge: string; result: string; cause: string }>({
    id: 30_005,
    source: 'relaypair',
    level: 'Error',
    describe: (facts) =>
      `${facts.edge} could not be synchronized (${facts.result}): ${facts.cause}. It keeps what it had. Start-EdgeSynchronization tries again.`,
    key: (facts) => `${facts.edge} ${facts.result}`,
  }),
  ClockMoved: define<{ from: Date; to: Date; offset: string }>({
    id: 30_006,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `This server's clock was moved from ${formatMoment(facts.from)} to ${formatMoment(facts.to)} (${facts.offset} against the system's). Certificates and schedules follow it: do this in a laboratory only.`,
  }),
  ClockSkewSuspected: define<{ server: string; thumbprint: string; notBefore: Date; now: Date }>({
    id: 30_007,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `The certificate ${facts.thumbprint} of ${facts.server} is on record but valid only from ${formatMoment(facts.notBefore)}, and here it is ${formatMoment(facts.now)}. Compare the clocks of the two servers.`,
    key: (facts) => `${facts.server} ${facts.thumbprint}`,
  }),
  DamagedSpoolEntry: define<{ entry: string; cause: string }>({
    id: 30_008,
    source: 'relaypair',
    level: 'Error',
    describe: (facts) =>
      `Message ${facts.entry} in the spool is damaged: ${facts.cause}. It is kept in the queue Poison and never sent, and the others go on. Look at the disk; Export-Message ${facts.entry} writes what can be read of it, Remove-Message ${facts.entry} removes it and tells its sender.`,
    key: (facts) => facts.entry,
  }),
  ServerStarted: define<{ server: string; role: string; version: string }>({
    id: 30_009,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) => `${facts.server} (${facts.role}, relaypair ${facts.version}) has started.`,
  }),
  ServerStopped: define<{ server: string; upForMs: number }>({
    id: 30_010,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) => `${facts.server} has stopped after ${formatTimeSpan(facts.upForMs)}.`,
  }),
  BootstrapAccountUsed: define<{ account: string; remoteAddress: string }>({
    id: 30_011,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `The bootstrap account ${facts.account} was used from ${facts.remoteAddress}. If that is not your Hub, export the Edge Subscription again: it makes a new one.`,
    key: (facts) => `${facts.account} ${facts.remoteAddress}`,
  }),
  ScramAuthenticationFailed: define<{ identity: string; remoteAddress: string; connector: string }>({
    id: 30_012,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `A client at ${facts.remoteAddress} claimed to be ${facts.identity} at "${facts.connector}" and could not prove it (SCRAM-SHA-256). If it is a server of the pair, run Start-EdgeSynchronization to bring its credential.`,
    key: (facts) => facts.remoteAddress,
  }),
  NotificationDropped: define<{ recipients: string; messageId: string; cause: string }>({
    id: 30_050,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `A message without a return address, as notifications are, could not be delivered to ${facts.recipients} and was dropped (${facts.messageId}): ${facts.cause}. Nobody is told, since that could go on for ever; if this happens often, look whose address it is.`,
    key: (facts) => facts.recipients,
  }),
};
