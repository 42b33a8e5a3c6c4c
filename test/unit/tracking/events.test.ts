import { describe, expect, it } from 'vitest';
import { createEvent, EVENTS, type EventName, type FactsOf } from '../../../src/tracking/events.ts';

const DATE = new Date('2008-12-24T20:00:00Z');

// Every event with facts that are easy to find again: the compiler asks for a row when the table grows.
const EXAMPLES: { readonly [Name in EventName]: FactsOf<Name> } = {
  DirectoryServerBehind: { server: 'dc02.contoso.test:636', previous: 'dc01.contoso.test:636' },
  DirectoryServerChanged: { server: 'dc02.contoso.test:636', previous: 'dc01.contoso.test:636' },
  CaptureStarted: { folder: '/var/lib/relaypair/captures', until: DATE, maxMegabytes: 100 },
  CaptureStopped: { cause: 'its time is up', sessions: 3, sizeBytes: 4096 },
  SmtpReceiveMaxConnectionReached: { remoteAddress: '192.0.2.1', connector: 'Default', limit: '5000' },
  SmtpReceiveMaxConnectionPerSourceReached: {
    remoteAddress: '192.0.2.1',
    connector: 'Default',
    limit: '20',
    percent: 2,
  },
  SmtpReceiveAuthenticationFailed: { remoteAddress: '192.0.2.1', connector: 'Client Frontend', mechanism: 'PLAIN' },
  SmtpReceiveDirectTrustFailed: { thumbprint: 'AB12', remoteAddress: '192.0.2.1', cause: 'unknown' },
  ResourcePressureIncreased: { resource: 'PrivateBytes', from: 'Normal', to: 'Medium', pressure: '73 percent' },
  ResourcePressureDecreased: { resource: 'PrivateBytes', from: 'Medium', to: 'Normal', pressure: '60 percent' },
  DiskSpaceExhausted: { resource: 'UsedDiskSpace[Spool]', pressure: '99 octets' },
  MemoryExhausted: { resource: 'PrivateBytes', pressure: '80 percent' },
  SmtpSendTLSRequiredFailed: { connector: 'Internet', target: 'mail.example', cause: 'STARTTLS is not offered' },
  SmtpSendOutboundAuthenticationFailed: { server: 'edge01.contoso.test', connector: 'Inbound', cause: 'refused' },
  SmtpSendDirectTrustFailed: { thumbprint: 'AB12', remoteAddress: '192.0.2.1', connector: 'Inbound', cause: 'unknown' },
  WeakTlsAllowed: { connector: 'Default', weakness: 'TLS 1.0' },
  CannotLoadSTARTTLSCertificateFromStore: { fqdn: 'edge01.contoso.test', connector: 'Default' },
  InternalTransportCertificateExpired: { thumbprint: 'AB12', notAfter: DATE },
  STARTTLSCertificateExpired: { fqdn: 'edge01.contoso.test', thumbprint: 'AB12', notAfter: DATE },
  InternalTransportCertificateExpiresSoon: {
    thumbprint: 'AB12',
    notAfter: DATE,
    hoursRemaining: 71,
    thresholdDays: 7,
  },
  RemoteCertificateExpiresSoon: {
    server: 'edge01.contoso.test',
    thumbprint: 'AB12',
    notAfter: DATE,
    hoursRemaining: 71,
    thresholdDays: 7,
  },
  STARTTLSCertificateExpiresSoon: { subject: 'CN=EDGE01', thumbprint: 'AB12', hoursRemaining: 71, thresholdDays: 7 },
  RemoteInternalTransportCertificateExpired: {
    subject: 'CN=EDGE01',
    thumbprint: 'AB12',
    notAfter: DATE,
    server: 'EDGE01',
  },
  CertificateStaged: { thumbprint: 'AB12', notAfter: DATE, waitsFor: 'EDGE01' },
  CertificateTakenOver: { thumbprint: 'AB12', previous: 'CD34', previousUntil: DATE },
  PreviousCertificateWithdrawn: { thumbprint: 'AB12' },
  StagedCertificateRefused: { server: 'EDGE01', thumbprint: 'AB12', cause: 'it does not name edge01.contoso.test' },
  NextCredentialNotVerified: {
    edge: 'EDGE01',
    account: 'ESRA.EDGE01.HUB01.1',
    present: 'ESRA.EDGE01.HUB01.0',
    until: new Date('2008-12-24T20:00:00Z'),
  },
  EsraRenewalFailed: { account: 'ESRA.EDGE01.HUB01.0', hub: 'HUB01', expiration: new Date('2008-12-24T20:00:00Z') },
  FailedDirectTrustMatch: { server: 'edge01.contoso.test', thumbprint: 'AB12' },
  PlaintextDowngradeSuspected: { server: 'EDGE01', remoteAddress: '192.0.2.1', connector: 'Inbound' },
  EdgeSubscriptionImported: { edge: 'EDGE01', site: 'Default-First-Site-Name', sha256: 'CD34', notAfter: DATE },
  EdgeSubscriptionRemoved: { edge: 'EDGE01' },
  SynchronizationFinished: { edge: 'EDGE01', added: 3, updated: 2, deleted: 1 },
  SynchronizationFailed: { edge: 'EDGE01', result: 'CouldNotConnect', cause: 'refused' },
  ClockMoved: { from: new Date('2007-12-24T20:00:00Z'), to: DATE, offset: '+366d' },
  ClockSkewSuspected: { server: 'EDGE01', thumbprint: 'AB12', notBefore: DATE, now: new Date('2007-12-24T20:00:00Z') },
  DamagedSpoolEntry: { entry: '17', cause: 'body is cut' },
  ServerStarted: { server: 'HUB01', role: 'hub', version: '0.1.0' },
  ServerStopped: { server: 'HUB01', upForMs: 3_600_000 },
  ServerCrashed: { server: 'hub01.corp.test', cause: 'boom', underWork: 3 },
  MessagePoisoned: { entry: '17', crashes: 2, cause: 'boom', sender: 'a@b.example' },
  BootstrapAccountUsed: { account: 'ESRA.EDGE01', remoteAddress: '192.0.2.1' },
  ScramAuthenticationFailed: { identity: 'hub01', remoteAddress: '192.0.2.1', connector: 'Default' },
  NotificationDropped: { recipients: 'anna@contoso.test', messageId: '<1@example.com>', cause: '550 5.1.1 Unknown' },
  ConfigurationReloaded: { path: '/etc/hub.yaml', applied: 'hosts', needsRestart: 'folder' },
  ConfigurationRefused: { cause: '/etc/hub.yaml is not YAML' },
  DirectoryUnreachable: { directory: 'dc01.corp.test:636', cause: 'ECONNREFUSED' },
  DirectoryReachable: { directory: 'dc01.corp.test:636', since: new Date(0) },
  EdgeNotSynchronized: { since: DATE, hubs: 'HUB01, HUB02' },
  NodeSuspended: { node: 'HUB02', by: 'HUB01' },
  NodeDrained: { node: 'HUB02' },
  NodeResumed: { node: 'HUB02' },
  NodeBehind: { node: 'HUB02', since: DATE, source: 'dc02.contoso.test:636' },
  NodeCaughtUp: { node: 'HUB02', since: DATE },
  WorkerEnded: { worker: 2, processId: 4711, cause: 'SIGKILL' },
  DirectoryCertificateOutOfDates: {
    server: 'dc01.corp.test:636',
    thumbprint: 'AB',
    notBefore: new Date(0),
    notAfter: new Date(1),
  },
};

