// Finds a server of a hop that can be used: by turns, each judged by what the directory says of that one. A server that is
// away or disagrees with the directory is passed over with the reason; when none can be used, the most telling reason defers.

import { isIP } from 'node:net';
import { certificatesHeld } from '../tls/on-record.ts';
import { type Candidate, candidateId, candidatesFor, type ServedHop } from './candidates.ts';
import type { DeliveryContext } from './delivery-context.ts';
import { factsWithoutPeer, type Hop, type HopFacts, type PassedOver } from './hop.ts';
import { type Address, explainUnknown, findAddresses } from './next-hop.ts';
import type { Peer } from './organisation.ts';
import { isNowhereElse } from './own-address.ts';
import { type OpenedSmtp, openSmtpHop } from './smtp-hop.ts';

export interface Search {
  readonly context: DeliveryContext;
  readonly hop: ServedHop;
  readonly hasWaited: boolean;
}

type ReadySmtp = Extract<OpenedSmtp, { kind: 'ready' }>;
type Deferral = { readonly kind: 'deferred' } & PassedOver;
/** Nobody will ever take it there. */
type Refusal = { readonly kind: 'refused' } & PassedOver;

/** A session with a server of the hop, its facts complete, or why there is none now, or none at all. */
export type Found = (ReadySmtp & { readonly candidate: Candidate }) | Deferral | Refusal;

/** The first server that can be used; those tried before it are on its record. */
export async function findServer(search: Search): Promise<Found> {
  const { context, hop } = search;
  const passedOver: (Deferral | Refusal)[] = [];
  for await (const candidate of candidatesFor(context, hop)) {
    if (candidate.kind === 'none') {
      const { host, reply, isCertain } = candidate;
      context.balance.note(candidateId({ host, peer: undefined }), false);
      passedOver.push({ kind: isCertain ? 'refused' : 'deferred', facts: factsWithoutPeer(hop, host), reply });
      continue;
    }
    const opened = await context.balance.try(
      candidateId(candidate),
      () => openCandidate(search, candidate),
      // One that was reached and will not do for these messages may be the right one for all others.
      ({ kind }) => kind !== 'deferred',
    );
    if (opened.kind === 'ready') return { ...opened, facts: withPassedOver(opened.facts, passedOver), candidate };
    passedOver.push(opened);
  }
  return chooseEnding(hop, passedOver);
}

/**
 * Of several reasons to wait the one that trust gave: somebody has to see to it, while a dead server may come back by itself.
 * As long as one server may still come back, nothing is refused.
 */
function chooseEnding(hop: Hop, passedOver: readonly (Deferral | Refusal)[]): Deferral | Refusal {
  const deferrals = passedOver.filter(({ kind }) => kind === 'deferred');
  const ofTrust = deferrals.find(({ facts }) => facts.reason !== 'connection-failed');
  const chosen = ofTrust ?? deferrals.at(-1) ?? passedOver.at(-1);
  if (!chosen) return defer(factsWithoutPeer(hop), '451 4.4.0 No server is known for this next hop');
  const others = passedOver.filter((each) => each !== chosen);
  return { ...chosen, facts: withPassedOver(chosen.facts, others) };
}

function defer(facts: HopFacts, reply: string): Deferral {
  return { kind: 'deferred', facts, reply };
}

function withPassedOver(facts: HopFacts, passedOver: readonly PassedOver[]): HopFacts {
  if (passedOver.length === 0) return facts;
  return { ...facts, passedOver: passedOver.map(({ facts: others, reply }) => ({ facts: others, reply })) };
}

async function openCandidate(search: Search, candidate: Candidate): Promise<ReadySmtp | Deferral | Refusal> {
  const facts = factsWithoutPeer(search.hop, candidate.host);
  const addresses = candidate.addresses ?? (await addressesOf(search, candidate.host));
  if (typeof addresses === 'string') return defer(facts, addresses);
  const within = addresses.filter(({ host }) => isReachableFrom(search.hop.sourceAddress, host));
  if (addresses.length > 0 && within.length === 0) return defer(facts, explainFamily(search.hop, candidate.host));
  let last: Deferral | Refusal = defer(facts, `451 4.4.0 No address is known for ${candidate.host}`);
  for (const address of within) {
    const opened = await openAddress(search, address, candidate.peer);
    if (opened.kind === 'ready') return opened;
    last = { kind: opened.kind, facts: opened.facts, reply: opened.reply };
    // A server that was reached and judged has answered for its name: its other addresses are the same server.
    if (opened.isReachable) break;
  }
  return last;
}

/** A deferral by a record that changed while the peer was dialled proves nothing: it is dialled again, once, under the new one. */
async function openAddress(search: Search, address: Address, peer: Peer | undefined): Promise<OpenedSmtp> {
  const opened = await dialAddress(search, address, peer);
  const renewed = opened.kind === 'deferred' && opened.isReachable ? renewedRecordOf(search, peer) : undefined;
  return renewed ? dialAddress(search, address, renewed) : opened;
}

/** The peer as it is on record now, if under other certificates than before. */
function renewedRecordOf({ context }: Search, peer: Peer | undefined): Peer | undefined {
  const current = context.organisation().peers.find(({ fqdn }) => fqdn === peer?.fqdn);
  return current && peer && describeHeld(current) !== describeHeld(peer) ? current : undefined;
}

function describeHeld(peer: Peer): string {
  return certificatesHeld(peer)
    .map(({ certificate }) => certificate.sha256)
    .join();
}

function dialAddress(
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
    // What does not leave the machine needs no TLS.
    demand: hop.kind === 'mailbox' && isNowhereElse(address.host) ? undefined : hop.demand,
    names: namesOf(hop),
    connector: hop.connector,
    tls: hop.tls,
    sourceAddress: hop.sourceAddress,
    name: 'name' in hop ? hop.name : organisation.fqdn,
    own: context.ownKeyPair(),
    settings: organisation.transportConfig,
    now: () => context.clock.now(),
    lmtp: hop.kind === 'mailbox' && hop.target.kind === 'lmtp',
    handshakeTimeoutMs: context.handshakeTimeoutMs,
    log: context.log,
    tap: context.tap,
  });
}

/** An address of one family cannot send to one of the other. */
function isReachableFrom(source: string | undefined, host: string): boolean {
  return source === undefined || isIP(source) === isIP(host);
}

function explainFamily({ connector, sourceAddress = '' }: ServedHop, host: string): string {
  const family = isIP(sourceAddress) === 6 ? 'IPv6' : 'IPv4';
  return `451 4.4.0 ${host} has no ${family} address, and "${connector}" sends from ${sourceAddress} alone (SourceIPAddress)`;
}

/** Whom the sender, or an administrator, means by the hop. */
function namesOf(hop: ServedHop): readonly string[] {
  if (hop.kind === 'dns') return [hop.domain];
  if (hop.kind === 'smart-host') return hop.hosts;
  return hop.kind === 'mailbox' && hop.target.kind !== 'maildir' ? [hop.target.host] : [];
}

/** A reply instead of addresses when the name is not known. */
async function addressesOf({ context, hop }: Search, host: string): Promise<readonly Address[] | string> {
  const found = await findAddresses(context.addressBook, host, portOf(hop));
  return found.kind === 'found' ? found.addresses : `451 4.4.0 ${explainUnknown(found)}`;
}

/** Where the hosts table names no other. */
function portOf(hop: ServedHop): number {
  if (hop.kind !== 'mailbox') return hop.port;
  return hop.target.kind === 'maildir' ? 0 : hop.target.port;
}
