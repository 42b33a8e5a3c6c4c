// Opens one SMTP connection as trust/ demands: requirement first, then the dial, then the verdict, then who we are. Obeys
// and never decides: falling back to plaintext happens here only because a verdict says so. RFC 3207, RFC 4954.

import type { CapturedSession, OpenTap } from '../capture/tap.ts';
import { formatEndpoint } from '../config.ts';
import { DEFAULT_TLS_SETTINGS, type TlsSettings } from '../directory/tls-settings.ts';
import type { Log } from '../log.ts';
import { ExternalClient } from '../smtp/external.ts';
import type { SaslClient } from '../smtp/sasl.ts';
import { ScramClient } from '../smtp/scram-sha-256.ts';
import { type DialOptions, type DialResult, dial, type SenderSession, type TlsAttempt } from '../smtp/sender.ts';
import type { TlsVerb } from '../smtp/tls-verb.ts';
import type { KeyPair } from '../tls/certificate-store.ts';
import { DEFAULT_TLS_TERMS, describeWeakness, type TlsTerms } from '../tls/tls-terms.ts';
import { describeTls, protectionOf, type StartTlsFacts } from '../tracking/decision-card.ts';
import { type AuthenticationOutcome, judgeAuthentication } from '../trust/authentication.ts';
import { judge, requirementFor } from '../trust/policies.ts';
import { explainReason } from '../trust/reasons.ts';
import type {
  Mechanism,
  Outcome,
  Requirement,
  StartTlsStance,
  TlsDemand,
  TrustedPeer,
  TrustSettings,
  Verdict,
} from '../trust/tls-policy.ts';
import { factsWithoutPeer, formatReply, type HopFacts } from './hop.ts';
import type { Address } from './next-hop.ts';
import type { Peer } from './organisation.ts';

export interface SmtpHopOptions {
  readonly address: Address;
  readonly stance: StartTlsStance;
  readonly demand?: TlsDemand | undefined;
  /** Whom a stranger's certificate must name where the demand is for a verified one. */
  readonly names: readonly string[];
  /** A member of the pair; undefined for a stranger. */
  readonly peer: Peer | undefined;
  readonly connector: string;
  /** What the connector says about TLS; the defaults when absent. */
  readonly tls?: TlsSettings | undefined;
  /** Where the connection comes from; the system chooses when absent. */
  readonly sourceAddress?: string | undefined;
  /** EHLO name. */
  readonly name: string;
  readonly own: KeyPair | undefined;
  readonly settings: TrustSettings;
  readonly now: () => Date;
  readonly hasWaited: boolean;
  readonly lmtp: boolean;
  /** Longest wait for a TLS handshake, in milliseconds of real time. */
  readonly handshakeTimeoutMs: number;
  readonly log: Log;
  readonly tap?: OpenTap | undefined;
}

export type OpenedSmtp =
  | { readonly kind: 'ready'; readonly session: SenderSession; readonly facts: HopFacts }
  | {
      /** `refused`: this server will not do for the messages, however long they wait. */
      readonly kind: 'deferred' | 'refused';
      readonly facts: HopFacts;
      readonly reply: string;
      readonly isReachable: boolean;
    };

/** Dials one address and brings the session to where MAIL FROM may be said, or says why not. */
export async function openSmtpHop(options: SmtpHopOptions): Promise<OpenedSmtp> {
  const requirement = requirementFor(
    {
      purpose: 'mail',
      stance: options.stance,
      demand: options.demand,
      names: options.names,
      peer: options.peer && trustedPart(options.peer),
      own: options.peer ? options.own?.certificate : undefined,
      settings: options.settings,
    },
    options.now(),
  );
  if (requirement.startTls === 'hold') return holdBack(options, requirement);
  const first = await dial(dialOptions(options, requirement.startTls));
  return judgeDial(options, requirement, first);
}

/** Of a peer what trust/ asks for; no password. */
function trustedPart({ fqdn, certificate, others }: Peer): TrustedPeer {
  return { fqdn, certificate, others };
}

function dialOptions(options: SmtpHopOptions, startTls: 'never' | 'attempt'): DialOptions {
  return {
    host: options.address.host,
    port: options.address.port,
    servername: options.address.name,
    name: options.name,
    startTls,
    tlsVerbs: verbsFor(options),
    tlsTerms: termsFor(options),
    lmtp: options.lmtp,
    timeouts: { tlsMs: options.handshakeTimeoutMs },
    log: options.log,
    ...(options.tap && { tap: options.tap }),
    ...(options.sourceAddress !== undefined && { localAddress: options.sourceAddress }),
    ...(knowsUs(options) && options.own && { clientCertificate: options.own }),
  };
}

