// The servers of a hop in the order in which to try them now. Members of the pair and smart hosts take turns; the exchangers of
// a domain come as DNS prefers them. A smart host is looked up as a domain is, MX first (exchange: Set-SendConnector
// -SmartHosts), but is the administrator's word: it may be this machine, and what DNS says against it holds mail back only.

import { normalizeDomainName } from '../directory/domain-name.ts';
import type { Hop } from './hop.ts';
import type { DeliveryContext } from './delivery-context.ts';
import type { LoadBalance } from './load-balance.ts';
import { type ExchangerHost, findExchangers, type NoExchanger, type Standing } from './mail-exchangers.ts';
import type { Address } from './next-hop.ts';
import type { Peer } from './organisation.ts';

/** A server that may be tried. */
export interface Candidate {
  readonly kind: 'host';
  readonly host: string;
  /** Undefined: still to be looked up. */
  readonly addresses?: readonly Address[];
  /** A member of the pair; undefined for a stranger. */
  readonly peer: Peer | undefined;
}

/** Hops that have servers. */
export type ServedHop = Exclude<Hop, { kind: 'unreachable' | 'drill' }>;

/** Another certificate on record is another reason to hope. */
export function candidateId({ host, peer }: Pick<Candidate, 'host' | 'peer'>): string {
  return `${host.toLowerCase()} ${peer?.certificate.thumbprint ?? ''}`;
}

/** Looked for as they are asked for: a name that is not needed costs nothing. */
export function candidatesFor(
  context: DeliveryContext,
  hop: ServedHop,
): AsyncIterable<Candidate | NoExchanger> | Iterable<Candidate> {
  switch (hop.kind) {
    case 'pair': {
      const peers = hop.peers.map((peer): Candidate => ({ kind: 'host', host: peer.fqdn, peer }));
      return context.balance.order(hop.key, peers, candidateId);
    }
    case 'smart-host':
      return withoutPeer(smartHosts(context, hop));
    case 'dns':
      return withoutPeer(domainExchangers(context, hop));
    default:
      return hop.target.kind === 'maildir' ? [] : [{ kind: 'host', host: hop.target.host, peer: undefined }];
  }
}

async function* withoutPeer(
  exchangers: AsyncIterable<ExchangerHost | NoExchanger>,
): AsyncGenerator<Candidate | NoExchanger> {
  for await (const exchanger of exchangers) {
    yield exchanger.kind === 'host' ? { ...exchanger, peer: undefined } : exchanger;
  }
}

function domainExchangers(
  { addressBook: book, organisation, isOwnPlace, balance, random }: DeliveryContext,
  { domain, port, name }: Extract<Hop, { kind: 'dns' }>,
): AsyncIterable<ExchangerHost | NoExchanger> {
  const ownNames = new Set([organisation().fqdn, name].map((each) => normalizeDomainName(each)));
  const isOwnName = (host: string): boolean => ownNames.has(host);
  return findExchangers({ book, domain, port, isOwnName, isOwnPlace, random, standing: standingOf(balance) });
}

async function* smartHosts(
  { addressBook: book, balance, random }: DeliveryContext,
  { key, hosts, port }: Extract<Hop, { kind: 'smart-host' }>,
): AsyncGenerator<ExchangerHost | NoExchanger> {
  const never = (): boolean => false;
  const asking = { book, port, random, standing: standingOf(balance), isOwnName: never, isOwnPlace: never };
  for (const host of balance.order(key, hosts, strangerId)) {
    for await (const exchanger of findExchangers({ ...asking, domain: host })) {
      yield exchanger.kind === 'host' ? exchanger : { ...exchanger, isCertain: false, reply: explain(host, exchanger) };
    }
  }
}

/** To the administrator, who named the host. */
function explain(host: string, { reply }: NoExchanger): string {
  return `451 4.4.0 The smart host ${host} cannot be found; add it to DNS or to "hosts" in the config (${reply})`;
}

function strangerId(host: string): string {
  return candidateId({ host, peer: undefined });
}

function standingOf(balance: LoadBalance): Standing {
  return {
    rank: (hosts) => balance.rank(hosts, ({ host }) => strangerId(host)),
    isShunned: (host) => balance.isShunned(strangerId(host)),
  };
}
