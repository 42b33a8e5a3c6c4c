import { describe, expect, it } from 'vitest';
import type { PermissionGroup } from '../../../src/directory/receive-connector.ts';
import { parseMailbox } from '../../../src/smtp/address.ts';
import { REPLIES } from '../../../src/smtp/replies.ts';
import { mustBeKnown, refuseRecipient, refuseSender, type Standing } from '../../../src/transport/accept.ts';
import { DEFAULT_TRANSPORT_CONFIG } from '../../../src/directory/transport-config.ts';
import { accepted, makeOrganisation, receiveConnector } from './organisation-fixtures.ts';

const DOMAINS = [accepted('contoso.test'), accepted('tree.test', { matchSubDomains: true })];

interface Given {
  principal?: Standing['principal'];
  groups?: readonly PermissionGroup[];
  connector?: Parameters<typeof receiveConnector>[0];
  isTls?: boolean;
  partnerOf?: readonly string[];
}

function standing({
  principal = 'anonymous',
  groups = ['AnonymousUsers', 'ExchangeServers'],
  connector,
  isTls = false,
  partnerOf = [],
}: Given): Standing {
  const chosen = receiveConnector({ authMechanism: ['Tls', 'ExchangeServer'], permissionGroups: groups, ...connector });
  return { connector: chosen, principal, isTls, partnerOf };
}

function mailbox(address: string) {
  const parsed = parseMailbox(address);
  if (!parsed) throw new Error(`${address} is no address`);
  return parsed;
}

describe('mustBeKnown', () => {
  const domains = [
    ...DOMAINS,
    accepted('sub.tree.test', { domainType: 'InternalRelay' }),
    accepted('relay.test', { domainType: 'InternalRelay' }),
    accepted('outside.test', { domainType: 'ExternalRelay' }),
  ];

  it.each<[string, Given, string, boolean]>([
    ['a stranger’s recipient in an authoritative domain', {}, 'a@contoso.test', true],
    ['one in a subdomain that is accepted with it', {}, 'a@deep.tree.test', true],
    ['one in a subdomain that is a relay domain of its own', {}, 'a@sub.tree.test', false],
    ['one in an internal relay domain', {}, 'a@relay.test', false],
    ['one in an external relay domain', {}, 'a@outside.test', false],
    ['one in no accepted domain', {}, 'a@elsewhere.test', false],
    ['postmaster', {}, 'PostMaster@contoso.test', false],
    ['a hub’s recipient', { principal: 'hub-transport-server' }, 'a@contoso.test', false],
  ])('%s', (_what, given, address, expected) => {
    expect(mustBeKnown(standing(given), mailbox(address), domains)).toBe(expected);
  });

  it('a bare postmaster', () => {
    const bare = { localPart: 'Postmaster', domain: '', text: 'Postmaster' };
    expect(mustBeKnown(standing({}), bare, domains)).toBe(false);
  });
});

describe('refuseSender', () => {
  it.each<[string, Given, number | undefined, keyof typeof REPLIES | undefined]>([
    ['a stranger where strangers are welcome', {}, undefined, undefined],
    ['a stranger where only servers are', { groups: ['ExchangeServers'] }, undefined, 'authRequired'],
    [
      'a subscribed Edge there',
      { groups: ['ExchangeServers'], principal: 'edge-transport-server' },
      undefined,
      undefined,
    ],
    ['a hub there', { groups: ['ExchangeServers'], principal: 'hub-transport-server' }, undefined, undefined],
    ['a message as large as may be', { connector: { maxMessageSizeBytes: 1000 } }, 1000, undefined],
    ['a larger one', { connector: { maxMessageSizeBytes: 1000 } }, 1001, 'messageTooLarge'],
    [
      'a larger one of a hub',
      { connector: { maxMessageSizeBytes: 1000 }, principal: 'hub-transport-server' },
      1001,
      undefined,
    ],
    ['anybody in clear where TLS is required', { connector: { requireTls: true } }, undefined, 'tlsRequired'],
    [
      'a server in clear where TLS is required',
      { connector: { requireTls: true }, principal: 'hub-transport-server' },
      undefined,
      'tlsRequired',
    ],
    ['a stranger in TLS where it is required', { connector: { requireTls: true }, isTls: true }, undefined, undefined],
    [
      'a stranger in clear with no right either',
      { connector: { requireTls: true }, groups: [] },
      undefined,
      'tlsRequired',
    ],
  ])('answers %s', (_, given, sizeBytes, expected) => {
    const mail = { reversePath: mailbox('a@b.test'), ...(sizeBytes !== undefined && { sizeBytes }) };
    expect(refuseSender(standing(given), mail, makeOrganisation({ acceptedDomains: DOMAINS }))).toEqual(
      expected && REPLIES[expected],
    );
  });

  const NO_OWN_SENDERS: Given = {
    connector: { deniedRights: ['Ms-Exch-SMTP-Accept-Authoritative-Domain-Sender'] },
  };
  const NO_SENDERS: Given = { connector: { deniedRights: ['Ms-Exch-SMTP-Accept-Any-Sender'] } };
  const ORGANISATION = makeOrganisation({
    acceptedDomains: [...DOMAINS, accepted('relay.test', { domainType: 'InternalRelay' })],
  });

  it.each<[string, Given, string, boolean]>([
    ['a stranger as somebody of ours, by default', {}, 'a@contoso.test', true],
    ['the same where that right is denied', NO_OWN_SENDERS, 'a@contoso.test', false],
    ['in other letters', NO_OWN_SENDERS, 'A@CONTOSO.test', false],
    ['from a subdomain that is accepted with it', NO_OWN_SENDERS, 'a@deep.tree.test', false],
    ['from a subdomain that is not', NO_OWN_SENDERS, 'a@deep.contoso.test', true],
    ['from a relay domain', NO_OWN_SENDERS, 'a@relay.test', true],
    ['from elsewhere', NO_OWN_SENDERS, 'a@elsewhere.test', true],
    ['a report', NO_OWN_SENDERS, '', true],
    ['a hub of ours', { ...NO_OWN_SENDERS, principal: 'hub-transport-server' }, 'a@contoso.test', true],
    ['a stranger as anybody where that right is denied', NO_SENDERS, 'a@elsewhere.test', false],
    ['a report there', NO_SENDERS, '', true],
    ['a partner, who has no right to any name', { principal: 'partner', groups: ['Partners'] }, 'a@b.test', false],
  ])('%s, %3$s', (_, given, sender, isTaken) => {
    const reversePath = sender === '' ? undefined : mailbox(sender);
    const reply = refuseSender(standing(given), { reversePath }, ORGANISATION);
    expect(reply).toEqual(isTaken ? undefined : REPLIES.anonymousSenderDenied);
  });
});