/** Only a member of the pair learns which certificate is ours, and an organisation that domain security was agreed on with. */
function knowsUs({ peer, stance }: SmtpHopOptions): boolean {
  return peer !== undefined || stance === 'domain-secure';
}

/** Whoever demands TLS is not served with one that can be broken, whatever the connector allows. */
export function termsFor({ tls = DEFAULT_TLS_SETTINGS, demand }: Pick<SmtpHopOptions, 'tls' | 'demand'>): TlsTerms {
  const isStrict = demand === 'requiretls' || demand === 'requiretls-report';
  return isStrict && describeWeakness(tls) !== undefined ? DEFAULT_TLS_TERMS : tls;
}

/** Exchange's verb is between members of the pair alone; a member that does not offer it has STARTTLS, judged alike. */
export function verbsFor({ peer, tls }: Pick<SmtpHopOptions, 'peer' | 'tls'>): readonly TlsVerb[] {
  return peer && tls?.tlsVerb === 'XAnonymousTls' ? ['X-ANONYMOUSTLS', 'STARTTLS'] : ['STARTTLS'];
}

function holdBack(options: SmtpHopOptions, requirement: Requirement): OpenedSmtp {
  const verdict = judge(requirement, { kind: 'not-attempted' }, momentOf(options));
  return turnedAway(options, { requirement, verdict, attempt: { kind: 'not-attempted' } });
}

function momentOf(options: SmtpHopOptions): { now: Date; hasWaited: boolean } {
  return { now: options.now(), hasWaited: options.hasWaited };
}

/** What was learned on the way, for the card. */
interface Course {
  readonly requirement: Requirement;
  readonly verdict: Verdict;
  readonly attempt: TlsAttempt;
  readonly authentication?: {
    readonly mechanism: Mechanism;
    readonly identity?: string;
    readonly result: AuthenticationOutcome;
  };
  readonly captures?: readonly CapturedSession[];
}

function capturesOf(result: DialResult): readonly CapturedSession[] {
  const { capture } = result.kind === 'failed' ? result : result.session;
  return capture ? [capture] : [];
}

async function judgeDial(options: SmtpHopOptions, requirement: Requirement, result: DialResult): Promise<OpenedSmtp> {
  if (result.kind === 'failed' && result.phase !== 'starttls') return unreachable(options, requirement, result);
  const attempt = result.kind === 'failed' ? result.tls : result.session.tls;
  const offersRequireTls = result.kind === 'connected' && result.session.capabilities.has('REQUIRETLS');
  const verdict = judge(requirement, outcomeOf(requirement, attempt, offersRequireTls), momentOf(options));
  const course: Course = { requirement, verdict, attempt, captures: capturesOf(result) };
  if (verdict.action === 'proceed' && result.kind === 'connected') return authenticate(options, result.session, course);
  if (result.kind === 'connected') await result.session.quit();
  return verdict.action === 'reconnect-in-clear' ? reconnect(options, course) : turnedAway(options, course);
}

function outcomeOf(requirement: Requirement, attempt: TlsAttempt, offersRequireTls: boolean): Outcome {
  if (requirement.startTls !== 'attempt') return { kind: 'not-attempted' };
  return attempt.kind === 'established' ? { ...attempt, offersRequireTls } : attempt;
}

async function reconnect(options: SmtpHopOptions, course: Course): Promise<OpenedSmtp> {
  const second = await dial(dialOptions(options, 'never'));
  const captures = [...(course.captures ?? []), ...capturesOf(second)];
  if (second.kind === 'failed') return unreachable(options, course.requirement, second, captures);
  const mechanism = course.requirement.authenticate ? 'SCRAM-SHA-256' : undefined;
  const { reason, rule, events } = course.verdict;
  return authenticate(options, second.session, {
    ...course,
    captures,
    verdict: { action: 'proceed', channel: 'plaintext', mechanism, reason, rule, events },
  });
}

async function authenticate(options: SmtpHopOptions, session: SenderSession, course: Course): Promise<OpenedSmtp> {
  const { verdict } = course;
  if (verdict.action !== 'proceed' || verdict.mechanism === undefined) return ready(options, session, course);
  const { mechanism } = verdict;
  const client = clientFor(mechanism, options.peer);
  const result = client ? await recognitionBy(session, client) : 'no-credential';
  const judged: Course = {
    ...course,
    verdict: judgeAuthentication(verdict, mechanism, result),
    authentication: {
      mechanism,
      result,
      ...(options.peer?.credential && mechanism !== 'EXTERNAL' && { identity: options.peer.credential.userName }),
    },
  };
  if (result === 'recognised') return ready(options, session, judged);
  await session.quit();
  return turnedAway(options, judged);
}

