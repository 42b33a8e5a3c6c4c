import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import type { OutputRecord } from '../../../src/cmdlets/output.ts';
import { testSmtpConnectivity } from '../../../src/cmdlets/test-smtp-connectivity.ts';
import { makeReceiveConnector } from '../../../src/directory/default-receive-connectors.ts';
import { silentLog } from '../../../src/log.ts';
import { SmtpListener } from '../../../src/smtp/listener.ts';
import type { KeyPair } from '../../../src/tls/certificate-store.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { makeIdentity, PLAIN_OFFER, ScriptedPolicy } from '../../helpers/scripted-policy.ts';
import { openScriptedServer, type ScriptedServer, type SmtpScript } from '../../helpers/scripted-smtp-server.ts';
import { CertificateFixture, FQDN } from './certificate-context.ts';

const DAY_MS = 86_400_000;

describe('Test-SmtpConnectivity', () => {
  let hub: CertificateFixture;
  let edgePair: KeyPair;
  const servers: { close(): Promise<void> }[] = [];

  beforeEach(async () => {
    hub = new CertificateFixture('hub');
    await hub.addDefault();
    edgePair = await makePair();
  });
  afterEach(async () => {
    hub.remove();
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  function makePair(): Promise<KeyPair> {
    return createSelfSigned({ netbiosName: 'EDGE01', fqdn: FQDN.edge, notBefore: hub.clock.now() });
  }

  async function listen(script: SmtpScript): Promise<ScriptedServer> {
    const server = await openScriptedServer(script);
    servers.push(server);
    return server;
  }

  /** An Edge that behaves as the script says and has the certificate of `edgePair` on record. */
  async function subscribe(script: SmtpScript): Promise<ScriptedServer> {
    const server = await listen(script);
    hub.hosts[FQDN.edge] = { host: '127.0.0.1', port: server.port };
    hub.peers.push({ name: 'EDGE01', fqdn: FQDN.edge, certificate: edgePair.certificate });
    return server;
  }

  function inTls(shown: KeyPair, greeting = '220 edge01 ready'): SmtpScript {
    const { certificate, privateKeyPem } = shown;
    return {
      greeting,
      keywords: ['STARTTLS', 'SIZE 1000'],
      tls: { cert: certificate.pem, key: privateKeyPem, requestCert: true, rejectUnauthorized: false },
    };
  }

  async function testEdge(): Promise<{ record: OutputRecord; warnings: string }> {
    const { records, warnings = [] } = await hub.run(testSmtpConnectivity, { Identity: 'edge01' });
    expect(records).toHaveLength(1);
    return { record: records[0] ?? {}, warnings: warnings.join('\n') };
  }

  it('is declared soundly', () => {
    expect(faultsOf(testSmtpConnectivity)).toEqual([]);
  });

  it('reports TLS and the certificate on record of a peer, and sends no mail', async () => {
    const server = await subscribe(inTls(edgePair));
    const { record, warnings } = await testEdge();
    const { thumbprint } = edgePair.certificate;
    expect(record).toMatchObject({
      Server: 'EDGE01',
      ReceiveConnector: '',
      Binding: '',
      EndPoint: `127.0.0.1:${server.port}`,
      StatusCode: 'Success',
      TlsProtocol: 'TLSv1.3',
      Thumbprint: thumbprint,
      CertificateStatus: 'OnRecord',
      ClockDifference: null,
    });
    expect(record['Details']).toMatch(
      /^220 edge01 ready; EHLO offers STARTTLS SIZE; TLSv1\.3 TLS_\w+, certificate \w+ on record/,
    );
    expect(warnings).toBe('');
    expect(server.commands.map((line) => line.split(' ')[0])).toEqual(['EHLO', 'STARTTLS', 'EHLO', 'QUIT']);
    expect(hub.progress).toEqual([`dialling EDGE01 at 127.0.0.1:${server.port}`]);
  });

  it('says so when a peer shows a certificate that is not on record, expired or not', async () => {
    await subscribe(inTls(await makePair()));
    for (const days of [0, 400]) {
      hub.clock.move(days * DAY_MS);
      const { record, warnings } = await testEdge();
      expect(record).toMatchObject({ StatusCode: 'Success', CertificateStatus: 'NotOnRecord' });
      expect(record['Details']).toContain('NOT on record');
      expect(warnings).toContain('EDGE01 at 127.0.0.1');
      expect(warnings).toContain('subscribe it again');
    }
  });

  it.each([
    [400, 'Expired', 'on record, expired on'],
    [-400, 'NotYetValid', 'on record, not valid before'],
  ])('judges the dates by the clock moved by %d days', async (days, status, words) => {
    await subscribe(inTls(edgePair));
    hub.clock.move(days * DAY_MS);
    const { record } = await testEdge();
    expect(record).toMatchObject({ CertificateStatus: status });
    expect(record['Details']).toContain(words);
  });

  it.each([
    [6 * 60_000, 'clock differs by +0d 00:06:00 (ahead of this server'],
    [400 * DAY_MS, 'clock differs by +400d (ahead of this server'],
    [-2 * DAY_MS, 'clock differs by -2d (behind this server'],
  ])('names a clock that differs by %d ms', async (differenceMs, words) => {
    const date = new Date(hub.clock.now().getTime() + differenceMs).toUTCString();
    await subscribe({ greeting: `220 edge01 relaypair ESMTP MAIL service ready at ${date} (clock moved +1d)` });
    const { record, warnings } = await testEdge();
    expect(record['Details']).toContain(words);
    expect(warnings).toContain(words);
  });

  it('forgives five minutes of clock skew', async () => {
    const date = new Date(hub.clock.now().getTime() + 4 * 60_000).toUTCString().replace('GMT', '+0000');
    await subscribe({ greeting: `220 edge01 Microsoft ESMTP MAIL Service ready at ${date}` });
    const { record, warnings } = await testEdge();
    expect(record['Details']).not.toContain('clock');
    expect(warnings).not.toContain('clock');
    expect(record['ClockDifference']).not.toBeNull();
  });

  it('suspects a missing STARTTLS while the certificate on record is in date, and expects it afterwards', async () => {
    await subscribe({ keywords: ['SIZE'] });
    const before = await testEdge();
    expect(before.record).toMatchObject({ StatusCode: 'Success', TlsProtocol: null, CertificateStatus: null });
    expect(before.record['Details']).toContain('STARTTLS is not offered although');
    expect(before.warnings).toContain('STARTTLS is missing');
    hub.clock.move(400 * DAY_MS);
    const after = await testEdge();
    expect(after.record['Details']).toContain('out of its dates');
    expect(after.warnings).toBe('');
  });

  it('goes on in clear when STARTTLS is refused', async () => {
    await subscribe({ keywords: ['STARTTLS'], answers: { STARTTLS: '454 4.7.0 TLS not available' } });
    const { record } = await testEdge();
    expect(record).toMatchObject({ StatusCode: 'Success', TlsProtocol: null });
    expect(record['Details']).toContain('STARTTLS was refused with 454 4.7.0 TLS not available');
  });

  it.each<[string, SmtpScript, string, string]>([
    ['a 554 greeting', { greeting: '554 5.3.2 No' }, 'Permanent error', 'greeting: 554 5.3.2 No'],
    ['a 421 greeting', { greeting: '421 4.3.2 Later' }, 'Transient error', 'greeting: 421 4.3.2 Later'],
    [
      'a broken handshake',
      { keywords: ['STARTTLS'], answers: { STARTTLS: (_line, peer) => (peer.say('220 Go'), peer.hangUp()) } },
      'Transient error',
      'starttls: ECONNCLOSED',
    ],
    ['silence', { greeting: '' }, 'Transient error', 'greeting: ETIMEDOUT'],
  ])('classifies %s', async (_name, script, statusCode, details) => {
    await subscribe(script);
    const { records } = await hub.run(testSmtpConnectivity, { Identity: FQDN.edge, Timeout: '300ms' });
    expect(records).toMatchObject([{ StatusCode: statusCode, Details: details }]);
  });

  it('cannot connect where nobody listens or no address is known', async () => {
    const server = await subscribe({});
    await server.close();
    servers.length = 0;
    expect((await testEdge()).record).toMatchObject({
      StatusCode: 'Unable to connect',
      Details: 'connect: ECONNREFUSED',
    });
    // A label that is too long: refused before any name server is asked.
    const unknown = `${'x'.repeat(64)}.invalid`;
    hub.hosts[FQDN.edge] = { host: unknown, port: 25 };
    const { record } = await testEdge();
    expect(record).toMatchObject({ StatusCode: 'Unable to connect', EndPoint: '' });
    expect(record['Details']).toContain(`no address is known for ${unknown}`);
  });

  describe('with a listener of its own', () => {
    let port: number;

    beforeEach(async () => {
      const { certificate, privateKeyPem } = hub.store.keyPair(hub.store.list()[0]?.certificate.thumbprint ?? '');
      const identity = makeIdentity(certificate.pem, privateKeyPem);
      const policy = new ScriptedPolicy({
        offered: { ...PLAIN_OFFER, startTls: true },
        banner: () => `${FQDN.hub} relaypair ESMTP MAIL service ready at ${hub.clock.now().toUTCString()}`,
        secureContext: () => identity,
      });
      const options = { host: '127.0.0.1', port: 0, fqdn: FQDN.hub, policy, log: silentLog() };
      const listener = await SmtpListener.open(options);
      servers.push(listener);
      port = listener.address.port;
      hub.addresses.push({ host: '127.0.0.1', port, service: 'smtp' });
    });

    it('tests every binding of every enabled connector, port 0 as what it became', async () => {
      hub.receiveConnectors.push(
        makeReceiveConnector({ name: 'Default HUB01', bindings: ['127.0.0.1:0'] }),
        makeReceiveConnector({ name: 'Anywhere' }),
        makeReceiveConnector({ name: 'Off', enabled: false }),
      );
      const { records, warnings } = await hub.run(testSmtpConnectivity);
      const common = {
        Server: 'HUB01',
        EndPoint: `127.0.0.1:${port}`,
        StatusCode: 'Success',
        CertificateStatus: 'OnRecord',
      };
      expect(records).toMatchObject([
        { ...common, ReceiveConnector: 'Default HUB01', Binding: '127.0.0.1:0' },
        { ...common, ReceiveConnector: 'Anywhere', Binding: `127.0.0.1:${port}` },
      ]);
      expect(warnings).toEqual([]);
    });

    it('tests a listener without a connector, and a binding without a listener', async () => {
      const free = await listen({});
      await free.close();
      servers.pop();
      hub.receiveConnectors.push(makeReceiveConnector({ name: 'New', bindings: [`127.0.0.1:${free.port}`] }));
      const { records } = await hub.run(testSmtpConnectivity, { Identity: 'HUB01' });
      expect(records).toMatchObject([
        { ReceiveConnector: 'New', Binding: `127.0.0.1:${free.port}`, StatusCode: 'Unable to connect' },
        { ReceiveConnector: '', Binding: `127.0.0.1:${port}`, StatusCode: 'Success' },
      ]);
    });

    it('notices that the listener still shows a certificate that the store would not choose', async () => {
      const { certificate } = await hub.add({ netbiosName: 'HUB01', fqdn: FQDN.hub });
      hub.store.enable(certificate.thumbprint, 'SMTP');
      hub.store.setInternalTransport(certificate.thumbprint);
      const { records } = await hub.run(testSmtpConnectivity);
      expect(records).toMatchObject([{ CertificateStatus: 'NotOnRecord' }]);
    });

    it('meets a listener at every address at the loopback one', async () => {
      hub.addresses.splice(0, 1, { host: '0.0.0.0', port, service: 'smtp' });
      const { records } = await hub.run(testSmtpConnectivity);
      expect(records).toMatchObject([
        { Binding: `0.0.0.0:${port}`, EndPoint: `127.0.0.1:${port}`, StatusCode: 'Success' },
      ]);
    });
  });

  it('refuses a name that is nobody of the pair', async () => {
    await expect(hub.run(testSmtpConnectivity, { Identity: 'EDGE99' })).rejects.toMatchObject({ code: 'not-found' });
  });
});
