// One look at an SMTP listener for Test-SmtpConnectivity: greet, EHLO, STARTTLS, QUIT, and what that showed. No mail is sent
// and nobody authenticates. The certificate is compared with the one on record as direct trust would; nothing is decided by it.

import type { OpenTap } from '../capture/tap.ts';
import { type Clock, describeOffset } from '../clock.ts';
import { type Endpoint, formatEndpoint } from '../config.ts';
import type { Log } from '../log.ts';
import { formatReply } from '../smtp/reply.ts';
import { type DialResult, dial, type SenderSession, type TlsAttempt } from '../smtp/sender.ts';
import type { TlsVerb } from '../smtp/tls-verb.ts';
import { type Certificate, hasSameKey, isSameCertificate, validityAt } from '../tls/certificate.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import type { TlsSession } from '../tls/tls-session.ts';
import type { TlsTerms } from '../tls/tls-terms.ts';
import { CLOCK_TOLERANCE_MS } from '../trust/tls-policy.ts';

export interface ProbeTarget {
  readonly endpoint: Endpoint;
  /** Asked for by SNI. */
  readonly servername: string;
  /** The certificates any of which may be shown, the current one first. */
  readonly onRecord: readonly Certificate[];
  /** As mail uses them; STARTTLS alone when absent. */
  readonly tlsVerbs?: readonly TlsVerb[];
  /** Version and suites; the defaults when absent. */
  readonly tlsTerms?: TlsTerms;
}

