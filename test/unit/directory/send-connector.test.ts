import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddressSpace, parseAddressSpace, parseSmartHost } from '../../../src/directory/address-space.ts';
import {
  makeInboundSendConnector,
  makeInternetSendConnector,
  makeSendConnector,
  type SendConnector,
  sendConnectorView,
  SMART_HOST_AUTH_MECHANISMS,
} from '../../../src/directory/send-connector.ts';
import { TLS_VERBS } from '../../../src/directory/tls-settings.ts';
import { TLS_VERSIONS } from '../../../src/tls/tls-terms.ts';
import { validateSendConnector } from '../../../src/directory/send-connector-rules.ts';
import { SITE } from './fixtures.ts';

const PARENT = 'CN=Connections,CN=Configuration,DC=test';

describe('address space', () => {
  it.each([
    ['SMTP:*;100', 'SMTP:*;100'],
    ['*', 'SMTP:*;1'],
    ['smtp:*.Contoso.COM;5', 'SMTP:*.contoso.com;5'],
    ['contoso.com', 'SMTP:contoso.com;1'],
    ['SMTP:--;1', 'SMTP:--;1'],
    ['*.com', 'SMTP:*.com;1'],
    ['bücher.example', 'SMTP:xn--bcher-kva.example;1'],
  ])('reads %s as %s', (text, expected) => {
    expect(formatAddressSpace(parseAddressSpace(text))).toBe(expected);
  });

  it.each(['*contoso.com', 'SMTP:*;0', 'SMTP:*;101', 'X400:c=us;1', '', 'a b', 'contoso..com', '*.', 'SMTP:;1'])(
    'refuses %j',
    (text) => {
      expect(() => parseAddressSpace(text)).toThrow(expect.objectContaining({ code: 'bad-address-space' }));
    },
  );
});

describe('smart host', () => {
  it.each([
    ['Mail.Contoso.com', 'mail.contoso.com'],
    ['192.0.2.1', '[192.0.2.1]'],
    ['[192.0.2.1]', '[192.0.2.1]'],
    ['2001:DB8::1', '[2001:db8::1]'],
    ['[IPv6:2001:db8::1]', '[2001:db8::1]'],
    ['--', '--'],
    ['localhost', 'localhost'],
  ])('reads %s as %s', (text, expected) => {
    expect(parseSmartHost(text)).toBe(expected);
  });

  it.each(['', 'mail host', '[mail.contoso.com]', 'mail.contoso.com:25', '192.0.2.256', 'user@host'])(
    'refuses %j',
    (text) => {
      expect(() => parseSmartHost(text)).toThrow(expect.objectContaining({ code: 'bad-smart-host' }));
    },
  );
});

describe('Send connector', () => {
  it('has the defaults of Exchange 2007', () => {
    expect(makeSendConnector({ name: 'x' })).toMatchObject({
      dnsRoutingEnabled: true,
      port: 25,
      ignoreStartTls: false,
      requireTls: false,
      smtpMaxMessagesPerConnection: 20,
      connectionInactivityTimeoutMs: 600_000,
      maxMessageSizeBytes: 10_485_760,
      enabled: true,
    });
  });

  it('comes back from its entry as it was', () => {
    const host = fc.constantFrom('mail.contoso.com', '[192.0.2.1]', '[2001:db8::1]');
    const connector = fc.record({
      name: fc.string({ minLength: 1 }).filter((name) => name.trim() !== ''),
      smartHosts: fc.array(host),
      port: fc.integer({ min: 1, max: 65_535 }),
      smartHostAuthMechanism: fc.constantFrom(...SMART_HOST_AUTH_MECHANISMS),
      requireTls: fc.boolean(),
      tlsVerb: fc.constantFrom(...TLS_VERBS),
      tlsMinimumVersion: fc.constantFrom(...TLS_VERSIONS),
      tlsCipherSuites: fc.shuffledSubarray(['AES128-SHA', 'TLS_AES_128_GCM_SHA256', 'AES256-SHA']),
      maxMessageSizeBytes: fc.option(fc.integer({ min: 0, max: 2_147_483_647 }), { nil: undefined }),
      addressSpaces: fc.array(fc.constantFrom('*', '*.com', 'contoso.com').map(parseAddressSpace)),
      authenticationCredential: fc.option(
        fc.record({
          userName: fc.string({ minLength: 1, maxLength: 20 }),
          sealedPassword: fc.uint8Array().map((octets) => Buffer.from(octets)),
        }),
        { nil: undefined },
      ),
    });
    fc.assert(
      fc.property(connector, (given) => {
        const value: SendConnector = makeSendConnector(given);
        const { record, ...read } = sendConnectorView.fromEntry(
          sendConnectorView.toEntry({ ...value, name: 'x' }, PARENT),
        );
        expect(read).toEqual({ ...value, name: expect.anything() });
        expect(record.objectClasses).toEqual(['msExchRoutingSMTPConnector']);
      }),
    );
  });

  it('names the entry and the attribute that cannot be read', () => {
    const entry = sendConnectorView.toEntry(makeSendConnector({ name: 'x' }), PARENT);
    const attributes = new Map(entry.attributes).set('msExchSmtpSendRequireTLS', [Buffer.from('maybe')]);
    expect(() => sendConnectorView.fromEntry({ dn: entry.dn, attributes })).toThrow(
      expect.objectContaining({
        code: 'object-unreadable',
        message: expect.stringMatching(/CN=x,.*msExchSmtpSendRequireTLS/),
      }),
    );
  });

  it('makes the two connectors of a subscription as Exchange does', () => {
    expect(makeInternetSendConnector(SITE, 'EDGE01')).toMatchObject({
      name: `EdgeSync - ${SITE} to Internet`,
      addressSpaces: [{ type: 'SMTP', space: '*', cost: 100 }],
      dnsRoutingEnabled: true,
      domainSecureEnabled: true,
      smartHosts: [],
    });
    const inbound = makeInboundSendConnector(SITE, 'EDGE01');
    expect(inbound).toMatchObject({
      name: `EdgeSync - Inbound to ${SITE}`,
      addressSpaces: [{ type: 'SMTP', space: '--', cost: 1 }],
      smartHosts: ['--'],
      dnsRoutingEnabled: false,
      smartHostAuthMechanism: 'ExchangeServer',
    });
    expect(inbound.maxMessageSizeBytes).toBeUndefined();
    for (const connector of [inbound, makeInternetSendConnector(SITE, 'EDGE01')]) {
      expect(() => validateSendConnector(connector, { isSourcedOnEdge: true })).not.toThrow();
    }
  });
});

