// How a client proves who it is, and what that makes it: members of the pair by certificate or SCRAM, mail users by password.
// What a session proved must still be on record whenever it counts.

import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Principal, ReceiveConnector } from '../directory/receive-connector.ts';
import type { Mailbox } from '../smtp/address.ts';
import { ExternalServer } from '../smtp/external.ts';
import { LoginServer } from '../smtp/login.ts';
import { PlainServer } from '../smtp/plain.ts';
import { REPLIES } from '../smtp/replies.ts';
import type { Reply } from '../smtp/reply.ts';
import type { PasswordCheck, SaslServer } from '../smtp/sasl.ts';
import { ScramServer } from '../smtp/scram-sha-256.ts';
import type { Offer, SmtpSession } from '../smtp/session-policy.ts';
import { recognisePeer } from '../trust/reception.ts';
import { verificationFault } from '../trust/verification.ts';
import { isOwnAddress, maySendAsAnybody, type Standing } from './accept.ts';
import type { Logins } from './logins.ts';
import type { Organisation, Peer } from './organisation.ts';
import type { Records } from './records.ts';

export interface ClientProofOptions {
  readonly clock: Clock;
  readonly organisation: () => Organisation;
  readonly records: Records;
  /** Keyed per server: makes stable salts for user names that do not exist. */
  readonly decoySecret: Buffer;
  /** On a Hub: the mail users who may log in. */
  readonly logins?: Logins | undefined;
}

const USER_MECHANISMS = ['PLAIN', 'LOGIN'] as const;
const isUserMechanism = (name: string | undefined): boolean => USER_MECHANISMS.some((known) => known === name);

export class ClientProof {
  readonly #options: ClientProofOptions;

  constructor(options: ClientProofOptions) {
    this.#options = options;
  }

  /** RFC 4954 §4. A password crosses in clear only where the connector says BasicAuth without BasicAuthRequireTLS. */
  mechanismsFor(
    session: SmtpSession,
    connector: ReceiveConnector,
  ): Required<Pick<Offer, 'mechanisms' | 'mechanismsUnderTls'>> {
    const forPeers = this.#peerMechanisms(session, connector);
    const { authMechanism, permissionGroups } = connector;
    const isForUsers =
      this.#options.logins && authMechanism.includes('BasicAuth') && permissionGroups.includes('ExchangeUsers');
    if (!isForUsers) return { mechanisms: forPeers, mechanismsUnderTls: [] };
    const needsTls = authMechanism.includes('BasicAuthRequireTLS');
    return {
      mechanisms: needsTls && !session.tls ? forPeers : [...forPeers, ...USER_MECHANISMS],
      mechanismsUnderTls: needsTls ? USER_MECHANISMS : [],
    };
  }