describe('domain security at MAIL', () => {
  const LISTED = makeOrganisation({
    acceptedDomains: DOMAINS,
    transportConfig: { ...DEFAULT_TRANSPORT_CONFIG, tlsReceiveDomainSecureList: ['woodgrove.test', '*.tailspin.test'] },
  });
  const SECURE: Given = { connector: { domainSecureEnabled: true }, isTls: true };
  const PARTNER: Given = { ...SECURE, principal: 'partner', partnerOf: ['woodgrove.test'] };

  it.each<[string, Given, string, keyof typeof REPLIES | undefined]>([
    ['a stranger from a listed domain', SECURE, 'a@woodgrove.test', 'domainUnproven'],
    ['in other letters', SECURE, 'a@WoodGrove.test', 'domainUnproven'],
    ['from one below a listed domain', SECURE, 'a@eu.tailspin.test', 'domainUnproven'],
    ['from the domain above a wildcard', SECURE, 'a@tailspin.test', undefined],
    ['from elsewhere', SECURE, 'a@elsewhere.test', undefined],
    ['a report', SECURE, '', undefined],
    ['where the connector has no domain security', {}, 'a@woodgrove.test', undefined],
    ['a partner from its own domain', PARTNER, 'a@woodgrove.test', undefined],
    ['a partner from the domain of another', PARTNER, 'a@eu.tailspin.test', 'domainUnproven'],
    ['a partner where partners alone may send', { ...PARTNER, groups: ['Partners'] }, 'a@woodgrove.test', undefined],
    [
      'the same from a domain that it does not prove',
      { ...PARTNER, groups: ['Partners'] },
      'a@elsewhere.test',
      'anonymousSenderDenied',
    ],
    ['a stranger there', { ...SECURE, groups: ['Partners'] }, 'a@elsewhere.test', 'authRequired'],
    ['a hub of ours', { ...SECURE, principal: 'hub-transport-server' }, 'a@woodgrove.test', undefined],
    [
      'a mail user',
      { ...SECURE, principal: 'authenticated-user', groups: ['ExchangeUsers'] },
      'a@woodgrove.test',
      undefined,
    ],
  ])('%s, %3$s', (_, given, sender, expected) => {
    const reversePath = sender === '' ? undefined : mailbox(sender);
    expect(refuseSender(standing(given), { reversePath }, LISTED)).toEqual(expected && REPLIES[expected]);
  });
});

describe('refuseRecipient', () => {
  it.each([
    ['a@contoso.test', undefined],
    ['a@CONTOSO.test', undefined],
    ['a@deep.tree.test', undefined],
    ['a@deep.contoso.test', 'relayDenied'],
    ['a@example.com', 'relayDenied'],
    ['a@[192.0.2.1]', 'relayDenied'],
    ['a%example.com@contoso.test', 'relayDenied'],
    ['example.com!a@contoso.test', 'relayDenied'],
    ['"a@example.com"@contoso.test', 'relayDenied'],
    ['"a@b:c"@contoso.test', 'relayDenied'],
    ['"a b"@contoso.test', undefined],
    ['a+tag@contoso.test', undefined],
  ] as const)('answers a stranger about %s', (address, expected) => {
    expect(refuseRecipient(standing({}), mailbox(address), DOMAINS)).toEqual(expected && REPLIES[expected]);
  });

  it.each(['a@example.com', 'a%example.com@contoso.test', 'a@[192.0.2.1]'])(
    'lets a server of the organisation send to %s',
    (address) => {
      expect(
        refuseRecipient(standing({ principal: 'edge-transport-server' }), mailbox(address), DOMAINS),
      ).toBeUndefined();
    },
  );

  it('lets a stranger send anywhere where the connector says so', () => {
    const given: Given = { connector: { extendedRights: ['Ms-Exch-SMTP-Accept-Any-Recipient'] } };
    expect(refuseRecipient(standing(given), mailbox('a@example.com'), DOMAINS)).toBeUndefined();
  });

  it('takes mail for the bare Postmaster wherever there is a domain', () => {
    const postmaster = { localPart: 'Postmaster', domain: '', text: 'Postmaster' };
    expect(refuseRecipient(standing({}), postmaster, DOMAINS)).toBeUndefined();
    expect(refuseRecipient(standing({}), postmaster, [])).toBe(REPLIES.relayDenied);
  });
});
