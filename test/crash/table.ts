// What a run is summed up in, for people.

import type { Verdict } from './ledger.ts';
import type { PowerCutReport } from './power-cut.ts';

export interface Result {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: readonly string[];
  /** Faults by where they struck. */
  readonly counts: Readonly<Record<string, number>>;
  readonly powerCuts: PowerCutReport;
  readonly verdict: Verdict;
}

export function formatTable({ seed, minutes, faults, counts, powerCuts, verdict }: Result): string {
  const width = Math.max(...Object.keys(counts).map((kind) => kind.length), 'doubled outside the window'.length);
  const row = (name: string, value: number | string): string => `${name.padEnd(width)}  ${String(value).padStart(6)}`;
  const copies = verdict.duplicates.filter(({ isAllowed }) => isAllowed);
  return [
    ...Object.entries(counts)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([kind, number]) => row(kind, number)),
    '',
    row('power cuts', powerCuts.cuts),
    row('power cuts that lost something', powerCuts.faults.length),
    row('kills', verdict.kills),
    row('letters', verdict.letters),
    row('acknowledged', verdict.acknowledged),
    row('refused for now', verdict.refused),
    row('delivered, reports included', verdict.delivered),
    row('doubled inside the window', copies.length),
    row('doubled outside the window', verdict.duplicates.length - copies.length),
    row('altered, half or uninvited', verdict.strange.length),
    row('lost', verdict.lost.length),
    '',
    ...copies.map(({ key, copies: number, because }) => `${key} came ${number} times: ${because.join('; ')}`),
    ...faults.map((fault) => `FAULT ${fault}`),
    `seed ${seed}, ${minutes.toFixed(1)} minutes`,
  ].join('\n');
}
