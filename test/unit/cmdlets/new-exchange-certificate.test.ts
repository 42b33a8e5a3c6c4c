import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { newExchangeCertificate } from '../../../src/cmdlets/new-exchange-certificate.ts';
import { CertificateFixture, FQDN, thumbprintOf } from './certificate-context.ts';

describe('New-ExchangeCertificate', () => {
  const fixtures: CertificateFixture[] = [];
  let edge: CertificateFixture;

  function open(role: 'hub' | 'edge'): CertificateFixture {
    const fixture = new CertificateFixture(role);
    fixtures.push(fixture);
    return fixture;
  }

  beforeEach(() => {
    edge = open('edge');
  });
  afterEach(() => {
    for (const fixture of fixtures.splice(0)) fixture.remove();
  });

  it('is declared soundly', () => {
    expect(faultsOf(newExchangeCertificate)).toEqual([]);
  });

  it('makes a self-signed certificate for NetBIOS name and FQDN, enabled, published and not exportable', async () => {
    const old = await edge.addDefault();
    const { records, notices } = await edge.run(newExchangeCertificate);
    expect(records).toMatchObject([
      { Subject: 'CN=EDGE01', CertificateDomains: ['EDGE01', FQDN.edge], Services: 'SMTP', Status: 'Valid' },
    ]);
    const thumbprint = thumbprintOf(records);
    expect(thumbprint).not.toBe(old.certificate.thumbprint);
    expect(edge.store.internalTransport()?.certificate.thumbprint).toBe(thumbprint);
    expect(notices?.join()).toContain(`${thumbprint} is now the internal transport certificate`);
    expect(edge.store.get(thumbprint)).toMatchObject({
      privateKeyExportable: false,
      friendlyName: 'Microsoft Exchange',
    });
  });

  it('says that a subscribed Edge needs a new Edge Subscription, and that mail waits for it', async () => {
    const { certificate } = await edge.add();
    edge.peers.push({ name: 'HUB01', fqdn: FQDN.hub, certificate });
    const { warnings } = await edge.run(newExchangeCertificate);
    expect(warnings).toHaveLength(1);
    expect(warnings?.[0]).toMatch(/export a new Edge Subscription .* mail between this server and HUB01 waits/);
  });

  it('says that a Hub with an Edge must synchronize, and asks nothing of a Hub without one', async () => {
    const hub = open('hub');
    expect((await hub.run(newExchangeCertificate)).warnings).toEqual([]);
    const { certificate } = await edge.add();
    hub.peers.push({ name: 'EDGE01', fqdn: FQDN.edge, certificate });
    const { warnings } = await hub.run(newExchangeCertificate);
    expect(warnings).toEqual(['run Start-EdgeSynchronization: mail between this server and EDGE01 waits until then']);
  });

  it('leaves the default alone when the certificate names another server', async () => {
    const old = await edge.addDefault();
    const output = await edge.run(newExchangeCertificate, {
      DomainName: 'mail.contoso.test,smtp.contoso.test',
      SubjectName: 'CN=www.contoso.test, O=Contoso',
      KeySize: '3072',
      PrivateKeyExportable: '$true',
      FriendlyName: 'For the world',
    });
    expect(output.records).toMatchObject([
      {
        Subject: 'CN=www.contoso.test, O=Contoso',
        CertificateDomains: ['www.contoso.test', 'mail.contoso.test', 'smtp.contoso.test'],
        PublicKeySize: 3072,
        Services: 'SMTP',
      },
    ]);
    expect(edge.store.internalTransport()?.certificate.thumbprint).toBe(old.certificate.thumbprint);
    expect(output.warnings).toEqual([]);
    expect(output.notices?.join()).toContain(`does not name ${FQDN.edge}`);
    const stored = edge.store.get(thumbprintOf(output.records));
    expect(stored).toMatchObject({ privateKeyExportable: true, friendlyName: 'For the world' });
  });

  it.each([
    ['CN=Contoso Mail', ['EDGE01', FQDN.edge]],
    ['CN=192.0.2.1', ['EDGE01', FQDN.edge]],
    [`CN=${FQDN.edge}`, [FQDN.edge, 'EDGE01']],
  ])('with the subject %s and no names takes its own', async (SubjectName, domains) => {
    const { records } = await edge.run(newExchangeCertificate, { SubjectName });
    expect(records[0]?.['CertificateDomains']).toEqual(domains);
  });

  it('with -Services None only stores it', async () => {
    const { records, warnings } = await edge.run(newExchangeCertificate, { Services: 'none' });
    expect(records).toMatchObject([{ Services: 'None' }]);
    expect(warnings ?? []).toEqual([]);
    expect(edge.store.internalTransport()).toBeUndefined();
  });

  it('prints a request line by line, keeps the key, and touches nothing that serves', async () => {
    const old = await edge.addDefault();
    const {
      records,
      notices = [],
      files,
    } = await edge.run(newExchangeCertificate, {
      GenerateRequest: 'true',
      DomainName: 'mail.contoso.test,edge01.contoso.test',
    });
    expect(records).toMatchObject([{ Status: 'PendingRequest', Services: 'None', Subject: 'CN=mail.contoso.test' }]);
    expect(files).toBeUndefined();
    const thumbprint = thumbprintOf(records);
    expect(`${notices.slice(0, -1).join('\n')}\n`).toBe(edge.store.requestPem(thumbprint)?.replaceAll('\r\n', '\n'));
    expect(notices.every((notice) => !notice.includes('\n'))).toBe(true);
    expect(edge.store.internalTransport()?.certificate.thumbprint).toBe(old.certificate.thumbprint);
  });

  it('hands a request back as a file for -Path, for the FQDN when no name is given', async () => {
    const { records, files, notices } = await edge.run(newExchangeCertificate, {
      GenerateRequest: 'true',
      Path: 'request.pem',
    });
    expect(records).toMatchObject([{ CertificateDomains: [FQDN.edge] }]);
    expect(files).toMatchObject([{ parameter: 'Path' }]);
    expect(files?.[0]?.content.toString()).toBe(edge.store.requestPem(thumbprintOf(records)));
    expect(notices?.join()).not.toContain('BEGIN');
  });

  it.each([
    ['bad-value', { Services: 'IMAP' }],
    ['key-size-unsupported', { KeySize: '1024' }],
    ['subject-unreadable', { SubjectName: 'mail.contoso.test' }],
    ['domain-name-invalid', { DomainName: 'not a name' }],
    ['parameter-conflict', { Path: 'request.pem' }],
    ['parameter-conflict', { GenerateRequest: 'true', Services: 'SMTP' }],
  ])('refuses with %s and stores nothing: %o', async (code, typed: Record<string, string>) => {
    await expect(edge.run(newExchangeCertificate, typed)).rejects.toMatchObject({ code });
    expect(edge.store.list()).toEqual([]);
  });

  it('asks before it overwrites the default certificate, and only then', () => {
    const question = (typed: Record<string, string | boolean>) => newExchangeCertificate.confirm?.(typed);
    expect(question({ GenerateRequest: false })).toMatch(/^Overwrite the existing default SMTP certificate/);
    expect(question({ GenerateRequest: true })).toBeUndefined();
    expect(question({ GenerateRequest: false, Services: 'None' })).toBeUndefined();
  });
});