describe('Send connector rules', () => {
  const valid = makeSendConnector({
    name: 'out',
    addressSpaces: [parseAddressSpace('*')],
    smartHosts: ['mail.contoso.com'],
  });
  const routed = makeSendConnector({ name: 'out', addressSpaces: [parseAddressSpace('*')] });

  it('lets a sound connector pass', () => {
    expect(() => validateSendConnector(valid, { isSourcedOnEdge: false })).not.toThrow();
    expect(() => validateSendConnector(routed, { isSourcedOnEdge: false })).not.toThrow();
  });

  it.each<[string, SendConnector, RegExp]>([
    ['RequireTLS with IgnoreSTARTTLS', { ...valid, requireTls: true, ignoreStartTls: true }, /contradict/],
    ['DNS routing with smart hosts', { ...valid, dnsRoutingEnabled: true }, /exclude each other/],
    ['neither DNS routing nor smart hosts', { ...valid, smartHosts: [] }, /needs SmartHosts/],
    ['domain security without DNS routing', { ...valid, domainSecureEnabled: true }, /needs DNSRoutingEnabled/],
    [
      'domain security with IgnoreSTARTTLS',
      { ...routed, domainSecureEnabled: true, ignoreStartTls: true },
      /contradict/,
    ],
    [
      '-- as address space on a hub',
      { ...valid, addressSpaces: [parseAddressSpace('--')] },
      /only for a connector whose sources are Edge/,
    ],
    ['-- as smart host on a hub', { ...valid, smartHosts: ['--'] }, /only for a connector whose sources are Edge/],
    ['no address space', { ...valid, addressSpaces: [] }, /at least one address space/],
    ['X-ANONYMOUSTLS towards strangers', { ...valid, tlsVerb: 'XAnonymousTls' }, /only for the connector to "--"/],
    ['a suite that is none', { ...valid, tlsCipherSuites: ['RC5'] }, /no suite "RC5"/],
    [
      'TLS 1.3 without a suite of it',
      { ...valid, tlsMinimumVersion: 'Tls13', tlsCipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'] },
      /needs a suite of TLS 1\.3/,
    ],
    ['port 0', { ...valid, port: 0 }, /Port/],
    ['port 65536', { ...valid, port: 65_536 }, /Port/],
    ['a source address that is none', { ...valid, sourceIpAddress: 'here' }, /SourceIPAddress/],
    ['a time-out of a second short', { ...valid, connectionInactivityTimeoutMs: 999 }, /ConnectionInactivityTimeOut/],
    ['an FQDN that is none', { ...valid, fqdn: 'no name' }, /Fqdn/],
    [
      'basic authentication without a credential',
      { ...valid, smartHostAuthMechanism: 'BasicAuth' },
      /AuthenticationCredential/,
    ],
    ['a size beyond what Exchange takes', { ...valid, maxMessageSizeBytes: 2 ** 31 }, /MaxMessageSize/],
    ['a name of several lines', { ...valid, name: 'a\nb' }, /name/],
  ])('refuses %s', (_what, connector, sentence) => {
    expect(() => validateSendConnector(connector, { isSourcedOnEdge: false })).toThrow(
      expect.objectContaining({ code: 'bad-send-connector', message: expect.stringMatching(sentence) }),
    );
  });

  it('refuses a cost that no address space can have', () => {
    const connector = { ...valid, addressSpaces: [{ type: 'SMTP', space: '*', cost: 101 } as const] };
    expect(() => validateSendConnector(connector, { isSourcedOnEdge: false })).toThrow(
      expect.objectContaining({ code: 'bad-address-space' }),
    );
  });
});
