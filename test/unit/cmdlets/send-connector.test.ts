import { beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getSendConnector } from '../../../src/cmdlets/get-send-connector.ts';
import { newSendConnector } from '../../../src/cmdlets/new-send-connector.ts';
import { removeSendConnector } from '../../../src/cmdlets/remove-send-connector.ts';
import { setSendConnector } from '../../../src/cmdlets/set-send-connector.ts';
import type { ActiveDirectory } from '../../../src/directory/active-directory.ts';
import { SITE } from '../directory/fixtures.ts';
import {
  EDGE_SYNC_NOTICE,
  edgeFixture,
  hubFixture,
  type OrganizationFixture,
  subscribeEdge,
  valuesOf,
} from './organization-context.ts';

let hub: OrganizationFixture<ActiveDirectory>;

beforeEach(async () => {
  hub = await hubFixture();
});

const OUT = { Name: 'Out', AddressSpaces: 'SMTP:*;100', SmartHosts: 'relay.example.net' } as const;
const stored = (name = 'Out') => hub.snapshot().sendConnectors.find((connector) => connector.name === name);

describe('Send connector cmdlets', () => {
  it.each(
    [getSendConnector, newSendConnector, removeSendConnector, setSendConnector].map((it) => [it.name, it] as const),
  )('%s is declared soundly', (_name, cmdlet) => {
    expect(faultsOf(cmdlet)).toEqual([]);
  });
});

describe('New-SendConnector', () => {
  it('makes a connector from this server and shows it', async () => {
    const output = await hub.run(newSendConnector, OUT);
    expect(output).toMatchObject({
      records: [{ Identity: 'Out', AddressSpaces: ['SMTP:*;100'], Enabled: true, DNSRoutingEnabled: false }],
      notices: [],
      warnings: [],
    });
    expect(stored()).toMatchObject({ sourceTransportServers: ['HUB01'], smartHosts: ['relay.example.net'], port: 25 });
  });

  it('keeps every property that is given, in any letter case', async () => {
    await hub.run(newSendConnector, {
      name: 'Out',
      addressspaces: ['contoso.com;5', '*.example'],
      SMARTHOSTS: '192.0.2.1,Mail.Example',
      Port: '2526',
      RequireTLS: 'true',
      Enabled: '$false',
      Fqdn: 'out.contoso.test',
      Comment: 'spare',
      MaxMessageSize: 'unlimited',
      ConnectionInactivityTimeOut: '00:02:00',
      ProtocolLoggingLevel: 'verbose',
    });
    expect(stored()).toMatchObject({
      addressSpaces: [
        { type: 'SMTP', space: 'contoso.com', cost: 5 },
        { type: 'SMTP', space: '*.example', cost: 1 },
      ],
      smartHosts: ['[192.0.2.1]', 'mail.example'],
      port: 2526,
      requireTls: true,
      enabled: false,
      fqdn: 'out.contoso.test',
      comment: 'spare',
      connectionInactivityTimeoutMs: 120_000,
      protocolLoggingLevel: 'Verbose',
    });
    expect(stored()?.maxMessageSizeBytes).toBeUndefined();
  });

  it.each([
    ['Custom', { smartHostAuthMechanism: 'None', maxMessageSizeBytes: 10_485_760, domainSecureEnabled: false }],
    ['Internet', { smartHostAuthMechanism: 'None', maxMessageSizeBytes: 10_485_760, domainSecureEnabled: false }],
    ['Internal', { smartHostAuthMechanism: 'ExchangeServer', domainSecureEnabled: false }],
  ])('presets %s', async (Usage, expected) => {
    await hub.run(newSendConnector, { ...OUT, Usage });
    expect(stored()).toMatchObject(expected);
  });

  it('presets Partner with domain security', async () => {
    await hub.run(newSendConnector, { Name: 'Out', AddressSpaces: '*', Usage: 'Partner' });
    expect(stored()).toMatchObject({ domainSecureEnabled: true, dnsRoutingEnabled: true });
  });

  it('leaves from a subscribed Edge when asked by any of its names, and says what brings it there', async () => {
    await subscribeEdge(hub.directory);
    const { notices } = await hub.run(newSendConnector, { ...OUT, SourceTransportServers: 'edge01.perimeter.test' });
    expect(stored()?.sourceTransportServers).toEqual(['EDGE01']);
    expect(notices).toEqual([EDGE_SYNC_NOTICE]);
  });

  it.each([
    ['RequireTLS with IgnoreSTARTTLS', { RequireTLS: '1', IgnoreSTARTTLS: '1' }, 'bad-send-connector'],
    ['DNS routing with smart hosts', { DNSRoutingEnabled: '1' }, 'bad-send-connector'],
    ['-- from a hub', { AddressSpaces: '--' }, 'bad-send-connector'],
    ['an address space that is none', { AddressSpaces: '*contoso.com' }, 'bad-address-space'],
    ['a smart host that is none', { SmartHosts: 'user@host' }, 'bad-smart-host'],
    ['a source that is no server', { SourceTransportServers: 'NOBODY' }, 'not-found'],
    ['a mechanism that needs a login', { SmartHostAuthMechanism: 'BasicAuth' }, 'bad-value'],
  ])('refuses %s and makes nothing', async (_what, typed, code) => {
    await expect(hub.run(newSendConnector, { ...OUT, ...typed })).rejects.toMatchObject({ code });
    expect(stored()).toBeUndefined();
  });

  it('refuses a name that is taken', async () => {
    await hub.run(newSendConnector, OUT);
    await expect(hub.run(newSendConnector, { ...OUT, Name: 'OUT' })).rejects.toMatchObject({ code: 'already-exists' });
  });
});

