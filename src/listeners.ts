// Where a server listens: at the addresses of its config, each for its service (RFC 6409, RFC 8314), and at those that its Receive connectors name
// beside them. Which connector serves a client is chosen at each connection.

import {
  type Config,
  type Endpoint,
  formatEndpoint,
  type ListenAddress,
  parseEndpoint,
  type Service,
  SERVICES,
} from './config.ts';
import type { Log } from './log.ts';
import { messageOf } from './problem.ts';
import type { ListenPlace } from './smtp/listening.ts';
import type { Organisation } from './transport/organisation.ts';
import type { Door } from './workers/worker-pool.ts';

export interface OpenListener {
  readonly door: Door;
  readonly service: Service;
}

/** Listens at one address, in this process or for its workers. */
type OpenDoor = (place: ListenPlace) => Promise<Door>;

/** The addresses of the config. */
export function listenAddresses({ listen }: Pick<Config, 'listen'>): ListenAddress[] {
  return SERVICES.flatMap((service) => listen[service].map((endpoint) => ({ ...endpoint, service })));
}

/** For the ready line: the addresses by their services, smtp even without one. */
export function describeAddresses(addresses: readonly ListenAddress[]): Partial<Record<Service, string[]>> {
  const of = (wanted: Service) => addresses.filter(({ service }) => service === wanted).map(formatEndpoint);
  const named = SERVICES.map((service) => [service, of(service)] as const);
  return Object.fromEntries(named.filter(([service, places]) => service === 'smtp' || places.length > 0));
}

/** An address of the config that cannot be had stops the start, a connector's own is reported and left out. */
export async function openListeners(
  { config, log }: { readonly config: Pick<Config, 'listen'>; readonly log: Log },
  organisation: Pick<Organisation, 'receiveConnectors'>,
  open: OpenDoor,
): Promise<OpenListener[]> {
  const listeners: OpenListener[] = [];
  const named = listenAddresses(config);
  const ipv6Only = ({ port }: Endpoint): boolean =>
    named.some((other) => other.host === '0.0.0.0' && other.port === port);
  const openAt = async (address: ListenAddress): Promise<void> => {
    listeners.push({ door: await open({ ...address, ipv6Only: ipv6Only(address) }), service: address.service });
  };
  try {
    for (const address of named) await openAt(address);
  } catch (error) {
    await Promise.all(listeners.map(({ door }) => door.close()));
    throw error;
  }
  for (const address of boundBeyond(named, organisation)) {
    try {
      await openAt(address);
    } catch (error) {
      log.error(
        { address: formatEndpoint(address), error: messageOf(error) },
        'a binding of a Receive connector cannot be listened at',
      );
    }
  }
  return listeners;
}

/** Bindings of enabled connectors that no address of the config covers. */
function boundBeyond(
  named: readonly ListenAddress[],
  { receiveConnectors }: Pick<Organisation, 'receiveConnectors'>,
): ListenAddress[] {
  const found = new Map<string, ListenAddress>();
  for (const { enabled, bindings, submission } of receiveConnectors) {
    for (const text of enabled ? bindings : []) {
      const endpoint = parseEndpoint(text);
      if (!endpoint || endpoint.port === 0 || named.some((other) => covers(other, endpoint))) continue;
      if (!found.has(text)) found.set(text, { ...endpoint, service: submission ? 'submission' : 'smtp' });
    }
  }
  return [...found.values()];
}

function covers(listened: Endpoint, { host, port }: Endpoint): boolean {
  const wildcard = host.includes(':') ? '::' : '0.0.0.0';
  return listened.port === port && (listened.host === host || listened.host === wildcard);
}
