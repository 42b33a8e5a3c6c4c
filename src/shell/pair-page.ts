// What `relaypair up --page` adds: where the two servers' pages and the door of the laboratory are, a token for each, and the one
// address that a person opens. Tokens stand in that address behind the "#", which no server is sent and no log gets to see.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, type Endpoint, formatEndpoint, netbiosNameOf, readConfig, type Role } from '../config.ts';
import type { AskServer } from '../control/lab-clocks.ts';
import { findFreePort, probePort } from '../free-port.ts';
import { isProblem } from '../problem.ts';

const HOST = '127.0.0.1';
const TOKEN_NAME = 'relaypair up --page';

export interface PageAddresses {
  readonly hub: Endpoint;
  readonly edge: Endpoint;
  readonly laboratory: Endpoint;
}

/** Where they were before, so that a page that is open finds them again, or else at free ports; throws Problem `listen-failed`. */
export async function choosePageAddresses(dir: string): Promise<PageAddresses> {
  const former = readFormer(dir);
  const choose = async (port: number | undefined): Promise<Endpoint> => ({
    host: HOST,
    port: (await takeAgain(port)) ?? (await findFreePort(HOST)),
  });
  return {
    hub: await choose(former.hub),
    edge: await choose(former.edge),
    laboratory: await choose(former.laboratory),
  };
}

function readFormer(dir: string): Partial<Record<keyof PageAddresses, number>> {
  const [hub, edge] = [readWeb(dir, 'hub'), readWeb(dir, 'edge')];
  const laboratory = Number(URL.parse(hub?.laboratory ?? '')?.port) || undefined;
  return Object.fromEntries(
    Object.entries({ hub: portOf(hub), edge: portOf(edge), laboratory }).filter(([, port]) => port !== undefined),
  );
}

function readWeb(dir: string, role: Role): Config['web'] {
  const path = join(dir, `${role}.yaml`);
  if (!existsSync(path)) return undefined;
  try {
    return readConfig(path).web;
  } catch (error) {
    // A file that somebody broke is written anew.
    if (isProblem(error)) return undefined;
    throw error;
  }
}

function portOf(web: Config['web']): number | undefined {
  const place = web?.listen;
  return place?.kind === 'tcp' ? place.port : undefined;
}

async function takeAgain(port: number | undefined): Promise<number | undefined> {
  if (port === undefined || port === 0) return undefined;
  try {
    await probePort({ host: HOST, port });
    return port;
  } catch (error) {
    if (isProblem(error)) return undefined;
    throw error;
  }
}

export function originOf(endpoint: Endpoint): string {
  return `http://${formatEndpoint(endpoint)}`;
}

/** The `web` section of the server of that role. */
export function describeWeb(role: Role, fqdns: Readonly<Record<Role, string>>, addresses: PageAddresses): object {
  const other = role === 'hub' ? 'edge' : 'hub';
  return {
    listen: formatEndpoint(addresses[role]),
    partners: [{ fqdn: fqdns[other], role: other, url: originOf(addresses[other]) }],
    laboratory: originOf(addresses.laboratory),
    allowedOrigins: [originOf(addresses[other])],
  };
}

/** A token that may change things, in place of the one of an earlier run. */
export async function makeToken(ask: AskServer, role: Role): Promise<string> {
  try {
    await ask(role, 'Remove-AccessToken', { Identity: [TOKEN_NAME] });
  } catch (error) {
    if (!isProblem(error, 'not-found')) throw error;
  }
  const { records } = await ask(role, 'New-AccessToken', { Name: [TOKEN_NAME], Access: ['ReadWrite'] });
  const token = records[0]?.['Token'];
  if (typeof token !== 'string') throw new Error('New-AccessToken gave no token');
  return token;
}

/** What a person opens: the Hub's page, which asks all three. */
export function pageAddress(
  addresses: PageAddresses,
  edgeFqdn: string,
  tokens: Readonly<Record<keyof PageAddresses, string>>,
): string {
  const fragment = new URLSearchParams({
    token: tokens.hub,
    [`token-${netbiosNameOf(edgeFqdn)}`]: tokens.edge,
    'token-LABORATORY': tokens.laboratory,
  });
  return `${originOf(addresses.hub)}/#${fragment.toString()}`;
}
