// What an administrator does about the trust between the two servers of a laboratory, by the cmdlets that a person would type.

import { type Role, ROLES } from '../config.ts';
import { Problem } from '../problem.ts';
import type { LabServer } from './lab-server.ts';
import type { LabTime } from './lab-time.ts';

/** The two, as far as trust is concerned. */
export interface Trusting {
  readonly hub: LabServer;
  readonly edge: LabServer;
  readonly clock: LabTime;
}

export interface RenewOptions {
  /** False: the other side does not learn of it, and mail waits. */
  readonly isMadeKnown?: boolean;
  /** Made known before it takes over, so that no mail waits. */
  readonly isStaged?: boolean;
}

const SITE = 'Default-First-Site-Name';
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Each moves the renewal on by a state (docs/trust.md). */
const MAX_ROUNDS = 10;

/** Exports the Edge's subscription and imports it on the Hub, which synchronizes. Throws Problem `not-synchronized`. */
export async function subscribe(pair: Trusting): Promise<void> {
  await importSubscription(pair, await exportSubscription(pair.edge));
}

/** The Hub synchronizes on the way. Throws Problem `not-synchronized`. */
export async function importSubscription({ hub }: Pick<Trusting, 'hub'>, file: Buffer): Promise<void> {
  const { warnings = [] } = await hub.call('New-EdgeSubscription', { Site: SITE }, { FileName: file });
  const failure = warnings.find((warning) => warning.includes('synchronization failed'));
  if (failure !== undefined) throw new Problem('not-synchronized', failure);
}

/** What a person would carry to the Hub. */
export async function exportSubscription(edge: LabServer): Promise<Buffer> {
  const { files = [] } = await edge.call('New-EdgeSubscription', { FileName: 'edge.xml' });
  const [file] = files;
  if (!file) throw new Problem('no-subscription', 'the Edge exported no subscription file');
  return file.content;
}

/** Gives a server a new certificate by New-ExchangeCertificate, and has the other one learn of it. */
export async function renew(
  pair: Trusting,
  role: Role,
  { isMadeKnown = true, isStaged = false }: RenewOptions,
): Promise<void> {
  const server = role === 'hub' ? pair.hub : pair.edge;
  if (isStaged) return renewStaged(pair, server);
  await server.call('New-ExchangeCertificate');
  if (!isMadeKnown) return;
  if (role === 'edge') await subscribe(pair);
  else await pair.hub.ask('Start-EdgeSynchronization');
}

/** Rounds of EdgeSync, and the minutes between them, until the next certificate has taken over. */
async function renewStaged({ hub, clock }: Trusting, server: LabServer): Promise<void> {
  const { records } = await server.call('New-ExchangeCertificate', { Staged: '$true' });
  const next = records[0]?.['Thumbprint'];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    await hub.ask('Start-EdgeSynchronization');
    await clock.advance(2 * MINUTE_MS);
    if ((await currentCertificate(server)).thumbprint === next) return;
  }
  throw new Problem('not-taken-over', `the certificate that was staged on ${server.name} has not taken over`);
}

/** The certificate that is on record for the server, and until when it is good. */
async function currentCertificate(server: LabServer): Promise<{ thumbprint: string; notAfter: Date }> {
  const certificates = await server.ask('Get-ExchangeCertificate');
  const current =
    certificates.find(({ Renewal: state }) => typeof state === 'string' && /^Current\b/i.test(state)) ??
    certificates[0];
  const { Thumbprint: thumbprint, NotAfter: notAfter } = current ?? {};
  if (typeof thumbprint !== 'string' || !(notAfter instanceof Date)) {
    throw new Problem('certificate-not-found', `${server.name} has no certificate`);
  }
  return { thumbprint, notAfter };
}

/** Time passes until the certificates of these roles have expired; the other server is renewed half way, where it must. */
export async function expire(pair: Trusting, roles: readonly Role[]): Promise<void> {
  const { clock } = pair;
  const ends = await Promise.all(roles.map((role) => currentCertificate(role === 'hub' ? pair.hub : pair.edge)));
  const end = new Date(Math.max(...ends.map(({ notAfter }) => notAfter.getTime())) + MINUTE_MS);
  for (const role of ROLES) {
    if (roles.includes(role)) continue;
    const { notAfter } = await currentCertificate(role === 'hub' ? pair.hub : pair.edge);
    if (notAfter.getTime() > end.getTime() + DAY_MS) continue;
    await clock.moveTo(new Date((clock.now().getTime() + end.getTime()) / 2));
    await renew(pair, role, {});
  }
  if (end > clock.now()) await clock.moveTo(end);
}
