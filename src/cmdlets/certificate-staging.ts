// -Staged, which New- and Enable-ExchangeCertificate share: the certificate goes on record beside the current one, which goes
// on serving, and takes over by itself once the other side of the pair has it on record too. What follows is edgesync's.

import { DEFAULT_GRACE_PERIOD_MS, stageCertificate, unstageCertificate } from '../directory/certificate-renewal.ts';
import { formatTimeSpan } from '../duration.ts';
import { type Readiness, readinessOf } from '../edgesync/renewal-readiness.ts';
import { Problem } from '../problem.ts';
import { type Certificate, isSameCertificate, namesServer, validityAt } from '../tls/certificate.ts';
import { createEvent } from '../tracking/events.ts';
import { CLOCK_TOLERANCE_MS } from '../trust/tls-policy.ts';
import { refuseOnTwoServers } from './certificate-publishing.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';
import { describeReadiness } from './trust-status.ts';

/** The parameters of a staged renewal. */
export const STAGING_PARAMETERS = {
  Staged: {
    type: 'switch',
    help: 'Put it on record beside the present one, and let it take over once the other side has it too',
  },
  GracePeriod: {
    type: 'duration',
    help: 'With -Staged: how long the present one stays on record after that; 7d when absent',
  },
} as const;

interface StagingArguments {
  readonly Staged: boolean;
  readonly GracePeriod: number | undefined;
}

/** Throws Problem `parameter-conflict`. */
export function refuseStagingConflict({ Staged, GracePeriod }: StagingArguments): void {
  if (GracePeriod === undefined) return;
  if (!Staged) {
    throw new Problem(
      'parameter-conflict',
      '-GracePeriod goes with -Staged: without it the present certificate is replaced at once',
    );
  }
  if (GracePeriod < 1000) {
    throw new Problem(
      'bad-value',
      '-GracePeriod: must be a second or more, or connections that are open at the takeover would lose their identity',
    );
  }
}

/** Throws Problem when the certificate could not become the internal transport certificate of this server. */
export function refuseUnstageable(context: ServerContext, certificate: Certificate): void {
  const { certificates, clock, config } = context;
  const { thumbprint } = certificate;
  if (!namesServer(certificate, config.fqdn)) {
    throw new Problem(
      'certificate-name-missing',
      `${thumbprint} does not name ${config.fqdn}, so it can never be the internal transport certificate: leave -Staged out, or use a certificate with that name`,
    );
  }
  const internal = certificates.internalTransport()?.certificate;
  if (internal && isSameCertificate(internal, certificate))
    throw new Problem('certificate-in-use', `${thumbprint} is the internal transport certificate already`);
  if (validityAt(certificate, clock.now(), CLOCK_TOLERANCE_MS) !== 'valid') {
    const [from, to] = [certificate.notBefore, certificate.notAfter].map((date) => date.toISOString().slice(0, 10));
    throw new Problem(
      'certificate-out-of-dates',
      `${thumbprint} is valid from ${from} to ${to} only, and mail would go in clear once it takes over: stage one that is valid now`,
    );
  }
  refuseOnTwoServers(context, certificate);
}

/** Puts a certificate of the store on record as the next one; what to tell about it. Throws what the directory throws. */
export async function stageInDirectory(
  context: ServerContext,
  certificate: Certificate,
  gracePeriodMs: number | undefined,
): Promise<{ readonly notices: readonly string[]; readonly warnings: readonly string[] }> {
  const { clock, events, log } = context;
  const directory = organizationOf(context);
  const replaced = directory.snapshot().self.nextCertificate;
  const graceMs = gracePeriodMs ?? DEFAULT_GRACE_PERIOD_MS;
  const staging = { gracePeriodMs: graceMs, now: clock.now() };
  await directory.renewCertificate((self) => stageCertificate(self, certificate, staging));
  const { thumbprint, notAfter } = certificate;
  const readiness = readinessOf(directory.snapshot(), clock.now());
  events.record(createEvent('CertificateStaged', { thumbprint, notAfter, waitsFor: waitsFor(readiness) }));
  log.info({ thumbprint, replaced: replaced?.thumbprint }, 'a certificate was staged');
  const isOther = replaced !== undefined && !isSameCertificate(replaced, certificate);
  return {
    notices: [
      `${thumbprint} is staged. ${nextStep(context, readiness)} The present certificate then stays on record for another ${formatTimeSpan(graceMs)}.`,
    ],
    warnings: isOther ? [`${replaced.thumbprint}, which was staged before, no longer is`] : [],
  };
}

function waitsFor(readiness: Readiness): string {
  return readiness.kind === 'waiting' ? readiness.servers.join(' and ') : 'the other side';
}

function nextStep({ config }: ServerContext, readiness: Readiness): string {
  if (readiness.kind !== 'waiting') return 'Nobody else has this server on record, so it takes over at once.';
  const where = config.role === 'hub' ? 'here' : 'on the Hub';
  return `It takes over by itself once ${waitsFor(readiness)} has it on record: the next round of EdgeSync does that, or Start-EdgeSynchronization ${where} at once.`;
}

/** Takes a staged certificate off the record before it is removed; false when it was not staged. */
export async function unstageInDirectory(context: ServerContext, { sha256 }: Certificate): Promise<boolean> {
  if (!context.hub && !context.edge) return false;
  const directory = organizationOf(context);
  if (directory.snapshot().self.nextCertificate?.sha256 !== sha256) return false;
  await directory.renewCertificate(unstageCertificate);
  return true;
}

/** Where a certificate stands in a renewal, in words; null for one that has no part in it. */
export function renewalOfCertificate(context: ServerContext, { sha256 }: Certificate): string | null {
  if (!context.hub && !context.edge) return null;
  const snapshot = organizationOf(context).snapshot();
  const { certificate, nextCertificate, previousCertificate, previousUntil } = snapshot.self;
  if (sha256 === certificate?.sha256) return 'Current';
  if (sha256 === nextCertificate?.sha256)
    return `Next: ${describeReadiness(readinessOf(snapshot, context.clock.now()))}`;
  if (sha256 === previousCertificate?.sha256 && previousUntil) return `Previous until ${previousUntil.toISOString()}`;
  return null;
}