async function recognitionBy(session: SenderSession, client: SaslClient): Promise<AuthenticationOutcome> {
  try {
    const result = await session.authenticate(client);
    return result.ok ? 'recognised' : result.cause;
  } catch (error) {
    session.destroy();
    throw error;
  }
}

function clientFor(mechanism: Mechanism, peer: Peer | undefined): SaslClient | undefined {
  if (mechanism === 'EXTERNAL') return new ExternalClient();
  return peer?.credential && new ScramClient(peer.credential.userName, peer.credential.password);
}

function ready(options: SmtpHopOptions, session: SenderSession, course: Course): OpenedSmtp {
  return { kind: 'ready', session, facts: factsOf(options, course) };
}

/** What is said instead of MAIL FROM (RFC 8689 §4.2.1 for a refusal). */
function turnedAway(options: SmtpHopOptions, course: Course): OpenedSmtp {
  const { verdict } = course;
  if (verdict.action === 'refuse') {
    const what = verdict.status === '5.7.30' ? 'REQUIRETLS support required' : 'Encryption needed';
    const reply = `550 ${verdict.status} ${what} (${verdict.reason}): ${explainReason(verdict.reason)}`;
    return { kind: 'refused', facts: factsOf(options, course), reply, isReachable: true };
  }
  const reply = course.authentication
    ? `451 5.7.3 Cannot achieve Exchange Server authentication (${verdict.reason}): ${explainReason(verdict.reason)}`
    : `454 4.7.5 ${verdict.reason}: ${explainReason(verdict.reason)}`;
  return { kind: 'deferred', facts: factsOf(options, course), reply, isReachable: true };
}

function unreachable(
  options: SmtpHopOptions,
  requirement: Requirement,
  result: Extract<DialResult, { kind: 'failed' }>,
  captures = capturesOf(result),
): OpenedSmtp {
  const { address } = options;
  const said = result.reply ? formatReply(result.reply) : explainCode(options, result.code);
  const place = `${address.name} (${formatEndpoint(address)}), ${result.phase}: ${said}`;
  // RFC 7504 §3: a host that never takes mail. A member of the pair is waited for, whatever it says.
  const takesNoMail = result.reply?.code === 521 && !options.peer;
  return {
    kind: takesNoMail ? 'refused' : 'deferred',
    isReachable: takesNoMail,
    reply: takesNoMail ? `521 5.3.2 No mail is taken by ${place}` : `421 4.4.1 Cannot use ${place}`,
    facts: {
      ...factsWithoutPeer(options),
      policy: requirement.policy,
      peer: { name: options.peer?.fqdn ?? address.name, address: address.host, port: address.port },
      ...(captures.length > 0 && { captures }),
    },
  };
}

function explainCode({ sourceAddress }: SmtpHopOptions, code: string): string {
  if (code !== 'EADDRNOTAVAIL' || sourceAddress === undefined) return code;
  return `${code}: this machine does not have ${sourceAddress}, which SourceIPAddress of the Send connector names`;
}

function factsOf(options: SmtpHopOptions, course: Course): HopFacts {
  const { requirement, verdict, attempt, authentication, captures = [] } = course;
  const channel = verdict.action === 'proceed' ? verdict.channel : 'none';
  // With UntrustedCertificate = Encrypt the password proves the peer, the certificate does not.
  const isAuthenticated = authentication?.result === 'recognised';
  const isVerified = verdict.reason === 'tls-verified';
  return {
    connector: options.connector,
    peer: {
      name: options.peer?.fqdn ?? options.address.name,
      address: options.address.host,
      port: options.address.port,
    },
    policy: requirement.policy,
    rule: verdict.rule,
    reason: verdict.reason,
    startTls: startTlsFacts(attempt, verbsFor(options)),
    ...(attempt.kind === 'established' && { tls: describeTls(attempt.session) }),
    ...(authentication && { authentication }),
    channel,
    protection: channel === 'none' ? 'none' : protectionOf(channel === 'tls', isAuthenticated || isVerified),
    events: verdict.events,
    ...(captures.length > 0 && { captures }),
  };
}

function startTlsFacts(attempt: TlsAttempt, [wanted]: readonly TlsVerb[]): StartTlsFacts {
  if (attempt.kind === 'not-attempted') return { offered: undefined, attempted: false };
  const isMissing = wanted !== 'STARTTLS' && (attempt.kind === 'not-offered' || attempt.verb !== wanted);
  const missing = isMissing && wanted ? { notOffered: wanted } : {};
  if (attempt.kind === 'not-offered') return { offered: false, attempted: false, ...missing };
  return {
    offered: true,
    attempted: true,
    verb: attempt.verb,
    ...missing,
    ...(attempt.kind === 'refused' && { answer: attempt.reply.code }),
    ...(attempt.kind === 'failed' && { failure: `${attempt.cause} ${attempt.code}` }),
  };
}
