// The servers on this page: the one that it came from and its partners, and what is known of the mail between them.

import { batch, signal } from '@preact/signals';
import { Api, ApiProblem, type ApiRecord } from './api.ts';
import { append } from './bounded.ts';
import { addRecords, type Journeys, type Move } from './journeys.ts';
import { addToLanes, type Lanes } from './lanes.ts';
import { inOrder, type Latency, latenciesOf } from './latency.ts';
import { followAddress } from './navigation.ts';
import type { Role } from '../config.ts';
import { type ListedServer, Server } from './server.ts';
import { takeTokensFromAddress, tokenOf } from './tokens.ts';

/** The servers in the order of the picture: Edges first, since the outside world is on the left. */
export const servers = signal<readonly Server[]>([]);
/** What kept the page from finding out which servers there are. */
export const openingProblem = signal<ApiProblem | undefined>(undefined);
/** Messages that were seen lately, by NetworkMessageId. */
export const journeys = signal<Journeys>(new Map());
export const lanes = signal<Lanes>(new Map());
/** Of the last messages that arrived, in the order of time. */
export const latencies = signal<readonly Latency[]>([]);
/** The steps that came with the last frame. */
export const moves = signal<readonly Move[]>([]);

const MAX_LATENCIES = 400;

/** Finds the servers and begins to read from each. */
export async function openPair(): Promise<void> {
  takeTokensFromAddress();
  followAddress();
  await findServers();
}

/** Once more, after a token was given. */
export async function findServers(): Promise<void> {
  try {
    const listed = await listServers(new Api('', () => tokenOf('')));
    const found = listed.map((each) => new Server(each, takeTracking));
    showServers(found);
    for (const server of servers.peek()) server.connect();
  } catch (error) {
    openingProblem.value = error instanceof ApiProblem ? error : new ApiProblem('unknown', String(error), 0);
  }
}

export function showServers(found: readonly Server[]): void {
  batch(() => {
    openingProblem.value = undefined;
    servers.value = found.toSorted((a, b) => rank(a) - rank(b));
  });
}

/** A server that knows of no partners is alone on the page. */
async function listServers(api: Api): Promise<readonly ListedServer[]> {
  try {
    return await api.get<readonly ListedServer[]>('/api/v1/servers');
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 404) throw error;
    const { Server: name, Fqdn, Role } = await api.get<ListedServer>('/api/v1');
    return [{ Server: name, Fqdn, Role, Url: null }];
  }
}

function rank({ role }: Server): number {
  return role === 'edge' ? 0 : 1;
}

/** Records of message tracking from a server on the page; nothing travels for those that are past. */
export function takeTracking(server: Server, records: readonly ApiRecord[], isPast: boolean): void {
  const names = new Map(servers.value.map(({ fqdn, role }) => [fqdn, role]));
  const added = addRecords(journeys.value, records, { fqdn: server.fqdn, role: server.role, names });
  journeys.value = added.journeys;
  lanes.value = addToLanes(lanes.value, added.moves);
  latencies.value = inOrder(append(latencies.value, latenciesOf(added.moves), MAX_LATENCIES));
  if (!isPast) moves.value = added.moves;
}

/** As before anything was seen. */
export function forgetMail(): void {
  batch(() => {
    journeys.value = new Map();
    lanes.value = new Map();
    latencies.value = [];
    moves.value = [];
  });
}

/** The first Hub or Edge on the page. */
export function serverOf(role: Role): Server | undefined {
  return servers.value.find((server) => server.role === role);
}
