// Every guided scenario of the table is played and must be as it tells; its page is what its definition says.

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { firstDifference } from '../../src/scenarios/comparable-card.ts';
import { comesToHold } from '../../src/scenarios/facts.ts';
import { formatIndex, formatPage } from '../../src/scenarios/page.ts';
import { playScenario } from '../../src/scenarios/playing.ts';
import type { Scenario, Scene } from '../../src/scenarios/scenario.ts';
import { SCENARIOS } from '../../src/scenarios/scenarios.ts';
import { stripping } from '../../src/scenarios/stripping.ts';

const LIMIT = { timeout: 240_000 };
const PAGES = new URL('../../docs/lab/', import.meta.url).pathname;

function lettersOf({ steps }: Scenario): string[] {
  return [...new Set(steps.flatMap(({ letters = [] }) => letters.map(({ letter }) => letter)))];
}

describe.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s', (name, scenario) => {
  it('is as it tells', LIMIT, async () => {
    const seen: string[] = [];
    const { broken, cards } = await playScenario(scenario, {
      onStep: (_step, number) => seen.push(`step ${number}`),
      onLetter: ({ letter }) => seen.push(letter),
    });
    expect(broken).toBeUndefined();
    expect(new Set(seen)).toEqual(
      new Set([...scenario.steps.map((_, index) => `step ${index + 1}`), ...lettersOf(scenario)]),
    );
    expect(new Set(cards.map(({ letter }) => letter))).toEqual(new Set(lettersOf(scenario)));
  });

  it('has its page, which is written anew by "vitest run test/contract/scenario.test.ts -t page -u"', async () => {
    await expect(formatPage(scenario)).toMatchFileSnapshot(`${PAGES}${name}.md`);
  });
});

describe('the table of scenarios', () => {
  it('has a page that lists them, and no page more', async () => {
    await expect(formatIndex(SCENARIOS)).toMatchFileSnapshot(`${PAGES}README.md`);
    const pages = ['README.md', ...SCENARIOS.map(({ name }) => `${name}.md`)];
    expect(readdirSync(PAGES).toSorted()).toEqual(pages.toSorted());
  });
});

describe('the playing', () => {
  it('ends at the first letter that does not become what is told', LIMIT, async () => {
    const [first] = stripping.steps;
    const untrue: Scenario = {
      ...stripping,
      steps: [
        {
          tells: 'Nobody strips anything.',
          letters: [{ letter: 'x', becomes: 'in clear', reason: 'downgrade-suspected' }],
        },
        ...(first ? [first] : []),
      ],
    };
    const { broken, cards } = await playScenario(untrue);
    expect(broken).toMatch(
      /^the letter "x": .* travels in clear, downgrade-suspected: it is delivered, .* tls, direct-trust/,
    );
    expect(cards).toHaveLength(4);
  });

  it('lets a fact have its time to become one, and not for ever', async () => {
    const scene = {} as Scene;
    let looks = 0;
    const becomes = { says: 'it becomes one', holds: () => Promise.resolve(++looks > 2) };
    expect(await comesToHold(becomes, scene)).toBe(true);
    const never = { says: 'pigs fly', holds: () => Promise.resolve(false) };
    expect(await comesToHold(never, scene, 50)).toBe(false);
  });

  it('leaves the same cards each time', LIMIT, async () => {
    const playings = [];
    for (let time = 1; time <= 3; time++) playings.push(await playScenario(stripping));
    const [first, ...others] = playings;
    expect(first?.cards.length).toBeGreaterThan(10);
    for (const { cards } of others) expect(firstDifference(first?.cards ?? [], cards)).toBeUndefined();
  });
});
