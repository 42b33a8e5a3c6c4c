import { beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getReceiveConnector } from '../../../src/cmdlets/get-receive-connector.ts';
import { newReceiveConnector } from '../../../src/cmdlets/new-receive-connector.ts';
import { removeReceiveConnector } from '../../../src/cmdlets/remove-receive-connector.ts';
import { setReceiveConnector } from '../../../src/cmdlets/set-receive-connector.ts';
import type { ActiveDirectory } from '../../../src/directory/active-directory.ts';
import { edgeFixture, hubFixture, type OrganizationFixture, valuesOf } from './organization-context.ts';

let hub: OrganizationFixture<ActiveDirectory>;

beforeEach(async () => {
  hub = await hubFixture();
});

const DEFAULT = 'Default HUB01';
const SCANNERS = { Name: 'Scanners', RemoteIPRanges: '192.0.2.0/24' } as const;
const stored = (name = DEFAULT) => hub.snapshot().receiveConnectors.find((connector) => connector.name === name);

describe('Receive connector cmdlets', () => {
  it.each(
    [getReceiveConnector, newReceiveConnector, removeReceiveConnector, setReceiveConnector].map(
      (it) => [it.name, it] as const,
    ),
  )('%s is declared soundly', (_name, cmdlet) => {
    expect(faultsOf(cmdlet)).toEqual([]);
  });
});

describe('Get-ReceiveConnector', () => {
  it('shows SERVER\\name and, without bindings of its own, where the server listens', async () => {
    const output = await hub.run(getReceiveConnector);
    expect(valuesOf(output, 'Identity')).toEqual([
      'HUB01\\Client Frontend HUB01',
      'HUB01\\Client HUB01',
      'HUB01\\Default HUB01',
    ]);
    expect(valuesOf(output, 'Bindings')).toEqual([
      ['127.0.0.1:2587', '127.0.0.1:2465'],
      ['127.0.0.1:2525'],
      ['127.0.0.1:2525'],
    ]);
    expect(valuesOf(output, 'Submission')).toEqual([true, false, false]);
  });

  it("lists one with Exchange's values", async () => {
    const { records } = await hub.run(getReceiveConnector, { Identity: 'hub01\\default hub01' });
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      AuthMechanism: 'Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer',
      PermissionGroups: 'ExchangeUsers, ExchangeServers, ExchangeLegacyServers',
      Fqdn: 'hub01.contoso.test',
      MaxInboundConnectionPerSource: 'Unlimited',
      MaxMessageSize: { $size: 10_485_760 },
      TarpitInterval: { $timeSpan: 5000 },
      Server: 'HUB01',
    });
  });

  it('refuses an unknown one', async () => {
    await expect(hub.run(getReceiveConnector, { Identity: 'x' })).rejects.toMatchObject({
      code: 'not-found',
      message: 'there is no Receive connector "x" on HUB01',
    });
  });
});

