import { describe, expect, it } from 'vitest';
import type { AuthMechanism, ReceiveConnector } from '../../../src/directory/receive-connector.ts';
import type { LoginAnswer } from '../../../src/directory/user-logins.ts';
import { parseMailbox } from '../../../src/smtp/address.ts';
import { REPLIES } from '../../../src/smtp/replies.ts';
import { deriveScramVerifier } from '../../../src/smtp/scram-verifier.ts';
import type { SmtpSession } from '../../../src/smtp/session-policy.ts';
import type { TlsSession } from '../../../src/tls/tls-session.ts';
import { ClientProof } from '../../../src/transport/client-proof.ts';
import type { Records } from '../../../src/transport/records.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { makeOrganisation, makePeer, receiveConnector } from './organisation-fixtures.ts';

const PAIR = ['SCRAM-SHA-256'];
const USERS = ['PLAIN', 'LOGIN'];

function clientConnector(...authMechanism: AuthMechanism[]): ReceiveConnector {
  return receiveConnector({ authMechanism, permissionGroups: ['ExchangeUsers'], tarpitIntervalMs: 0 });
}

function sessionOf(given: Partial<SmtpSession> = {}): SmtpSession {
  return { helo: 'client.test', remoteAddress: '192.0.2.1', ...given } as SmtpSession;
}

function proofOf(answer: LoginAnswer = { kind: 'refused' }, addresses?: readonly string[]) {
  const refused: string[] = [];
  const asked: string[] = [];
  const proof = new ClientProof({
    clock: new HandClock(new Date()),
    organisation: () =>
      makeOrganisation({
        peers: [makePeer('edge01.test', { verifier: { userName: 'ed', scram: deriveScramVerifier('pw') } })],
      }),
    records: { refusedLogin: (_session, _connector, mechanism) => refused.push(mechanism) } as Pick<
      Records,
      'refusedLogin'
    > as Records,
    decoySecret: Buffer.alloc(32),
    logins: {
      check: async ({ user, password, remoteAddress }) => {
        asked.push(`${user} ${password} ${remoteAddress}`);
        return answer;
      },
      addressesOf: async () => addresses,
    },
  });
  return { proof, refused, asked };
}

const tls = {} as TlsSession;

describe('what a client may prove itself by', () => {
  it.each<[string, AuthMechanism[], Partial<SmtpSession>, readonly string[], readonly string[]]>([
    ['in TLS where passwords need it', ['Tls', 'BasicAuth', 'BasicAuthRequireTLS'], { tls }, USERS, USERS],
    ['in clear there', ['Tls', 'BasicAuth', 'BasicAuthRequireTLS'], {}, [], USERS],
    ['in clear where they do not', ['BasicAuth'], {}, USERS, []],
    ['where there are no passwords', ['Tls'], { tls }, [], []],
    [
      'a member of the pair where both are',
      ['Tls', 'BasicAuth', 'BasicAuthRequireTLS', 'ExchangeServer'],
      { tls, helo: 'edge01.test' },
      [...PAIR, ...USERS],
      USERS,
    ],
  ])('%s', (_what, mechanisms, session, offered, underTls) => {
    expect(proofOf().proof.mechanismsFor(sessionOf(session), clientConnector(...mechanisms))).toEqual({
      mechanisms: offered,
      mechanismsUnderTls: underTls,
    });
  });

  it('is no password where the connector is not for users', () => {
    const connector = { ...clientConnector('BasicAuth'), permissionGroups: ['AnonymousUsers'] as const };
    expect(proofOf().proof.mechanismsFor(sessionOf(), connector).mechanisms).toEqual([]);
  });
});

describe('a log-in', () => {
  const connector = clientConnector('BasicAuth');
  const PLAIN = Buffer.from('\0ed@contoso.test\0secret');

  it('succeeds as who the user is on record', async () => {
    const { proof, refused, asked } = proofOf({ kind: 'accepted', identity: 'ed@contoso.test' });
    const step = await proof.sasl(sessionOf(), connector, 'PLAIN')?.step(PLAIN);
    expect(step).toEqual({ kind: 'success', identity: 'ed@contoso.test' });
    expect([asked, refused]).toEqual([['ed@contoso.test secret 192.0.2.1'], []]);
  });

  it('fails with an event, and cannot be told now without one', async () => {
    const { proof, refused } = proofOf();
    expect(await proof.sasl(sessionOf(), connector, 'PLAIN')?.step(PLAIN)).toEqual({ kind: 'failure' });
    expect(refused).toEqual(['PLAIN']);
    const busy = proofOf({ kind: 'busy' });
    expect(await busy.proof.sasl(sessionOf(), connector, 'PLAIN')?.step(PLAIN)).toEqual({ kind: 'unavailable' });
    expect(busy.refused).toEqual([]);
  });

  it('makes a user of the organisation, never a member of the pair that has the same name', () => {
    const { proof } = proofOf();
    const as = (mechanism: string) => sessionOf({ authentication: { mechanism, identity: 'ed' } });
    expect(USERS.map((mechanism) => proof.principalOf(as(mechanism)))).toEqual([
      'authenticated-user',
      'authenticated-user',
    ]);
    expect(proof.principalOf(as('SCRAM-SHA-256'))).toBe('edge-transport-server');
    expect(proof.peerOf(as('PLAIN'))).toBeUndefined();
    expect(proof.principalOf(sessionOf())).toBe('anonymous');
  });

  it.each([
    ['an address of its own', 'ED@contoso.test', ['ed@contoso.test'], undefined],
    ['another of them', 'meadows@contoso.test', ['ed@contoso.test', 'meadows@contoso.test'], undefined],
    ['the null reverse-path', '', ['ed@contoso.test'], undefined],
    ['one of its own and somebody else', 'ed@contoso.test,jo@contoso.test', ['ed@contoso.test'], REPLIES.senderDenied],
    ["somebody else's", 'jo@contoso.test', ['ed@contoso.test'], REPLIES.senderDenied],
    ['anything once the user is gone', 'ed@contoso.test', undefined, REPLIES.authRequired],
  ])('is judged as a sender: %s', async (_what, sender, addresses, expected) => {
    const { proof } = proofOf({ kind: 'refused' }, addresses);
    const senders = sender.split(',').flatMap((each) => parseMailbox(each) ?? []);
    expect(await proof.refuseUser('ed@contoso.test', senders)).toBe(expected);
  });
});
