import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBoundTo, normalizeBinding } from '../../../src/directory/binding.ts';
import {
  makeEdgeReceiveConnectors,
  makeHubReceiveConnectors,
  makeReceiveConnector,
} from '../../../src/directory/default-receive-connectors.ts';
import { isCrossing, parseIpRange, rangeContains, rangeSize, sourceOf } from '../../../src/ip-range.ts';
import {
  chooseReceiveConnector,
  type Principal,
  type ReceiveConnector,
  receiveConnectorView,
  rightsOf,
} from '../../../src/directory/receive-connector.ts';
import { validateReceiveConnector, validateReceiveConnectors } from '../../../src/directory/receive-connector-rules.ts';

const SERVER = { netbiosName: 'HUB01', fqdn: 'hub01.contoso.test' };
const [EVERYBODY, CLIENTS] = makeHubReceiveConnectors('HUB01', []) as [ReceiveConnector, ReceiveConnector];
const [EDGE] = makeEdgeReceiveConnectors('EDGE01', ['0.0.0.0:25']) as [ReceiveConnector];

function required(text: string) {
  const range = parseIpRange(text);
  if (!range) throw new Error(`${text} should be a range`);
  return range;
}

describe('address range', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.77/24', '192.0.2.0', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['192.0.2.5-192.0.2.9', '192.0.2.9', true],
    ['192.0.2.5-192.0.2.9', '192.0.2.10', false],
    ['127.0.0.0/8', '::ffff:127.0.0.1', true],
    ['::1', '::1', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '::1', true],
    ['::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '127.0.0.1', false],
    ['::ffff:192.0.2.1', '192.0.2.1', true],
    ['::ffff:192.0.2.0/120', '192.0.2.77', true],
    ['::ffff:192.0.2.0/120', '192.0.3.77', false],
    ['2001:db8::5-2001:db8::9', '2001:db8::8', true],
    ['2001:db8::5-2001:db8::9', '2001:db8::a', false],
    ['127.0.0.0/8', 'localhost', false],
  ])('%s holds %s: %s', (range, address, expected) => {
    expect(rangeContains(required(range), address)).toBe(expected);
  });

  it.each([
    '',
    'localhost',
    '192.0.2.1/33',
    '192.0.2.9-192.0.2.5',
    '192.0.2.1-::1',
    '1.2.3',
    '::/129',
    '::ffff:192.0.2.0/24',
    '192.0.2.1-',
    '/8',
  ])('refuses %j', (text) => {
    expect(parseIpRange(text)).toBeUndefined();
  });

  it('holds both ends and every address between, whatever they are', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, prefix) => {
        const range = required(`${address}/${prefix}`);
        expect(rangeContains(range, address)).toBe(true);
        expect(rangeSize(range)).toBe(2n ** BigInt(32 - prefix));
      }),
    );
    fc.assert(fc.property(fc.ipV6(), (address) => rangeContains(required(address), address)));
  });

  it('takes a network of IPv6 for one source, and an IPv4 address for one however it came', () => {
    expect(sourceOf('2001:db8:1:2::1')).toBe(sourceOf('2001:db8:1:2:ffff::9'));
    expect(sourceOf('2001:db8:1:2::1')).not.toBe(sourceOf('2001:db8:1:3::1'));
    expect(sourceOf('192.0.2.1')).toBe(sourceOf('::ffff:192.0.2.1'));
    expect(sourceOf('192.0.2.1')).not.toBe(sourceOf('192.0.2.2'));
    expect(sourceOf('::1')).not.toBe(sourceOf('0.0.0.0'));
  });

  it('knows ranges that cross from ranges that lie within each other', () => {
    expect(isCrossing(required('10.0.0.0-10.0.0.9'), required('10.0.0.5-10.0.0.20'))).toBe(true);
    expect(isCrossing(required('10.0.0.0/8'), required('10.1.0.0/16'))).toBe(false);
    expect(isCrossing(required('10.0.0.0/8'), required('11.0.0.0/8'))).toBe(false);
  });
});