describe('Set-ReceiveConnector', () => {
  it('changes what is given and nothing else', async () => {
    const before = stored();
    expect(await hub.run(setReceiveConnector, { Identity: DEFAULT, RequireTLS: 'true' })).toEqual({
      records: [],
      notices: [],
      warnings: [],
    });
    expect({ ...stored(), record: undefined }).toEqual({ ...before, requireTls: true, record: undefined });
  });

  it.each([
    [
      { Fqdn: 'HUB01', Banner: '220 here' },
      { fqdn: 'HUB01', banner: '220 here' },
    ],
    [
      { MaxMessageSize: '25MB', MaxHeaderSize: '128KB' },
      { maxMessageSizeBytes: 26_214_400, maxHeaderSizeBytes: 131_072 },
    ],
    [
      { MaxRecipientsPerMessage: '100', MaxHopCount: '12' },
      { maxRecipientsPerMessage: 100, maxHopCount: 12 },
    ],
    [
      { ConnectionTimeout: '1m', ConnectionInactivityTimeout: '00:00:30' },
      { connectionTimeoutMs: 60_000, connectionInactivityTimeoutMs: 30_000 },
    ],
    [
      { TarpitInterval: '1.5s', MaxProtocolErrors: '1', MaxLogonFailures: '0' },
      { tarpitIntervalMs: 1500, maxProtocolErrors: 1, maxLogonFailures: 0 },
    ],
    [
      { AuthMechanism: 'tls,exchangeserver', PermissionGroups: 'exchangeservers' },
      { authMechanism: ['Tls', 'ExchangeServer'], permissionGroups: ['ExchangeServers'] },
    ],
    [
      { PermissionGroups: 'None', AuthMechanism: '$null' },
      { permissionGroups: [], authMechanism: [] },
    ],
    [
      { MessageRateLimit: '600', MaxInboundConnectionPerSource: '5' },
      { messageRateLimit: 600, maxInboundConnectionPerSource: 5 },
    ],
    [
      { Enabled: 'false', Comment: 'closed', ProtocolLoggingLevel: 'Verbose' },
      { enabled: false, comment: 'closed', protocolLoggingLevel: 'Verbose' },
    ],
    [{ RemoteIPRanges: '192.0.2.1, 198.51.100.0/24' }, { remoteIpRanges: ['192.0.2.1', '198.51.100.0/24'] }],
  ])('keeps %j', async (typed, expected) => {
    await hub.run(setReceiveConnector, { Identity: DEFAULT, ...typed });
    expect(stored()).toMatchObject(expected);
  });

  it('takes away what is given as $null or unlimited', async () => {
    await hub.run(setReceiveConnector, {
      Identity: DEFAULT,
      Banner: '220 here',
      MessageRateLimit: '5',
      ExtendedRights: 'Ms-Exch-Bypass-Anti-Spam',
      DeniedRights: 'Ms-Exch-SMTP-Accept-Any-Sender',
    });
    expect(stored()?.deniedRights).toEqual(['Ms-Exch-SMTP-Accept-Any-Sender']);
    await hub.run(setReceiveConnector, {
      Identity: DEFAULT,
      Banner: '$null',
      MessageRateLimit: 'unlimited',
      ExtendedRights: '$null',
      DeniedRights: '$null',
    });
    expect(stored()?.banner).toBeUndefined();
    expect(stored()?.messageRateLimit).toBeUndefined();
    expect([stored()?.extendedRights, stored()?.deniedRights]).toEqual([[], []]);
  });

  it('tells which bindings wait for the next start', async () => {
    const given = { Identity: DEFAULT, Bindings: '127.0.0.1:2525, 192.0.2.1:25, [::1]:2525' };
    const { notices } = await hub.run(setReceiveConnector, given);
    expect(notices).toEqual(['Opened at the next start of this server: 192.0.2.1:25, [::1]:2525.']);
    expect(stored()?.bindings).toEqual(['127.0.0.1:2525', '192.0.2.1:25', '[::1]:2525']);
    expect((await hub.run(setReceiveConnector, { Identity: DEFAULT, Bindings: '127.0.0.1:0' })).notices).toEqual([]);
  });

  it.each([
    ['a banner that does not begin with 220', { Banner: 'hello' }, 'bad-receive-connector'],
    ['a name of another server beside ExchangeServer', { Fqdn: 'other.example' }, 'bad-receive-connector'],
    ['RequireTLS without Tls', { RequireTLS: '1', AuthMechanism: 'None' }, 'bad-receive-connector'],
    ['ranges that another connector claims', { RemoteIPRanges: '127.0.0.0/8' }, 'bad-receive-connector'],
    ['no ranges at all', { RemoteIPRanges: '$null' }, 'bad-receive-connector'],
    ['a binding to a name', { Bindings: 'localhost:25' }, 'bad-receive-connector'],
    ['an unlimited message size', { MaxMessageSize: 'unlimited' }, 'bad-receive-connector'],
    ['None beside others', { PermissionGroups: 'None,Partners' }, 'bad-value'],
    ['a rate of no messages', { MessageRateLimit: '0' }, 'bad-value'],
  ])('refuses %s, and changes nothing', async (_what, typed, code) => {
    const before = stored();
    await expect(hub.run(setReceiveConnector, { Identity: DEFAULT, Comment: 'x', ...typed })).rejects.toMatchObject({
      code,
    });
    expect(stored()).toEqual(before);
  });

  it('warns of a call that gives nothing', async () => {
    const idle = await hub.run(setReceiveConnector, { Identity: DEFAULT });
    expect(idle.warnings).toEqual([expect.stringContaining('nothing has changed')]);
  });
});

