// A server reduced to what connector, domain and settings cmdlets touch: a real AD or ADAM in a temporary folder, names and
// listening addresses. Cmdlets are run with texts as a person types them; the folders go at the end of each test.

import { bindParameters } from '../../../src/cmdlets/binding.ts';
import type { Cmdlet } from '../../../src/cmdlets/cmdlet.ts';
import type { CmdletOutput, OutputRecord } from '../../../src/cmdlets/output.ts';
import type { ServerContext } from '../../../src/cmdlets/server-context.ts';
import { type ListenAddress, parseConfig, type Role } from '../../../src/config.ts';
import { SystemClock } from '../../../src/clock.ts';
import type { ActiveDirectory } from '../../../src/directory/active-directory.ts';
import type { Adam } from '../../../src/directory/adam.ts';
import type { OrganizationSnapshot } from '../../../src/directory/organization.ts';
import { EDGE, HUB, makeSubscription, openEdge, openHub } from '../directory/fixtures.ts';

/** The notice of a change that EdgeSync carries. */
export const EDGE_SYNC_NOTICE = 'Start-EdgeSynchronization brings it to the Edge.';

type Typed = Readonly<Record<string, string | readonly string[]>>;

interface OrganizationHolder {
  snapshot(): OrganizationSnapshot;
}

export interface OrganizationFixture<D extends OrganizationHolder> {
  readonly directory: D;
  readonly snapshot: () => OrganizationSnapshot;
  /** Binds the texts, and the contents of files that they name, and runs the cmdlet. */
  run(cmdlet: Cmdlet<ServerContext>, typed?: Typed, contents?: Readonly<Record<string, Buffer>>): Promise<CmdletOutput>;
}

const ADDRESSES: readonly ListenAddress[] = [
  { host: '127.0.0.1', port: 2525, service: 'smtp' },
  { host: '127.0.0.1', port: 2587, service: 'submission' },
  { host: '127.0.0.1', port: 2465, service: 'smtps' },
];

export async function hubFixture(): Promise<OrganizationFixture<ActiveDirectory>> {
  const { ad } = await openHub();
  return fixtureOf(ad, 'hub', { hub: { activeDirectory: ad } });
}

export async function edgeFixture(): Promise<OrganizationFixture<Adam>> {
  const { adam } = await openEdge();
  return fixtureOf(adam, 'edge', { edge: { adam } });
}

/** The same over a directory that the test has opened itself. */
export function fixtureOf<D extends OrganizationHolder>(
  directory: D,
  role: Role,
  parts: object,
): OrganizationFixture<D> {
  const { fqdn } = role === 'hub' ? HUB : EDGE;
  const config = parseConfig(`{ role: ${role}, fqdn: ${fqdn} }`, '/etc/test.yaml');
  const context = { config, clock: new SystemClock(), addresses: ADDRESSES, ...parts } as unknown as ServerContext;
  const call = { progress: () => undefined, signal: new AbortController().signal };
  return {
    directory,
    snapshot: () => directory.snapshot(),
    run: async (cmdlet, typed = {}, contents = {}) => {
      const parameters = Object.fromEntries(Object.entries(typed).map(([name, text]) => [name, [text].flat()]));
      const files = Object.fromEntries(
        Object.entries(contents).map(([name, content]) => [name, { name: [typed[name]].flat().join(''), content }]),
      );
      return cmdlet.run(context, bindParameters(cmdlet, { cmdlet: cmdlet.name, parameters, files }), call);
    },
  };
}

/** Subscribes EDGE01 to the hub, with the two connectors that come with it. */
export function subscribeEdge(ad: ActiveDirectory): Promise<void> {
  return ad.subscribe({
    subscription: makeSubscription(),
    createInboundSendConnector: true,
    createInternetSendConnector: true,
    credentialsFor: () => [],
  });
}

/** The values of one property. */
export function valuesOf({ records }: CmdletOutput, property: string): unknown[] {
  return records.map((record: OutputRecord) => record[property]);
}
