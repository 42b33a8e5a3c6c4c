// What the directory tests share: a temporary folder for each test, an open directory in it, servers and subscriptions.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SystemClock } from '../../../src/clock.ts';
import { ActiveDirectory } from '../../../src/directory/active-directory.ts';
import { Adam } from '../../../src/directory/adam.ts';
import type { EdgeSubscription } from '../../../src/directory/edge-subscription.ts';
import { EmbeddedDirectory } from '../../../src/directory/embedded-directory.ts';
import { adamNamingContext, adNamingContext } from '../../../src/directory/layout.ts';
import type { TransportServer } from '../../../src/directory/transport-server.ts';
import { silentLog } from '../../../src/log.ts';
import { type Certificate, parseCertificate } from '../../../src/tls/certificate.ts';
import { createEcCertificate } from '../../helpers/ec-certificate.ts';

export const SITE = 'Default-First-Site-Name';
export const HUB = { name: 'HUB01', fqdn: 'hub01.contoso.test', site: SITE } as const;
export const EDGE = { name: 'EDGE01', fqdn: 'edge01.perimeter.test' } as const;
export const AD_CONTEXT = adNamingContext(HUB.fqdn);
export const ADAM_CONTEXT = adamNamingContext('0f6f2d6e-0000-4000-8000-0000000000ad');

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-directory-'));
  // A hook of this file would be the first test file's alone: modules are loaded once for all of them.
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Closes something at the end of the test, before its folder goes. */
export function closeLater<T extends { close(): void }>(closable: T): T {
  onTestFinished(() => closable.close());
  return closable;
}

export function openEmbedded(
  namingContext: string,
  folder = temporaryFolder(),
  clock = new SystemClock(),
): EmbeddedDirectory {
  return closeLater(EmbeddedDirectory.open({ folder, namingContext, clock, log: silentLog() }));
}

export interface OpenHub {
  readonly directory: EmbeddedDirectory;
  readonly ad: ActiveDirectory;
}

export async function openHub(folder = temporaryFolder()): Promise<OpenHub> {
  const directory = openEmbedded(AD_CONTEXT, folder);
  const ad = closeLater(await ActiveDirectory.open({ directory, server: HUB, log: silentLog() }));
  return { directory, ad };
}

export interface OpenEdge {
  readonly directory: EmbeddedDirectory;
  readonly adam: Adam;
  readonly clock: SystemClock;
}

export async function openEdge(folder = temporaryFolder()): Promise<OpenEdge> {
  const clock = new SystemClock();
  const directory = openEmbedded(ADAM_CONTEXT, folder, clock);
  const adam = closeLater(await Adam.open({ directory, server: EDGE, clock, log: silentLog() }));
  return { directory, adam, clock };
}

export function makeCertificate(name: string): Certificate {
  return parseCertificate(createEcCertificate(name).certificatePem);
}

export function makeServer(given: Partial<TransportServer> = {}): TransportServer {
  return { name: HUB.name, fqdn: HUB.fqdn, role: 'HubTransport', credentials: [], ...given };
}

export function makeSubscription(given: Partial<EdgeSubscription> = {}): EdgeSubscription & { site: string } {
  return {
    ...EDGE,
    role: 'EdgeTransport',
    credentials: [],
    adamSslPort: 50_636,
    subscriptionEffective: new Date('2026-01-01T10:00:00.000Z'),
    subscriptionExpires: new Date('2026-01-02T10:00:00.000Z'),
    subscribedAt: new Date('2026-01-01T11:00:00.000Z'),
    ...given,
    site: given.site ?? SITE,
  };
}
