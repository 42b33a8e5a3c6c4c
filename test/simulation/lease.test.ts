// The claims of a shared spool under everything that goes wrong, simulated: the protocol holds, and each of its rules is needed, since
// without it the simulation finds what must never be.

import { describe, expect, it } from 'vitest';
import { BREACHES } from './simulated-node.ts';
import { simulate } from './simulation.ts';

describe('the lease of a shared spool', () => {
  it.each([1, 2])('holds among a hundred servers, seed %i', (seed) => {
    const result = simulate({ seed, nodes: 100, minutes: 4 });
    expect(result.breaches).toEqual([]);
    expect(result.settled).toBe(result.accepted);
    // That things went wrong shows that something was tried.
    for (const count of [result.deaths, result.stops, result.primaryChanges, result.lostStatements, result.duplicates])
      expect(count).toBeGreaterThan(0);
  });

  it('is the same for the same seed', () => {
    const options = { seed: 5, nodes: 10, minutes: 2 };
    expect(simulate(options)).toEqual(simulate(options));
  });

  it.each(BREACHES.filter((breach) => breach !== 'none'))('is found broken: %s', (breach) => {
    const options = { nodes: 60, minutes: 10, breach, endsWhenBroken: true };
    const breaks = (seed: number) => simulate({ ...options, seed }).breaches.length > 0;
    expect([1, 2, 3].some(breaks)).toBe(true);
  });
});