export interface ProbeOptions {
  /** For EHLO. */
  readonly name: string;
  readonly clientCertificate: KeyPair | undefined;
  /** For each step. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly tap?: OpenTap | undefined;
}

/** Exchange's words. */
export type StatusCode = 'Success' | 'Unable to connect' | 'Transient error' | 'Permanent error';

export type CertificateStatus = 'OnRecord' | 'NotOnRecord' | 'SameKeyReissued' | 'Expired' | 'NotYetValid';

export interface ProbeReport {
  readonly statusCode: StatusCode;
  /** In the order in which things happened. */
  readonly details: readonly string[];
  readonly tls?: TlsSession;
  readonly certificateStatus?: CertificateStatus;
  /** STARTTLS was missing although the certificate on record is in date. */
  readonly isDowngradeSuspected: boolean;
  /** How far the peer's clock is ahead of this one's; undefined when its greeting tells no date. */
  readonly clockDifferenceMs?: number;
}

/** Dials and reports; never rejects for anything a peer does. */
export async function probeSmtp(target: ProbeTarget, options: ProbeOptions): Promise<ProbeReport> {
  const { timeoutMs } = options;
  const { host, port } = reachable(target.endpoint);
  const result = await dial({
    host,
    port,
    name: options.name,
    servername: target.servername,
    startTls: 'attempt',
    ...(target.tlsVerbs && { tlsVerbs: target.tlsVerbs }),
    ...(target.tlsTerms && { tlsTerms: target.tlsTerms }),
    timeouts: { connectMs: timeoutMs, greetingMs: timeoutMs, ehloMs: timeoutMs, tlsMs: timeoutMs, quitMs: timeoutMs },
    log: options.log,
    ...(options.tap && { tap: options.tap }),
    ...(options.clientCertificate && { clientCertificate: options.clientCertificate }),
  });
  const now = options.clock.now();
  if (result.kind === 'failed') return describeFailure(result);
  const report = describeSession(result.session, target, now);
  await result.session.quit();
  return report;
}

/** Who listens at every address is met at the machine's own. */
function reachable({ host, port }: Endpoint): Endpoint {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}

function describeFailure(result: DialResult & { kind: 'failed' }): ProbeReport {
  const { phase, code, reply, permanent } = result;
  const base = {
    isDowngradeSuspected: false,
    details: [`${phase}: ${reply === undefined ? code : formatReply(reply)}`],
  };
  if (phase === 'connect') return { ...base, statusCode: 'Unable to connect' };
  return { ...base, statusCode: permanent ? 'Permanent error' : 'Transient error' };
}

function describeSession(session: SenderSession, target: ProbeTarget, now: Date): ProbeReport {
  const clockDifferenceMs = readClockDifference(session.greeting, now);
  const tls = session.tls.kind === 'established' ? session.tls.session : undefined;
  const certificateStatus = tls && certificateStatusOf(tls, target.onRecord, now);
  return {
    statusCode: 'Success',
    details: [
      `220 ${session.greeting.replaceAll('\n', ' ')}`,
      `EHLO offers ${[...session.capabilities.keys()].join(' ') || 'nothing'}`,
      tls && certificateStatus ? describeTls(tls, certificateStatus) : describeClear(session.tls, target, now),
      ...describeClock(clockDifferenceMs),
    ],
    ...(tls && { tls }),
    ...(certificateStatus && { certificateStatus }),
    isDowngradeSuspected: session.tls.kind === 'not-offered' && target.onRecord.some((each) => isInDate(each, now)),
    ...(clockDifferenceMs !== undefined && { clockDifferenceMs }),
  };
}

function certificateStatusOf(
  { peerCertificate }: TlsSession,
  onRecord: readonly Certificate[],
  now: Date,
): CertificateStatus {
  if (!peerCertificate) return 'NotOnRecord';
  // In date or not, an unknown certificate is an unknown one.
  if (!onRecord.some((each) => isSameCertificate(peerCertificate, each)))
    return onRecord.some((each) => hasSameKey(peerCertificate, each)) ? 'SameKeyReissued' : 'NotOnRecord';
  const validity = validityAt(peerCertificate, now, CLOCK_TOLERANCE_MS);
  if (validity === 'valid') return 'OnRecord';
  return validity === 'expired' ? 'Expired' : 'NotYetValid';
}

function describeTls(tls: TlsSession, status: CertificateStatus): string {
  const { peerCertificate } = tls;
  const channel = `${tls.protocol} ${tls.cipher}`;
  if (!peerCertificate) return `${channel}, no readable certificate, so NOT on record`;
  const { thumbprint, notBefore, notAfter } = peerCertificate;
  const words: Readonly<Record<CertificateStatus, string>> = {
    OnRecord: `on record, valid until ${notAfter.toISOString()}`,
    NotOnRecord: 'NOT on record',
    SameKeyReissued: 'NOT on record, re-issued for the key of one that is',
    Expired: `on record, expired on ${notAfter.toISOString()}`,
    NotYetValid: `on record, not valid before ${notBefore.toISOString()}`,
  };
  return `${channel}, certificate ${thumbprint} ${words[status]}`;
}

function describeClear(attempt: TlsAttempt, { onRecord }: ProbeTarget, now: Date): string {
  if (attempt.kind === 'refused') return `in clear: ${attempt.verb} was refused with ${formatReply(attempt.reply)}`;
  const [current] = onRecord;
  if (current === undefined) return 'in clear: STARTTLS is not offered, and no certificate is on record';
  const valid = onRecord.find((each) => isInDate(each, now));
  if (valid) return `in clear: STARTTLS is not offered although ${valid.thumbprint} on record is in date`;
  return `in clear: STARTTLS is not offered, ${current.thumbprint} on record is out of its dates (until ${current.notAfter.toISOString()})`;
}

function isInDate(certificate: Certificate, now: Date): boolean {
  return validityAt(certificate, now, CLOCK_TOLERANCE_MS) === 'valid';
}

const RFC_5322_DATE = /\b(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} (?:GMT|UTC?|[+-]\d{4})/;

/** Most servers say in the greeting what time it is; undefined when this one does not. */
function readClockDifference(greeting: string, now: Date): number | undefined {
  const date = Date.parse(RFC_5322_DATE.exec(greeting)?.[0] ?? '');
  return Number.isNaN(date) ? undefined : date - now.getTime();
}

function describeClock(differenceMs: number | undefined): readonly string[] {
  return differenceMs !== undefined && isSkewed(differenceMs) ? [`clock ${explainSkew(differenceMs)}`] : [];
}

/** True when the clocks are so far apart that a date of a certificate may be judged differently by the two. */
export function isSkewed(differenceMs: number): boolean {
  return Math.abs(differenceMs) > CLOCK_TOLERANCE_MS;
}

/** "differs by +400d (ahead of this server's)". */
export function explainSkew(differenceMs: number): string {
  // The greeting has whole seconds and was some time on its way.
  const rounded = Math.round(differenceMs / 60_000) * 60_000;
  return `differs by ${describeOffset(rounded)} (${rounded > 0 ? 'ahead of' : 'behind'} this server's)`;
}

/** Where it was dialled, for people. */
export function formatTarget({ endpoint }: ProbeTarget): string {
  return formatEndpoint(reachable(endpoint));
}
