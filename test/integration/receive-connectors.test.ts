// Several Receive connectors of one server: which of them a client falls to is a matter of where it comes in and of the most
// specific range around its address, and what it may do there of that connector alone. Then the verdicts in their order.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { Servers } from '../helpers/servers.ts';
import { Conversation } from '../helpers/submit.ts';

const DEFAULT = 'Default internal receive connector EDGE01';
const OK = '250 2.1.5 Recipient OK';
const RELAY_DENIED = '550 5.7.1 Unable to relay';
const NOT_AUTHENTICATED = '530 5.7.1 Client was not authenticated';
const TLS_FIRST = '530 5.7.0 Must issue a STARTTLS command first';

let servers: Servers;
let ports: { first: number; second: number };

beforeAll(async () => {
  ports = { first: await freePort(), second: await freePort() };
  servers = await Servers.prepare({
    edgeExtra: {
      listen: {
        smtp: [`127.0.0.1:${ports.first}`, `127.0.0.1:${ports.second}`],
        ldaps: `127.0.0.1:${await freePort()}`,
      },
    },
  });
  await servers.start('edge');
  const ask = (cmdlet: string, parameters: Record<string, string>) => servers.ask('edge', cmdlet, parameters);
  await ask('New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
  await ask('Set-ReceiveConnector', { Identity: DEFAULT, RemoteIPRanges: '127.0.0.0/16', TarpitInterval: '0s' });
  const make = (Name: string, RemoteIPRanges: string, given: Record<string, string>) =>
    ask('New-ReceiveConnector', { Name, RemoteIPRanges, TarpitInterval: '0s', ...given });
  await make('Servers alone', '127.0.0.8/29', { PermissionGroups: 'ExchangeServers' });
  await make('A relay among them', '127.0.0.10-127.0.0.11', {
    PermissionGroups: 'AnonymousUsers',
    ExtendedRights: 'Ms-Exch-SMTP-Accept-Any-Recipient',
    DeniedRights: 'Ms-Exch-SMTP-Accept-Authoritative-Domain-Sender',
  });
  await make('One of those', '127.0.0.11', { PermissionGroups: 'AnonymousUsers', Banner: '220 the narrowest' });
  await make('Second port', '127.0.0.1', {
    Bindings: `127.0.0.1:${ports.second}`,
    PermissionGroups: 'AnonymousUsers',
    RequireTLS: '$true',
  });
  await ask('Set-RecipientFilterConfig', { RecipientValidationEnabled: '$true' });
}, 180_000);

afterAll(() => servers?.[Symbol.asyncDispose]());

/** A conversation from this address, line by line, until the first refusal; the greeting comes first. */
async function talk(from: string, port: number, ...lines: string[]): Promise<string[]> {
  const conversation = await Conversation.open(port, '127.0.0.1', from);
  try {
    const replies = [await conversation.reply()];
    for (const line of lines) {
      if (!/^[23]/.test(replies.at(-1) ?? '')) break;
      replies.push(await conversation.say(line));
    }
    return replies;
  } finally {
    conversation.close();
  }
}

const TO_ELSEWHERE = ['EHLO client.test', 'MAIL FROM:<a@b.test>', 'RCPT TO:<c@elsewhere.test>'];

describe('the connector of the most specific range', () => {
  it.each([
    ['the connector for everybody', '127.0.0.1', RELAY_DENIED],
    ['the last address in front of a narrower range', '127.0.0.7', RELAY_DENIED],
    ['a range within it', '127.0.0.8', NOT_AUTHENTICATED],
    ['a range within that', '127.0.0.10', OK],
    ['one address within that', '127.0.0.11', RELAY_DENIED],
    ['the end of the range', '127.0.0.15', NOT_AUTHENTICATED],
    ['the first address behind it', '127.0.0.16', RELAY_DENIED],
  ])('serves a client in %s, %s: %s', async (_, from, last) => {
    expect((await talk(from, ports.first, ...TO_ELSEWHERE)).at(-1)).toBe(last);
  });

  it('greets with the banner of its own', async () => {
    expect(await talk('127.0.0.11', ports.first)).toEqual(['220 the narrowest']);
  });

  it('serves at its own binding alone', async () => {
    expect((await talk('127.0.0.1', ports.second, ...TO_ELSEWHERE)).at(-1)).toBe(TLS_FIRST);
    expect((await talk('127.0.0.1', ports.first, ...TO_ELSEWHERE)).at(-1)).toBe(RELAY_DENIED);
    expect((await talk('127.0.0.10', ports.second, ...TO_ELSEWHERE)).at(-1)).toBe(OK);
  });

  it('refuses the connection of whom none is for', async () => {
    expect(await talk('127.1.0.1', ports.first)).toEqual(['554 5.7.1 Connection refused']);
  });

  it('is another as soon as it was set', async () => {
    await servers.ask('edge', 'Set-ReceiveConnector', { Identity: 'Servers alone', Enabled: '$false' });
    expect((await talk('127.0.0.8', ports.first, ...TO_ELSEWHERE)).at(-1)).toBe(RELAY_DENIED);
    await servers.ask('edge', 'Set-ReceiveConnector', { Identity: 'Servers alone', Enabled: '$true' });
    expect((await talk('127.0.0.8', ports.first, ...TO_ELSEWHERE)).at(-1)).toBe(NOT_AUTHENTICATED);
  });
});

describe('the verdicts in their order', () => {
  const refusals = async (from: string, port: number, command: string, ...before: string[]): Promise<string> =>
    (await talk(from, port, 'EHLO client.test', ...before, command)).at(-1) ?? '';

  it.each<[string, string, keyof typeof ports, string, string]>([
    ['grammar', '127.0.0.8', 'first', '<a@b.test', '501 5.1.7 Invalid sender address'],
    ['a parameter nobody knows', '127.0.0.8', 'first', '<a@b.test> X=1', '555 5.5.4 Unsupported option'],
    [
      'a size beyond the offer',
      '127.0.0.8',
      'first',
      '<a@b.test> SIZE=99999999999',
      '552 5.3.4 Message size exceeds fixed maximum message size',
    ],
    ['TLS where it is required', '127.0.0.1', 'second', '<a@b.test>', TLS_FIRST],
    ['the right to submit', '127.0.0.8', 'first', '<a@b.test>', NOT_AUTHENTICATED],
    [
      'the right to this sender, and not by the size of what it sends',
      '127.0.0.10',
      'first',
      '<a@contoso.test> SIZE=10485760',
      '550 5.7.1 Anonymous client does not have permission to send as this sender',
    ],
    ['nothing, for a sender from elsewhere', '127.0.0.10', 'first', '<a@elsewhere.test>', '250 2.1.0 Sender OK'],
    ['nothing, for the null path', '127.0.0.10', 'first', '<>', '250 2.1.0 Sender OK'],
    ['nothing', '127.0.0.1', 'first', '<a@contoso.test>', '250 2.1.0 Sender OK'],
  ])('of MAIL: %s', async (_, from, port, path, expected) => {
    expect(await refusals(from, ports[port], `MAIL FROM:${path}`)).toBe(expected);
  });

  it.each([
    ['grammar', '<a@elsewhere.test', '501 5.1.3 Invalid recipient address'],
    ['a parameter nobody knows', '<a@elsewhere.test> X=1', '555 5.5.4 Unsupported option'],
    ['relaying, for a recipient that nobody could know', '<a@elsewhere.test>', RELAY_DENIED],
    ['relaying by a hidden route, for one that is not known either', '<a%elsewhere.test@contoso.test>', RELAY_DENIED],
    [
      'who is known, which this Edge was not told yet',
      '<nobody@contoso.test>',
      '451 4.4.3 Recipient lookup failed. Please try again later',
    ],
    ['nothing, for postmaster', '<postmaster@contoso.test>', OK],
    ['nothing, for the bare one', '<Postmaster>', OK],
  ])('of RCPT: %s', async (_, path, expected) => {
    expect(await refusals('127.0.0.1', ports.first, `RCPT TO:${path}`, 'MAIL FROM:<a@b.test>')).toBe(expected);
  });
});