describe('Set-SendConnector', () => {
  beforeEach(async () => {
    await hub.run(newSendConnector, { ...OUT, Comment: 'spare', Fqdn: 'out.contoso.test' });
  });

  it('changes what is given and nothing else', async () => {
    const before = stored();
    const output = await hub.run(setSendConnector, { Identity: 'out', RequireTLS: '$true' });
    expect(output).toEqual({ records: [], notices: [], warnings: [] });
    expect({ ...stored(), record: undefined }).toEqual({ ...before, requireTls: true, record: undefined });
  });

  it('takes away what is given as $null', async () => {
    await hub.run(setSendConnector, {
      Identity: 'Out',
      Fqdn: '$null',
      Comment: '',
      SmartHosts: '$null',
      DNSRoutingEnabled: '1',
    });
    expect(stored()).toMatchObject({ smartHosts: [], dnsRoutingEnabled: true });
    expect(stored()?.fqdn).toBeUndefined();
    expect(stored()?.comment).toBeUndefined();
  });

  it('refuses what contradicts the rest, and changes nothing', async () => {
    await hub.run(setSendConnector, { Identity: 'Out', IgnoreSTARTTLS: '1' });
    const before = stored();
    await expect(hub.run(setSendConnector, { Identity: 'Out', RequireTLS: '1', Port: '26' })).rejects.toMatchObject({
      code: 'bad-send-connector',
      message: expect.stringContaining('contradict each other'),
    });
    await expect(hub.run(setSendConnector, { Identity: 'Out', SmartHosts: '$null' })).rejects.toMatchObject({
      code: 'bad-send-connector',
    });
    expect(stored()).toEqual(before);
  });

  it('renames, and its GUID stays', async () => {
    const guid = stored()?.guid;
    await hub.run(setSendConnector, { Identity: guid ?? '', Name: 'To the Internet' });
    expect(stored()).toBeUndefined();
    expect(stored('To the Internet')?.guid).toBe(guid);
  });

  it('says that nothing was given', async () => {
    const { warnings } = await hub.run(setSendConnector, { Identity: 'Out' });
    expect(warnings).toEqual([expect.stringContaining('nothing has changed')]);
  });

  it('tells that the Edge hears of its connector by EdgeSync, and not of a hub’s own', async () => {
    await subscribeEdge(hub.directory);
    const own = await hub.run(setSendConnector, { Identity: 'Out', Port: '26' });
    const ofEdge = await hub.run(setSendConnector, { Identity: `EdgeSync - ${SITE} to Internet`, Port: '26' });
    expect([own.notices, ofEdge.notices]).toEqual([[], [EDGE_SYNC_NOTICE]]);
  });

  it('refuses an unknown connector', async () => {
    await expect(hub.run(setSendConnector, { Identity: 'x' })).rejects.toMatchObject({
      code: 'not-found',
      message: 'there is no Send connector "x" on HUB01',
    });
  });
});

describe('Get-SendConnector', () => {
  it('shows all, or one by name, SERVER\\name or GUID in any letter case', async () => {
    await hub.run(newSendConnector, OUT);
    await hub.run(newSendConnector, { ...OUT, Name: 'Second' });
    const guid = stored()?.guid ?? '';
    expect(valuesOf(await hub.run(getSendConnector), 'Identity')).toEqual(['Out', 'Second']);
    for (const Identity of ['OUT', 'hub01\\out', guid, `{${guid.toUpperCase()}}`]) {
      expect(valuesOf(await hub.run(getSendConnector, { Identity }), 'Guid')).toEqual([guid]);
    }
    await expect(hub.run(getSendConnector, { Identity: 'HUB02\\Out' })).rejects.toMatchObject({ code: 'not-found' });
  });

  it("lists Exchange's properties in its order", async () => {
    const { records } = await hub.run(newSendConnector, OUT);
    const names = Object.keys(records[0] ?? {});
    const body = names.slice(0, names.indexOf('DistinguishedName'));
    expect(body).toEqual(body.toSorted((a, b) => a.localeCompare(b, 'en')));
    expect(records[0]).toMatchObject({
      MaxMessageSize: { $size: 10_485_760 },
      ConnectionInactivityTimeOut: { $timeSpan: 600_000 },
      SmartHostsString: 'relay.example.net',
      IgnoreSTARTTLS: false,
      SourceIPAddress: '0.0.0.0',
    });
  });
});

describe('Remove-SendConnector', () => {
  it('asks by name, then removes', async () => {
    await hub.run(newSendConnector, OUT);
    expect(removeSendConnector.confirm?.({ Identity: 'Out' })).toBe('Remove the Send connector "Out"?');
    expect(await hub.run(removeSendConnector, { Identity: 'out' })).toEqual({ records: [], notices: [] });
    expect(hub.snapshot().sendConnectors).toEqual([]);
    await expect(hub.run(removeSendConnector, { Identity: 'Out' })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('Send connectors on an Edge', () => {
  it('are its own until its subscription is exported, and refused from then on', async () => {
    const edge = await edgeFixture();
    await edge.run(newSendConnector, { ...OUT, AddressSpaces: '--', SmartHosts: '--' });
    expect(edge.snapshot().sendConnectors[0]?.sourceTransportServers).toEqual(['EDGE01']);
    await edge.directory.exportSubscription(60_000);
    await expect(edge.run(newSendConnector, OUT)).rejects.toMatchObject({ code: 'edge-subscribed' });
    expect(edge.snapshot().sendConnectors).toEqual([]);
  });
});