  /** A fresh exchange; undefined for a mechanism that there is not. */
  sasl(session: SmtpSession, connector: ReceiveConnector, mechanism: string): SaslServer | undefined {
    const { records, decoySecret } = this.#options;
    if (mechanism === 'EXTERNAL') {
      const server = new ExternalServer(this.#recognise(session)?.fqdn);
      return watchFailure(server, () => records.strangeCertificate(session));
    }
    if (mechanism === 'SCRAM-SHA-256') {
      const server = new ScramServer((user) => this.#verifierOf(user)?.verifier?.scram, decoySecret);
      return watchFailure(server, () => records.strangePassword(session, connector));
    }
    const server = this.#userServer(session, mechanism);
    return (
      server &&
      watchFailure(server, async () => {
        records.refusedLogin(session, connector, mechanism);
        // Whoever guesses waits for each answer; the session keeps its own count of them.
        await delay(connector.tarpitIntervalMs, undefined, { ref: false });
      })
    );
  }

  /** The member of the pair that the client proved to be. */
  peerOf(session: SmtpSession): Peer | undefined {
    if (!session.authentication) return undefined;
    const { mechanism, identity } = session.authentication;
    if (mechanism === 'SCRAM-SHA-256') return this.#verifierOf(identity);
    if (mechanism !== 'EXTERNAL') return undefined;
    const peer = this.#recognise(session);
    return peer?.fqdn === identity ? peer : undefined;
  }

  /**
   * What a client hears that proved to be a member of the pair by a certificate or password that is on record no longer. It comes
   * back and is judged anew; as the stranger that it has become its mail would be refused for good.
   */
  refuseLapsed(session: SmtpSession): Reply | undefined {
    const mechanism = session.authentication?.mechanism;
    const isOfPair = mechanism !== undefined && !isUserMechanism(mechanism);
    return isOfPair && this.peerOf(session) === undefined ? REPLIES.proofLapsed : undefined;
  }

  /** The address of the mail user who logged in. */
  userOf({ authentication }: SmtpSession): string | undefined {
    return isUserMechanism(authentication?.mechanism) ? authentication?.identity : undefined;
  }

  /** What the client has come to be at a connector. */
  standingOf(session: SmtpSession, connector: ReceiveConnector): Standing {
    const principal = this.principalOf(session);
    const isAsked = connector.domainSecureEnabled && principal === 'anonymous';
    const partnerOf = isAsked ? this.#partnerDomains(session) : [];
    return {
      connector,
      principal: partnerOf.length > 0 ? 'partner' : principal,
      isTls: session.tls !== undefined,
      partnerOf,
    };
  }

  /** Of TLSReceiveDomainSecureList what the client's certificate proves. */
  #partnerDomains({ tls }: SmtpSession): readonly string[] {
    const { clock, organisation } = this.#options;
    if (!tls) return [];
    const isProved = (listed: string): boolean =>
      verificationFault(tls, [listed.replace(/^\*\./, '')], clock.now()) === undefined;
    return organisation().transportConfig.tlsReceiveDomainSecureList.filter(isProved);
  }

  principalOf(session: SmtpSession): Principal {
    const peer = this.peerOf(session);
    if (peer) return peer.role === 'EdgeTransport' ? 'edge-transport-server' : 'hub-transport-server';
    return this.userOf(session) === undefined ? 'anonymous' : 'authenticated-user';
  }

  /** The mail user who logged in, where the connector lets a user write under addresses of its own alone. */
  boundUserOf(session: SmtpSession, connector: ReceiveConnector): string | undefined {
    const user = this.userOf(session);
    return user === undefined || maySendAsAnybody(this.standingOf(session, connector)) ? undefined : user;
  }

  /**
   * What a mail user hears who writes as these and may not. None is everybody's: receipts have the null reverse-path (RFC 8098 §3). Throws
   * Problem when the directory cannot be asked.
   */
  async refuseUser(user: string, senders: readonly Mailbox[]): Promise<Reply | undefined> {
    const addresses = await this.#options.logins?.addressesOf(user);
    // There is no such user any more.
    if (!addresses) return REPLIES.authRequired;
    return senders.every((sender) => isOwnAddress(sender, addresses)) ? undefined : REPLIES.senderDenied;
  }

  #userServer(session: SmtpSession, mechanism: string): SaslServer | undefined {
    const { logins } = this.#options;
    if (!logins || !isUserMechanism(mechanism)) return undefined;
    const check: PasswordCheck = async (user, password) => {
      const answer = await logins.check({ user, password, remoteAddress: session.remoteAddress });
      if (answer.kind === 'accepted') return { kind: 'success', identity: answer.identity };
      return { kind: answer.kind === 'busy' ? 'unavailable' : 'failure' };
    };
    return mechanism === 'PLAIN' ? new PlainServer(check) : new LoginServer(check);
  }

  /** Only a client that calls itself by a subscribed peer's name is offered the pair's mechanisms. */
  #peerMechanisms(session: SmtpSession, connector: ReceiveConnector): readonly string[] {
    const { peers } = this.#options.organisation();
    const isPeerName = peers.some((peer) => peer.fqdn.toLowerCase() === session.helo?.toLowerCase());
    if (!isPeerName || !connector.authMechanism.includes('ExchangeServer')) return [];
    return session.tls?.peerCertificate ? ['EXTERNAL', 'SCRAM-SHA-256'] : ['SCRAM-SHA-256'];
  }

  #verifierOf(user: string): Peer | undefined {
    return this.#options.organisation().peers.find((peer) => peer.verifier?.userName === user);
  }

  #recognise({ tls }: SmtpSession): Peer | undefined {
    return recognisePeer(tls, this.#options.organisation().peers, this.#options.clock.now());
  }
}

/** The same mechanism, which also says when it did not recognise the client, and answers after that. */
function watchFailure(server: SaslServer, onFailure: () => Promise<void> | void): SaslServer {
  return {
    mechanism: server.mechanism,
    step: async (response) => {
      const step = await server.step(response);
      if (step.kind === 'failure') await onFailure();
      return step;
    },
  };
}