describe('binding', () => {
  it.each([
    [[], '127.0.0.1', 2525, true],
    [['0.0.0.0:25'], '192.0.2.1', 25, true],
    [['0.0.0.0:25'], '192.0.2.1', 26, false],
    [['0.0.0.0:0'], '192.0.2.1', 40_000, true],
    [['0.0.0.0:25'], '::1', 25, false],
    [['[::]:25'], '::1', 25, true],
    [['[::]:25'], '::ffff:192.0.2.1', 25, true],
    [['192.0.2.1:25'], '::ffff:192.0.2.1', 25, true],
    [['192.0.2.1:25', '192.0.2.2:25'], '192.0.2.2', 25, true],
  ])('%j takes a connection at %s port %i: %s', (bindings, localAddress, localPort, expected) => {
    expect(isBoundTo(bindings, { localAddress, localPort })).toBe(expected);
  });

  it('refuses what cannot be bound', () => {
    expect(normalizeBinding('mail.contoso.com:25')).toBeUndefined();
    expect(normalizeBinding('192.0.2.1')).toBeUndefined();
    expect(normalizeBinding('[::]:65536')).toBeUndefined();
  });
});

describe('choice of the Receive connector', () => {
  const at = { service: 'smtp', localAddress: '192.0.2.10', localPort: 25 } as const;

  it('prefers the most specific range, whatever the order', () => {
    for (const connectors of [
      [EVERYBODY, CLIENTS],
      [CLIENTS, EVERYBODY],
    ]) {
      expect(chooseReceiveConnector(connectors, { ...at, remoteAddress: '127.0.0.1' })?.name).toBe('Client HUB01');
      expect(chooseReceiveConnector(connectors, { ...at, remoteAddress: '::1' })?.name).toBe('Client HUB01');
      expect(chooseReceiveConnector(connectors, { ...at, remoteAddress: '198.51.100.7' })?.name).toBe('Default HUB01');
    }
  });

  it('passes over connectors that are disabled, elsewhere, or for others', () => {
    const connectors = [
      makeReceiveConnector({ name: 'off', enabled: false }),
      makeReceiveConnector({ name: 'other port', bindings: ['0.0.0.0:587'] }),
      makeReceiveConnector({ name: 'other senders', remoteIpRanges: ['10.0.0.0/8'] }),
    ];
    expect(chooseReceiveConnector(connectors, { ...at, remoteAddress: '198.51.100.7' })).toBeUndefined();
  });

  it.each([
    ['smtp', 'Client HUB01'],
    ['submission', 'Client Frontend HUB01'],
    ['smtps', 'Client Frontend HUB01'],
  ] as const)('is another where the address is for %s, however narrow the ranges', (service, expected) => {
    const connectors = makeHubReceiveConnectors('HUB01', []);
    expect(chooseReceiveConnector(connectors, { ...at, service, remoteAddress: '127.0.0.1' })?.name).toBe(expected);
    expect(() => validateReceiveConnectors(connectors)).not.toThrow();
  });

  it('is none where mail users come and no connector is for them', () => {
    const connection = { ...at, service: 'submission', remoteAddress: '127.0.0.1' } as const;
    expect(chooseReceiveConnector([EVERYBODY, CLIENTS], connection)).toBeUndefined();
  });
});

describe('rights', () => {
  const relay = 'Ms-Exch-SMTP-Accept-Any-Recipient';
  const submit = 'Ms-Exch-SMTP-Submit';

  it.each<[string, ReceiveConnector, Principal, boolean, boolean]>([
    ['a stranger at the hub', EVERYBODY, 'anonymous', false, false],
    ['the Edge at the hub', EVERYBODY, 'edge-transport-server', true, true],
    ['a user at the hub', EVERYBODY, 'authenticated-user', true, true],
    ['a client on the hub itself', CLIENTS, 'anonymous', true, true],
    ['an Edge on the same machine', CLIENTS, 'edge-transport-server', true, true],
    ['a stranger at the Edge', EDGE, 'anonymous', true, false],
    ['the hub at the Edge', EDGE, 'hub-transport-server', true, true],
    ['a partner at the Edge', EDGE, 'partner', true, false],
    ['a user at the Edge', EDGE, 'authenticated-user', false, false],
  ])('%s', (_who, connector, principal, maySubmit, mayRelay) => {
    const rights = rightsOf(connector, principal);
    expect([rights.has(submit), rights.has(relay)]).toEqual([maySubmit, mayRelay]);
  });

  it('gives by address only where the connector is externally secured', () => {
    const connector = makeReceiveConnector({
      name: 'x',
      authMechanism: ['ExternalAuthoritative'],
      permissionGroups: ['ExchangeServers'],
    });
    expect(rightsOf(connector, 'anonymous').has(relay)).toBe(true);
    expect(rightsOf({ ...connector, authMechanism: ['Tls'] }, 'anonymous').size).toBe(0);
  });

  it('gives extended rights to nobody but the anonymous', () => {
    expect(rightsOf({ ...CLIENTS, permissionGroups: [] }, 'partner').size).toBe(0);
  });
});

