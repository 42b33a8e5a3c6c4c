// Where the two servers of `relaypair up` live: their names, their addresses, and the config files that say so. Port 0 is
// settled here, once, so that a half which is started again is found where it was.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ADAM_ENDPOINT, type Endpoint, formatEndpoint, readConfig, type Role } from '../config.ts';
import { findFreePort, probePort } from '../free-port.ts';
import { isProblem } from '../problem.ts';
import { writeFileDurably } from '../storage/files.ts';
import type { UpOptions, World } from './doors.ts';
import type { DeliveryTarget } from './endpoints.ts';
import { choosePageAddresses, describeWeb, type PageAddresses } from './pair-page.ts';

export const SITE = 'Default-First-Site-Name';
export const HUB_FQDN = 'hub01.corp.test';
export const EDGE_FQDN = 'edge01.perimeter.test';

export interface Addresses {
  readonly hub: Endpoint;
  readonly edge: Endpoint;
  readonly ldaps: Endpoint;
  /** Only where there is a page. */
  readonly page: PageAddresses | undefined;
}

/** The addresses with real ports; throws Problem `listen-failed`. */
export async function chooseAddresses(options: UpOptions): Promise<Addresses> {
  const hub = await settlePort(options.hub);
  const edge = await settlePort(options.edge);
  const { host } = options.edge;
  const ldaps = await settlePort({ host, port: await formerLdapsPort(options) });
  return { hub, edge, ldaps, page: options.page ? await choosePageAddresses(options.dir) : undefined };
}

/** The Hub has ADAM's port on record since the subscription, so the Edge keeps it while nobody else has taken it. */
async function formerLdapsPort({ dir, edge: { host } }: UpOptions): Promise<number> {
  const path = join(dir, 'edge.yaml');
  if (!existsSync(path)) return 0;
  try {
    const { port } = readConfig(path).listen.ldaps ?? ADAM_ENDPOINT;
    await probePort({ host, port });
    return port;
  } catch (error) {
    // A file that somebody broke is written anew, and a port that is taken is replaced.
    if (isProblem(error)) return 0;
    throw error;
  }
}

async function settlePort(endpoint: Endpoint): Promise<Endpoint> {
  return endpoint.port === 0 ? { host: endpoint.host, port: await findFreePort(endpoint.host) } : endpoint;
}

/** What else is in the configs. */
export interface Surroundings {
  readonly world: World | undefined;
  /** Where the server of a role is found, if not where it listens. */
  readonly diverted: Partial<Readonly<Record<Role, Endpoint | undefined>>>;
}

/** Writes `hub.yaml` and `edge.yaml` anew. */
export function writeConfigs(options: UpOptions, addresses: Addresses, { world, diverted }: Surroundings): void {
  // JSON is YAML: what is written here is read back by the same schema as a file by hand.
  const { retryMs } = options;
  const retry =
    retryMs === undefined
      ? {}
      : {
          glitchInterval: `${retryMs}ms`,
          transientInterval: `${retryMs}ms`,
          outboundInterval: `${retryMs}ms`,
          messageInterval: `${retryMs}ms`,
        };
  const common = { format: 1, site: SITE, retry, ...(options.capture && { lab: { capture: true } }) };
  const { page } = addresses;
  const deliver = options.deliver ?? (world && { kind: 'smtp' as const, ...world.inside });
  const webOf = (role: Role) => page && { web: describeWeb(role, { hub: HUB_FQDN, edge: EDGE_FQDN }, page) };
  const hub = {
    ...common,
    role: 'hub',
    fqdn: HUB_FQDN,
    folder: 'hub',
    listen: { smtp: [formatEndpoint(addresses.hub)] },
    hosts: { [EDGE_FQDN]: formatEndpoint(diverted.edge ?? addresses.edge) },
    ...(deliver && { deliver: formatDeliveryTarget(deliver) }),
    ...webOf('hub'),
  };
  const edge = {
    ...common,
    role: 'edge',
    fqdn: EDGE_FQDN,
    folder: 'edge',
    listen: { smtp: [formatEndpoint(addresses.edge)], ldaps: formatEndpoint(addresses.ldaps) },
    hosts: {
      [HUB_FQDN]: formatEndpoint(diverted.hub ?? addresses.hub),
      ...(world && { [world.domain]: formatEndpoint(world.outside) }),
    },
    ...webOf('edge'),
  };
  const note = '# Written by "relaypair up" at each start; change its options, not this file.\n';
  writeFileDurably(join(options.dir, 'hub.yaml'), `${note}${JSON.stringify(hub, undefined, 2)}\n`);
  writeFileDurably(join(options.dir, 'edge.yaml'), `${note}${JSON.stringify(edge, undefined, 2)}\n`);
}

function formatDeliveryTarget(target: DeliveryTarget): string {
  return target.kind === 'maildir' ? `maildir:${target.folder}` : `${target.kind}:${formatEndpoint(target)}`;
}
