// Finds a server of a hop that can be used: by turns, each judged by what the directory says of that one. A server that is
// away or disagrees with the directory is passed over with the reason; when none can be used, the most telling reason defers.

import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { isProblem } from '../problem.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import { factsWithoutPeer, type Hop, type HopFacts, type PassedOver } from './hop.ts';
import type { LoadBalance } from './load-balance.ts';
import { type Address, type AddressBook, findAddresses } from './next-hop.ts';
import type { Organisation, Peer } from './organisation.ts';
import { type OpenedSmtp, openSmtpHop } from './smtp-hop.ts';

export interface DeliveryContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly organisation: () => Organisation;
  readonly addressBook: AddressBook;
  readonly handshakeTimeoutMs: number;
  /** Whose turn it is where a hop has several servers. */
  readonly balance: LoadBalance;
  /** The internal transport certificate with its key, at the moment of asking. */
  readonly ownKeyPair: () => KeyPair | undefined;
}

/** A server that may be tried. */
export interface Candidate {
  readonly host: string;
  /** A member of the pair; undefined for a stranger. */
  readonly peer: Peer | undefined;
}

export interface Search {
  readonly context: DeliveryContext;
  readonly hop: Exclude<Hop, { kind: 'unreachable' }>;
  readonly hasWaited: boolean;
  readonly port: number;
  readonly candidates: readonly Candidate[];
}

type ReadySmtp = Extract<OpenedSmtp, { kind: 'ready' }>;
type Deferral = { readonly kind: 'deferred' } & PassedOver;

/** A session with a server of the hop, its facts complete, or why there is none now. */
export type Found = (ReadySmtp & { readonly candidate: Candidate }) | Deferral;

/** The first server that can be used; those tried before it are on its record. */
export async function findServer(search: Search): Promise<Found> {
  const { context, hop } = search;
  const passedOver: PassedOver[] = [];
  for (const candidate of context.balance.order(hop.key, search.candidates, candidateId)) {
    const opened = await context.balance.try(
      candidateId(candidate),
      () => openCandidate(search, candidate),
      ({ kind }) => kind === 'ready',
    );
    if (opened.kind === 'ready') return { ...opened, facts: withPassedOver(opened.facts, passedOver), candidate };
    passedOver.push({ facts: opened.facts, reply: opened.reply });
  }
  return chooseDeferral(hop, passedOver);
}

/** Another certificate on record is another reason to hope. */
function candidateId({ host, peer }: Candidate): string {
  return `${host.toLowerCase()} ${peer?.certificate.thumbprint ?? ''}`;
}

/** Of several reasons to wait the one that trust gave: somebody has to see to it, while a dead server may come back by itself. */
function chooseDeferral(hop: Hop, deferrals: readonly PassedOver[]): Deferral {
  const chosen = deferrals.find(({ facts }) => facts.reason !== 'connection-failed') ?? deferrals.at(-1);
  if (!chosen) return defer(factsWithoutPeer(hop), '451 4.4.0 No server is known for this next hop');
  const others = deferrals.filter((deferral) => deferral !== chosen);
  return defer(withPassedOver(chosen.facts, others), chosen.reply);
}

function defer(facts: HopFacts, reply: string): Deferral {
  return { kind: 'deferred', facts, reply };
}

function withPassedOver(facts: HopFacts, passedOver: readonly PassedOver[]): HopFacts {
  return passedOver.length === 0 ? facts : { ...facts, passedOver };
}

async function openCandidate(search: Search, candidate: Candidate): Promise<ReadySmtp | Deferral> {
  const { context, hop, port } = search;
  const facts = factsWithoutPeer(hop, candidate.host);
  const addresses = await addressesOf(context, candidate.host, port);
  if (typeof addresses === 'string') return defer(facts, addresses);
  let last = defer(facts, `451 4.4.0 No address is known for ${candidate.host}`);
  for (const address of addresses) {
    const opened = await openAddress(search, address, candidate.peer);
    if (opened.kind === 'ready') return opened;
    last = defer(opened.facts, opened.reply);
    // A server that was reached and judged has answered for its name: its other addresses are the same server.
    if (opened.isReachable) break;
  }
  return last;
}

function openAddress(
  { context, hop, hasWaited }: Search,
  address: Address,
  peer: Peer | undefined,
): Promise<OpenedSmtp> {
  const organisation = context.organisation();
  return openSmtpHop({
    address,
    peer,
    hasWaited,
    stance: hop.kind === 'mailbox' ? 'opportunistic' : hop.stance,
    connector: hop.connector,
    name: hop.kind === 'smart-host' ? hop.name : organisation.fqdn,
    own: context.ownKeyPair(),
    settings: organisation.transportConfig,
    now: () => context.clock.now(),
    lmtp: hop.kind === 'mailbox' && hop.target.kind === 'lmtp',
    handshakeTimeoutMs: context.handshakeTimeoutMs,
    log: context.log,
  });
}

/** A sentence instead of addresses when the name is not known. */
async function addressesOf(context: DeliveryContext, host: string, port: number): Promise<readonly Address[] | string> {
  try {
    return await findAddresses(context.addressBook, host, port);
  } catch (error) {
    if (isProblem(error, 'host-not-found')) return `451 4.4.0 ${error.message}`;
    throw error;
  }
}
