// Events that Exchange has too, under its ids, sources, levels and symbolic names (as Exchange 2007 where versions differ),
// in words of our own.

import { define, formatMoment } from './event.ts';

/** By symbolic name. */
export const EXCHANGE_EVENTS = {
  SmtpReceiveMaxConnectionReached: define<{ remoteAddress: string; connector: string; limit: string }>({
    id: 1020,
    source: 'MSExchangeTransport',
    level: 'Warning',
    describe: (facts) =>
      `A client at ${facts.remoteAddress} was turned away by "${facts.connector}": there are as many connections as may be (${facts.limit}), and all of them have proved who they are. Raise MaxInboundConnection and limits.maxConnections if the machine has room.`,
    key: (facts) => facts.connector,
  }),
  SmtpReceiveMaxConnectionPerSourceReached: define<{
    remoteAddress: string;
    connector: string;
    limit: string;
    percent: number;
  }>({
    id: 1021,
    source: 'MSExchangeTransport',
    level: 'Warning',
    describe: (facts) =>
      `A client at ${facts.remoteAddress} was turned away by "${facts.connector}": it has as many connections as one source may: ${facts.limit}, and ${facts.percent} percent of those left. If it is a server of yours, raise MaxInboundConnectionPerSource and MaxInboundConnectionPercentagePerSource, or give it a Receive connector of its own.`,
    key: (facts) => `${facts.connector} ${facts.remoteAddress}`,
  }),
  SmtpReceiveAuthenticationFailed: define<{ remoteAddress: string; connector: string; mechanism: string }>({
    id: 1035,
    source: 'MSExchangeTransport',
    level: 'Warning',
    describe: (facts) =>
      `A client at ${facts.remoteAddress} could not log in at "${facts.connector}" by ${facts.mechanism}: no mail user has that name and password. If it is one of yours, Set-MailUser -Password gives a new one; if it comes again and again, somebody is guessing: narrow RemoteIPRanges.`,
    key: (facts) => facts.remoteAddress,
  }),
  SmtpReceiveDirectTrustFailed: define<{ thumbprint: string; remoteAddress: string; cause: string }>({
    id: 1036,
    source: 'MSExchangeTransport',
    level: 'Error',
    describe: (facts) =>
      `A client at ${facts.remoteAddress} showed the certificate ${facts.thumbprint} and is treated as anonymous: ${facts.cause}. If it is a server of the pair, see that EdgeSync runs: Start-EdgeSynchronization after a new Hub certificate, a new Edge Subscription after a new Edge certificate.`,
    key: (facts) => facts.remoteAddress,
  }),
  SmtpSendTLSRequiredFailed: define<{ connector: string; target: string; cause: string }>({
    id: 2015,
    source: 'MSExchangeTransport',
    level: 'Error',
    describe: (facts) =>
      `The Send connector "${facts.connector}" requires TLS and could not have it with ${facts.target}: ${facts.cause}. The mail waits. Put the certificate or STARTTLS at ${facts.target} right, or set RequireTLS to false.`,
    key: (facts) => `${facts.connector} ${facts.target}`,
  }),
  SmtpSendOutboundAuthenticationFailed: define<{ server: string; connector: string; cause: string }>({
    id: 2017,
    source: 'MSExchangeTransport',
    level: 'Error',
    describe: (facts) =>
      `${facts.server} did not recognise this server by "${facts.connector}": ${facts.cause}. The mail waits. Run Start-EdgeSynchronization after a new Hub certificate, and subscribe again after a new Edge certificate.`,
    key: (facts) => `${facts.connector} ${facts.server}`,
  }),
  SmtpSendDirectTrustFailed: define<{ thumbprint: string; remoteAddress: string; connector: string; cause: string }>({
    id: 2018,
    source: 'MSExchangeTransport',
    level: 'Error',
    describe: (facts) =>
      `The server at ${facts.remoteAddress}, reached by "${facts.connector}", showed the certificate ${facts.thumbprint}: ${facts.cause}. See that EdgeSync runs: Start-EdgeSynchronization after a new Hub certificate, a new Edge Subscription after a new Edge certificate. If nobody replaced a certificate, somebody else answers at that address.`,
    key: (facts) => `${facts.connector} ${facts.remoteAddress}`,
  }),
  CannotLoadSTARTTLSCertificateFromStore: define<{ fqdn: string; connector: string }>({
    id: 12014,
    source: 'MSExchangeTransport',
    level: 'Warning',
    describe: (facts) =>
      `No valid certificate in this server's store names ${facts.fqdn}, so STARTTLS is not supported by the connector "${facts.connector}". Make one with New-ExchangeCertificate -DomainName ${facts.fqdn}, or change the connector's Fqdn.`,
    key: (facts) => `${facts.connector} ${facts.fqdn}`,
  }),
  InternalTransportCertificateExpired: define<{ thumbprint: string; notAfter: Date }>({
    id: 12015,
    source: 'MSExchangeTransport',
    level: 'Warning',
    describe: (facts) =>
      `This server's internal transport certificate ${facts.thumbprint} expired on ${formatMoment(facts.notAfter)}. Make a new one with New-ExchangeCertificate, then synchronize (Hub) or subscribe again (Edge).`,
    key: (facts) => facts.thumbprint,
  }),
  STARTTLSCertificateExpired: define<{ fqdn: string; thumbprint: string; notAfter: Date }>({
    id: 12016,
    source: 'MSExchangeTransport',
    level: 'Error',
    describe: (facts) =>
      `There is no valid certificate for STARTTLS as ${facts.fqdn}: ${facts.thumbprint} expired on ${formatMoment(facts.notAfter)}. Make a new one with New-ExchangeCertificate and enable it with Enable-ExchangeCertificate -Services SMTP.`,
    key: (facts) => `${facts.fqdn} ${facts.thumbprint}`,
  }),
  InternalTransportCertificateExpiresSoon: define<{
    thumbprint: string;
    notAfter: Date;
    hoursRemaining: number;
    thresholdDays: number;
  }>({
    id: 12017,
    source: 'MSExchangeTransport',
    level: 'Warning',
    describe: (facts) =>
      `This server's internal transport certificate ${facts.thumbprint} expires in ${facts.hoursRemaining} hours, on ${formatMoment(facts.notAfter)}. New-ExchangeCertificate -Staged makes its successor, which takes over before then without a message waiting.`,
    key: (facts) => `${facts.thumbprint} ${facts.thresholdDays}`,
  }),
  STARTTLSCertificateExpiresSoon: define<{
    subject: string;
    thumbprint: string;
    hoursRemaining: number;
    thresholdDays: number;
  }>({
    id: 12018,
    source: 'MSExchangeTransport',
    level: 'Error',
    describe: (facts) =>
      `The certificate for STARTTLS expires in ${facts.hoursRemaining} hours. Subject: ${facts.subject}, thumbprint: ${facts.thumbprint}. Make a new one with New-ExchangeCertificate, with -Staged if it is the one for direct trust.`,
    key: (facts) => `${facts.thumbprint} ${facts.thresholdDays}`,
  }),
  RemoteInternalTransportCertificateExpired: define<{
    subject: string;
    thumbprint: string;
    notAfter: Date;
    server: string;
  }>({
    id: 12019,
    source: 'MSExchangeTransport',
    level: 'Information',
    describe: (facts) =>
      `The internal transport certificate of ${facts.server} expired on ${formatMoment(facts.notAfter)}. Certificate subject: ${facts.subject}, thumbprint: ${facts.thumbprint}. Make a new one there with New-ExchangeCertificate.`,
    key: (facts) => `${facts.server} ${facts.thumbprint}`,
  }),
  NextCredentialNotVerified: define<{ edge: string; account: string; present: string; until: Date }>({
    id: 1004,
    source: 'MSExchange EdgeSync',
    level: 'Warning',
    describe: (facts) =>
      `${facts.edge} does not take the next replication credential ${facts.account} yet. ${facts.present} is good until ${formatMoment(facts.until)}. The round compares everything and brings it again; if this comes back, export a new Edge Subscription on ${facts.edge} before then and import it here.`,
    key: (facts) => `${facts.edge} ${facts.account}`,
  }),
  EsraRenewalFailed: define<{ account: string; hub: string; expiration: Date }>({
    id: 1006,
    source: 'MSExchange Message Security',
    level: 'Error',
    describe: (facts) =>
      `The replication account ${facts.account} ends on ${formatMoment(facts.expiration)} and ${facts.hub} has brought no successor. See that EdgeSync runs there: Start-EdgeSynchronization. After that date only a new Edge Subscription helps.`,
    key: (facts) => facts.account,
  }),
  FailedDirectTrustMatch: define<{ server: string; thumbprint: string }>({
    id: 10104,
    source: 'MSExchange EdgeSync',
    level: 'Warning',
    describe: (facts) =>
      `${facts.server} showed the certificate ${facts.thumbprint}, which is not the one of its Edge Subscription. The connection was stopped before any password left. If its certificate was replaced, export a new Edge Subscription there and import it here.`,
    key: (facts) => facts.server,
  }),
  ResourcePressureIncreased: define<{ resource: string; from: string; to: string; pressure: string }>({
    id: 15_004,
    source: 'MSExchangeTransport',
    level: 'Warning',
    describe: (facts) =>
      `The pressure on ${facts.resource} went from ${facts.from} to ${facts.to} (${facts.pressure}). At Medium strangers are asked to come back later, at High everybody is; queued mail still goes out. Make room, or change backPressure in the config.`,
  }),
  ResourcePressureDecreased: define<{ resource: string; from: string; to: string; pressure: string }>({
    id: 15_005,
    source: 'MSExchangeTransport',
    level: 'Information',
    describe: (facts) =>
      `The pressure on ${facts.resource} went from ${facts.from} down to ${facts.to} (${facts.pressure}).`,
  }),
  DiskSpaceExhausted: define<{ resource: string; pressure: string }>({
    id: 15_006,
    source: 'MSExchangeTransport',
    level: 'Error',
    describe: (facts) =>
      `No new mail is taken: ${facts.resource} stands at ${facts.pressure}, above what backPressure allows. Nothing accepted is lost, and queued mail still goes out. Make room on that disk; mail is taken again by itself then.`,
  }),
  MemoryExhausted: define<{ resource: string; pressure: string }>({
    id: 15_007,
    source: 'MSExchangeTransport',
    level: 'Error',
    describe: (facts) =>
      `No new mail is taken: ${facts.resource} stands at ${facts.pressure}, above what backPressure allows. Nothing accepted is lost, and queued mail still goes out. Mail is taken again by itself once memory is free.`,
  }),
};
