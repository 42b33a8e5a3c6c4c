// What the MX records of a domain say about where to try it, and in which order. Pure: chance is handed in. RFC 5321 §5.1,
// RFC 7505 §3.

import { normalizeDomainName } from '../directory/domain-name.ts';
import type { MailExchanger } from '../dns/resolver.ts';

export interface MxQuestion {
  /** Whether mail given to this host would come back here: in lower case, as A-labels. */
  readonly isOwnName: (host: string) => boolean;
  /** From 0 up to, and without, 1. */
  readonly random: () => number;
}

export type MxReading =
  /** The null MX: this domain takes no mail. */
  | { readonly kind: 'refuses-mail' }
  | {
      readonly kind: 'exchangers';
      /** Hosts that may be tried; those of one group are equal and in an order of chance, an earlier group is preferred. */
      readonly groups: readonly (readonly string[])[];
      /** This server is among the exchangers: itself and whatever is no better is left out, or mail would go in a circle. */
      readonly endsWithUs: boolean;
    };

/** Of a longer list the best are tried. */
export const MAX_EXCHANGERS = 10;

/** Reads at least one MX record. Names that are none (addresses, rubbish, the root among others) are left out. */
export function readMx(records: readonly MailExchanger[], { isOwnName, random }: MxQuestion): MxReading {
  if (records.length === 1 && isRoot(records[0])) return { kind: 'refuses-mail' };
  const groups = groupByPreference(records);
  const own = groups.findIndex((group) => group.some(isOwnName));
  const better = own < 0 ? groups : groups.slice(0, own);
  return {
    kind: 'exchangers',
    groups: firstHosts(
      better.map((group) => shuffle(group, random)),
      MAX_EXCHANGERS,
    ),
    endsWithUs: own >= 0,
  };
}

function isRoot(record: MailExchanger | undefined): boolean {
  return record?.exchange === '' || record?.exchange === '.';
}

/** Each name once, with the best of its preferences. */
function groupByPreference(records: readonly MailExchanger[]): readonly (readonly string[])[] {
  const best = new Map<string, number>();
  for (const { exchange, preference } of records) {
    const host = normalizeDomainName(exchange);
    if (host !== undefined) best.set(host, Math.min(preference, best.get(host) ?? preference));
  }
  const byPreference = Map.groupBy(best, ([, preference]) => preference);
  return [...byPreference].toSorted(([a], [b]) => a - b).map(([, hosts]) => hosts.map(([host]) => host));
}

function firstHosts(groups: readonly (readonly string[])[], limit: number): readonly (readonly string[])[] {
  let left = limit;
  return groups
    .map((group) => {
      const taken = group.slice(0, left);
      left -= taken.length;
      return taken;
    })
    .filter((group) => group.length > 0);
}

/** Every order is as likely as every other (Fisher and Yates). */
export function shuffle<T>(items: readonly T[], random: () => number): readonly T[] {
  const shuffled: T[] = [];
  items.forEach((item, index) => {
    const place = Math.floor(random() * (index + 1));
    // What stood there goes to the end.
    shuffled.push(shuffled[place] ?? item);
    shuffled[place] = item;
  });
  return shuffled;
}