describe('Receive connector rules', () => {
  it('lets the defaults pass, one by one and side by side', () => {
    for (const connector of [EVERYBODY, CLIENTS])
      expect(() => validateReceiveConnector(connector, SERVER)).not.toThrow();
    expect(() => validateReceiveConnector(EDGE, { netbiosName: 'EDGE01', fqdn: 'edge01.test' })).not.toThrow();
    expect(() => validateReceiveConnectors([EVERYBODY, CLIENTS])).not.toThrow();
  });

  it.each<[string, Partial<ReceiveConnector>, RegExp]>([
    [
      'BasicAuthRequireTLS without Tls',
      { authMechanism: ['BasicAuth', 'BasicAuthRequireTLS'] },
      /needs BasicAuth and Tls/,
    ],
    [
      'BasicAuthRequireTLS without BasicAuth',
      { authMechanism: ['Tls', 'BasicAuthRequireTLS'] },
      /needs BasicAuth and Tls/,
    ],
    [
      'ExternalAuthoritative with another',
      { authMechanism: ['ExternalAuthoritative', 'ExchangeServer'], permissionGroups: ['ExchangeServers'] },
      /together with Tls only/,
    ],
    [
      'ExternalAuthoritative without ExchangeServers',
      { authMechanism: ['ExternalAuthoritative'] },
      /needs ExchangeServers/,
    ],
    [
      'ExchangeServer under a foreign name',
      { authMechanism: ['ExchangeServer'], fqdn: 'mail.contoso.com' },
      /must be the FQDN/,
    ],
    ['RequireTLS without Tls', { authMechanism: [], requireTls: true }, /RequireTLS needs Tls/],
    ['domain security without Tls', { authMechanism: [], domainSecureEnabled: true }, /DomainSecureEnabled needs Tls/],
    ['no ranges', { remoteIpRanges: [] }, /at least one range/],
    ['a range that is none', { remoteIpRanges: ['10.0.0.0/64'] }, /"10.0.0.0\/64"/],
    ['a binding that is none', { bindings: ['everywhere'] }, /"everywhere"/],
    ['a banner without 220', { banner: 'hello' }, /Banner/],
    ['a banner of two lines', { banner: '220 a\r\n250 b' }, /Banner/],
    ['BINARYMIME without CHUNKING', { chunkingEnabled: false }, /needs ChunkingEnabled/],
    ['a size below 64 KiB', { maxMessageSizeBytes: 65_535 }, /MaxMessageSize/],
    ['no hops', { maxHopCount: 0 }, /MaxHopCount/],
  ])('refuses %s', (_what, given, sentence) => {
    expect(() => validateReceiveConnector(makeReceiveConnector({ name: 'x', ...given }), SERVER)).toThrow(
      expect.objectContaining({ code: 'bad-receive-connector', message: expect.stringMatching(sentence) }),
    );
  });

  it.each([undefined, 'HUB01', 'hub01.CONTOSO.test'])('takes %s as the name of the server', (fqdn) => {
    const connector = makeReceiveConnector({ name: 'x', authMechanism: ['Tls', 'ExchangeServer'], fqdn });
    expect(() => validateReceiveConnector(connector, SERVER)).not.toThrow();
  });

  it('refuses two connectors that claim the same senders on one binding, and no others', () => {
    const a = makeReceiveConnector({ name: 'a', bindings: ['0.0.0.0:25'], remoteIpRanges: ['10.0.0.0-10.0.0.9'] });
    const check = (given: Partial<ReceiveConnector>) => () =>
      validateReceiveConnectors([a, makeReceiveConnector({ ...a, name: 'b', ...given })]);
    expect(check({})).toThrow(expect.objectContaining({ code: 'bad-receive-connector' }));
    expect(check({ remoteIpRanges: ['10.0.0.5-10.0.0.20'] })).toThrow(/claim the same senders/);
    expect(check({ bindings: [] })).toThrow(/claim the same senders/);
    expect(check({ bindings: ['0.0.0.0:587'] })).not.toThrow();
    expect(check({ enabled: false })).not.toThrow();
    expect(check({ remoteIpRanges: ['10.0.0.5'] })).not.toThrow();
  });

  it('comes back from its entry as it was', () => {
    for (const connector of [EVERYBODY, CLIENTS, EDGE]) {
      const { record: _record, ...read } = receiveConnectorView.fromEntry(
        receiveConnectorView.toEntry(connector, 'CN=x'),
      );
      expect(read).toEqual(connector);
    }
  });
});
