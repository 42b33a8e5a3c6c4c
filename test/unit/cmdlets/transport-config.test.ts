import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getTransportConfig } from '../../../src/cmdlets/get-transport-config.ts';
import { setTransportConfig } from '../../../src/cmdlets/set-transport-config.ts';
import { EDGE_SYNC_NOTICE, edgeFixture, hubFixture, subscribeEdge } from './organization-context.ts';

describe('Get-TransportConfig', () => {
  it('is declared soundly', () => {
    expect([getTransportConfig, setTransportConfig].flatMap(faultsOf)).toEqual([]);
  });

  it('lists the settings of a fresh server', async () => {
    const hub = await hubFixture();
    expect((await hub.run(getTransportConfig)).records).toMatchObject([
      {
        MaxReceiveSize: { $size: 10_485_760 },
        ExpiredCertificate: 'Plaintext',
        UntrustedCertificate: 'Defer',
        IntraOrgRequireTLS: false,
        IntraOrgIgnoreSTARTTLS: false,
        Identity: 'Transport Settings',
      },
    ]);
  });
});

describe('Set-TransportConfig', () => {
  it.each([
    [{ ExpiredCertificate: 'keeptls' }, { expiredCertificate: 'KeepTls' }],
    [
      { ExpiredCertificate: 'Defer', UntrustedCertificate: 'Encrypt' },
      { expiredCertificate: 'Defer', untrustedCertificate: 'Encrypt' },
    ],
    [{ IntraOrgRequireTLS: 'true' }, { intraOrgRequireTls: true }],
    [{ IntraOrgIgnoreSTARTTLS: 'true' }, { intraOrgIgnoreStartTls: true }],
    [
      { ExternalPostmasterAddress: 'pm@contoso.com', MaxReceiveSize: '25MB' },
      { externalPostmasterAddress: 'pm@contoso.com', maxReceiveSizeBytes: 26_214_400 },
    ],
    [
      { MaxSendSize: '1MB', MaxRecipientEnvelopeLimit: '100' },
      { maxSendSizeBytes: 1_048_576, maxRecipientsPerMessage: 100 },
    ],
    [{ InternalSMTPServers: '192.0.2.1,10.0.0.0/8' }, { internalSmtpServers: ['192.0.2.1', '10.0.0.0/8'] }],
    [
      { TLSReceiveDomainSecureList: 'a.example', TLSSendDomainSecureList: '*.b.example' },
      { tlsReceiveDomainSecureList: ['a.example'], tlsSendDomainSecureList: ['*.b.example'] },
    ],
  ])('keeps %j and nothing else', async (typed, expected) => {
    const hub = await hubFixture();
    const before = hub.snapshot().transportConfig;
    expect(await hub.run(setTransportConfig, typed)).toEqual({ records: [], notices: [], warnings: [] });
    expect({ ...hub.snapshot().transportConfig, record: undefined }).toEqual({
      ...before,
      ...expected,
      record: undefined,
    });
  });

  it('takes away what is given as $null or unlimited', async () => {
    const hub = await hubFixture();
    await hub.run(setTransportConfig, { ExternalPostmasterAddress: 'pm@contoso.com' });
    await hub.run(setTransportConfig, {
      ExternalPostmasterAddress: '$null',
      MaxSendSize: 'unlimited',
      InternalSMTPServers: '$null',
    });
    const { externalPostmasterAddress, maxSendSizeBytes } = hub.snapshot().transportConfig;
    expect([externalPostmasterAddress, maxSendSizeBytes]).toEqual([undefined, undefined]);
  });

  it.each([
    ['the two switches together', { IntraOrgRequireTLS: '1', IntraOrgIgnoreSTARTTLS: '1' }, 'bad-transport-config'],
    ['a range that is none', { InternalSMTPServers: 'here' }, 'bad-transport-config'],
    ['too few recipients', { MaxRecipientEnvelopeLimit: '99' }, 'bad-transport-config'],
    ['an answer that is none', { ExpiredCertificate: 'Encrypt' }, 'bad-value'],
  ])('refuses %s, and changes nothing', async (_what, typed, code) => {
    const hub = await hubFixture();
    const before = hub.snapshot().transportConfig;
    await expect(hub.run(setTransportConfig, { MaxSendSize: '1MB', ...typed })).rejects.toMatchObject({ code });
    expect(hub.snapshot().transportConfig).toEqual(before);
  });

  it('refuses the second switch while the first is set', async () => {
    const hub = await hubFixture();
    await hub.run(setTransportConfig, { IntraOrgRequireTLS: '1' });
    await expect(hub.run(setTransportConfig, { IntraOrgIgnoreSTARTTLS: '1' })).rejects.toMatchObject({
      code: 'bad-transport-config',
    });
    await hub.run(setTransportConfig, { IntraOrgIgnoreSTARTTLS: '1', IntraOrgRequireTLS: '0' });
    expect(hub.snapshot().transportConfig.intraOrgIgnoreStartTls).toBe(true);
  });

  it('says on a hub what brings it to the Edge', async () => {
    const hub = await hubFixture();
    await subscribeEdge(hub.directory);
    expect((await hub.run(setTransportConfig, { ExpiredCertificate: 'Defer' })).notices).toEqual([EDGE_SYNC_NOTICE]);
    expect(await hub.run(setTransportConfig)).toMatchObject({
      notices: [],
      warnings: [expect.stringContaining('nothing has changed')],
    });
  });

  it('warns on a subscribed Edge that it will not last', async () => {
    const edge = await edgeFixture();
    expect((await edge.run(setTransportConfig, { ExpiredCertificate: 'Defer' })).warnings).toEqual([]);
    await edge.directory.exportSubscription(60_000);
    const { warnings } = await edge.run(setTransportConfig, { ExpiredCertificate: 'KeepTls' });
    expect(warnings).toEqual([expect.stringContaining('the next synchronization replaces')]);
    expect(edge.snapshot().transportConfig.expiredCertificate).toBe('KeepTls');
  });
});