const names = Object.keys(EVENTS) as EventName[];

function example(name: EventName): ReturnType<typeof createEvent> {
  return createEvent(name, EXAMPLES[name] as never);
}

describe('the table of events', () => {
  it("has Exchange's ids with their sources and levels", () => {
    const exchange = names.map(example).filter((event) => event.source !== 'relaypair');
    expect(exchange.map((event) => `${event.source} ${event.id} ${event.level}`).toSorted()).toEqual([
      'MSExchange EdgeSync 1004 Warning',
      'MSExchange EdgeSync 10104 Warning',
      'MSExchange Message Security 1006 Error',
      'MSExchangeTransport 1020 Warning',
      'MSExchangeTransport 1021 Warning',
      'MSExchangeTransport 1035 Warning',
      'MSExchangeTransport 1036 Error',
      'MSExchangeTransport 12014 Warning',
      'MSExchangeTransport 12015 Warning',
      'MSExchangeTransport 12016 Error',
      'MSExchangeTransport 12017 Warning',
      'MSExchangeTransport 12018 Error',
      'MSExchangeTransport 12019 Information',
      'MSExchangeTransport 15004 Warning',
      'MSExchangeTransport 15005 Information',
      'MSExchangeTransport 15006 Error',
      'MSExchangeTransport 15007 Error',
      'MSExchangeTransport 2015 Error',
      'MSExchangeTransport 2017 Error',
      'MSExchangeTransport 2018 Error',
    ]);
  });

  it('gives every id once, and its own from 30001', () => {
    const ids = names.map((name) => EVENTS[name].id);
    expect(new Set(ids).size).toBe(ids.length);
    const own = names.filter((name) => EVENTS[name].source === 'relaypair').map((name) => EVENTS[name].id);
    expect(own.every((id) => id > 30_000)).toBe(true);
  });

  it.each(names)('says all that is known about %s in whole sentences', (name) => {
    const { message, facts } = example(name);
    expect(message).toMatch(/^[A-Z][^\n]+\.$/i);
    for (const fact of Object.values(facts)) {
      if (typeof fact === 'string') expect(message).toContain(fact);
      if (fact instanceof Date) expect(message).toContain(fact.toISOString().slice(0, 10));
    }
    expect(message).not.toMatch(/undefined|NaN|\[object/);
  });
});

describe('createEvent', () => {
  it('makes what a peer chose printable and short', () => {
    const event = createEvent('ScramAuthenticationFailed', {
      identity: `\u001b[2J\n${'x'.repeat(10_000)}`,
      remoteAddress: '192.0.2.1',
      connector: 'Default',
    });
    expect(event.message).toContain('\\u001b[2J\\u000axxx');
    expect(event.message.length).toBeLessThan(1000);
    expect(String(event.facts['identity'])).not.toContain('\n');
  });

  it("stays calm at a certificate's date that is none", () => {
    const event = createEvent('InternalTransportCertificateExpired', {
      thumbprint: 'AB12',
      notAfter: new Date(Number.NaN),
    });
    expect(event.message).toContain('an unreadable date');
  });
});