describe('New-ReceiveConnector', () => {
  it('makes one and shows it', async () => {
    const output = await hub.run(newReceiveConnector, SCANNERS);
    expect(output).toMatchObject({
      records: [{ Identity: 'HUB01\\Scanners', Enabled: true, PermissionGroups: 'None', AuthMechanism: 'Tls' }],
      notices: [],
      warnings: [],
    });
    expect(stored('Scanners')).toMatchObject({ remoteIpRanges: ['192.0.2.0/24'], maxRecipientsPerMessage: 200 });
  });

  it.each([
    ['Custom', ['Tls'], []],
    ['Client', ['Tls', 'Integrated', 'BasicAuth', 'BasicAuthRequireTLS'], ['ExchangeUsers']],
    ['Internal', ['Tls', 'ExchangeServer'], ['ExchangeServers']],
    ['Internet', ['Tls'], ['AnonymousUsers', 'Partners']],
    ['Partner', ['Tls'], ['Partners']],
  ])('presets %s', async (Usage, authMechanism, permissionGroups) => {
    await hub.run(newReceiveConnector, { ...SCANNERS, Usage });
    expect(stored('Scanners')).toMatchObject({ authMechanism, permissionGroups });
  });

  it('lets what is given win over the preset', async () => {
    await hub.run(newReceiveConnector, { ...SCANNERS, Usage: 'Internet', PermissionGroups: 'ExchangeServers' });
    expect(stored('Scanners')?.permissionGroups).toEqual(['ExchangeServers']);
  });

  it.each([
    { PermissionGroups: 'AnonymousUsers', ExtendedRights: 'Ms-Exch-SMTP-Accept-Any-Recipient' },
    { PermissionGroups: 'ExchangeServers', AuthMechanism: 'ExternalAuthoritative' },
  ])('warns that %j relays for everybody in its ranges', async (typed) => {
    const { warnings } = await hub.run(newReceiveConnector, { ...SCANNERS, ...typed });
    expect(warnings).toEqual([expect.stringContaining('may send to any domain')]);
  });

  it('refuses ranges that another connector claims', async () => {
    await expect(hub.run(newReceiveConnector, { Name: 'All' })).rejects.toMatchObject({
      code: 'bad-receive-connector',
      message: expect.stringContaining('claim the same senders'),
    });
  });

  it('works on a subscribed Edge, whose Receive connectors are its own', async () => {
    const edge = await edgeFixture();
    await edge.directory.exportSubscription(60_000);
    const { records } = await edge.run(newReceiveConnector, SCANNERS);
    expect(records[0]).toMatchObject({ Identity: 'EDGE01\\Scanners', Fqdn: 'edge01.perimeter.test' });
  });
});

describe('Remove-ReceiveConnector', () => {
  it('asks, then removes', async () => {
    expect(removeReceiveConnector.confirm?.({ Identity: 'x' })).toMatch(/^Remove the Receive connector "x"\?/);
    await hub.run(removeReceiveConnector, { Identity: 'HUB01\\Client HUB01' });
    expect(hub.snapshot().receiveConnectors.map(({ name }) => name)).toEqual(['Client Frontend HUB01', DEFAULT]);
  });
});
