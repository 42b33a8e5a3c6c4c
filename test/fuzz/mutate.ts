// Inputs that are nearly right: a sound one with a few of its tokens exchanged, doubled, left out or moved, and a few of its octets.

import type { Chance } from '../crash/chance.ts';

/** Octets that parsers stumble over. */
const AWKWARD = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '.',
  '\r\n.\r\n',
  '\n.\n',
  '\x1b',
  '\xff',
  '\xc2\x9b',
  '<',
  '>',
  '"',
  '\\',
  ' ',
  '-',
  '0',
  '9',
];

export function pick<T>(chance: Chance, list: readonly T[]): T {
  return list[chance.below(list.length)] as T;
}

/** True about once in `times`. */
export function happens(chance: Chance, times: number): boolean {
  return chance.below(times) === 0;
}

/** Exchanges, doubles, leaves out and moves a few of the tokens; `others` are what comes in place of one. */
export function mutateTokens<T>(chance: Chance, tokens: readonly T[], others: readonly T[]): T[] {
  const mutated = [...tokens];
  for (let left = chance.below(4); left > 0 && mutated.length > 0; left -= 1) {
    const at = chance.below(mutated.length);
    const changes: (() => unknown)[] = [
      () => mutated.splice(at, 1, pick(chance, others)),
      () => mutated.splice(at, 0, pick(chance, others)),
      () => mutated.splice(at, 0, mutated[at] as T),
      () => mutated.splice(at, 1),
      () => mutated.push(...mutated.splice(at, 1)),
    ];
    pick(chance, changes)();
  }
  return mutated;
}

/** Half of them unchanged; the others with one to four octets changed, put in, repeated or cut out. */
export function mutateOctets(chance: Chance, octets: Buffer): Buffer {
  if (happens(chance, 2)) return octets;
  let mutated = octets;
  for (let left = 1 + chance.below(4); left > 0; left -= 1) mutated = mutateOnce(chance, mutated);
  return mutated;
}

function mutateOnce(chance: Chance, octets: Buffer): Buffer {
  const at = chance.below(octets.length + 1);
  const span = at + chance.below(8);
  const [head, middle, tail] = [octets.subarray(0, at), octets.subarray(at, span), octets.subarray(span)];
  switch (chance.below(6)) {
    case 0:
      return Buffer.concat([head, Buffer.from(pick(chance, AWKWARD), 'latin1'), middle, tail]);
    case 1:
      return Buffer.concat([head, Buffer.from(middle.map((octet) => octet ^ (1 << chance.below(8)))), tail]);
    case 2:
      return Buffer.concat([head, tail]);
    case 3:
      return Buffer.concat([head, ...Array.from({ length: 1 + chance.below(300) }, () => middle), tail]);
    case 4:
      return Buffer.concat([head, Buffer.from([chance.below(256)]), tail]);
    default:
      return head;
  }
}

/** The whole in up to four pieces, as a network might cut it. */
export function cut(chance: Chance, octets: Buffer): Buffer[] {
  const places = Array.from({ length: chance.below(4) }, () => chance.below(octets.length + 1)).toSorted(
    (a, b) => a - b,
  );
  return [0, ...places].map((from, index) => octets.subarray(from, places[index]));
}
