// What New- and Enable-ExchangeCertificate share: a certificate begins to serve SMTP and, if it names this server, takes the
// place of the internal transport certificate, the one that direct trust compares with. The directory and the TLS contexts
// follow the store's change; what the other side of the pair needs is said to the person, since nobody else can do it.

import { Problem } from '../problem.ts';
import { type Certificate, hasSameKey, isSameCertificate, namesServer } from '../tls/certificate.ts';
import type { StoredCertificate } from '../tls/certificate-store.ts';
import { certificatesHeld } from '../tls/on-record.ts';
import { dateWarnings } from './certificate-record.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

/** What became of a certificate, and what to tell about it. */
export interface ServingCertificate {
  readonly stored: StoredCertificate;
  readonly notices: readonly string[];
  readonly warnings: readonly string[];
}

/** Exchange's question before a certificate takes over. */
export const OVERWRITE_QUESTION =
  'Overwrite the existing default SMTP certificate (if the other one names this server)?';

/**
 * Enables the certificate for SMTP and publishes it for direct trust if it names this server. Throws Problem
 * `certificate-not-found`, `certificate-pending` or `certificate-on-two-servers`.
 */
export function serveSmtp(context: ServerContext, certificate: Certificate): ServingCertificate {
  const { certificates, clock, config, log } = context;
  const { thumbprint } = certificate;
  refuseOnTwoServers(context, certificate);
  const stored = certificates.enable(thumbprint, 'SMTP');
  const warnings = dateWarnings(certificate, clock.now());
  if (!namesServer(certificate, config.fqdn)) {
    return { stored, warnings, notices: [explainNameOnly(thumbprint, config.fqdn)] };
  }
  const internal = certificates.internalTransport()?.certificate;
  const before = internal?.thumbprint;
  if (before === thumbprint) return { stored, warnings, notices: [] };
  certificates.setInternalTransport(thumbprint);
  log.info({ thumbprint, before }, 'another certificate is the internal transport certificate now');
  return {
    stored,
    notices: [`${thumbprint} is now the internal transport certificate (the default SMTP certificate).`],
    warnings: [...warnings, ...stagingAdvice(context, certificate, internal), ...nextSteps(context)],
  };
}

function explainNameOnly(thumbprint: string, fqdn: string): string {
  return `${thumbprint} does not name ${fqdn}: it serves SMTP where one of its names is asked for by SNI or is a Receive connector's FQDN, and is not published for direct trust.`;
}

/** What -Staged would have spared: the wait that follows, and another certificate's renewal that this one ends. */
function stagingAdvice(context: ServerContext, certificate: Certificate, before: Certificate | undefined): string[] {
  const { thumbprint } = certificate;
  const advice: string[] = [];
  const isReissued = before !== undefined && hasSameKey(before, certificate);
  if (isReissued && context.organisation().peers.length > 0)
    advice.push(
      `${thumbprint} was issued for the key of the certificate before (same-key-reissued), which proves nothing by itself: with -Staged no mail would wait`,
    );
  const staged = stagedCertificate(context);
  if (staged && !isSameCertificate(staged, certificate))
    advice.push(`the staged renewal by ${staged.thumbprint} is given up`);
  return advice;
}

function stagedCertificate(context: ServerContext): Certificate | undefined {
  return context.hub || context.edge ? organizationOf(context).snapshot().self.nextCertificate : undefined;
}

/** Until the other side has the new certificate on record, it is an unknown one there and mail waits. */
function nextSteps({ config, organisation }: ServerContext): readonly string[] {
  const peers = organisation().peers.map(({ name }) => name);
  const isWaiting = peers.length > 0 ? `mail between this server and ${peers.join(', ')} waits until then` : undefined;
  if (config.role === 'edge') {
    const cure =
      'export a new Edge Subscription (New-EdgeSubscription -FileName FILE) and import it on the Hub: files exported before hold the old certificate';
    return [isWaiting === undefined ? cure : `${cure}, and ${isWaiting}`];
  }
  return isWaiting === undefined ? [] : [`run Start-EdgeSynchronization: ${isWaiting}`];
}

/** Throws Problem `certificate-on-two-servers` when another server of the organisation has this very certificate on record. */
export function refuseOnTwoServers(context: ServerContext, certificate: Certificate): void {
  const owner = context
    .organisation()
    .peers.find((peer) => certificatesHeld(peer).some((held) => isSameCertificate(held.certificate, certificate)));
  if (owner === undefined) return;
  throw new Problem(
    'certificate-on-two-servers',
    `the certificate ${certificate.thumbprint} is the one on record for ${owner.name}: direct trust could not tell the two servers apart, so use another certificate here`,
  );
}
