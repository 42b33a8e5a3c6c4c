// What an interop test has seen, for docs/interop.md: written only while `npm run interop` makes that page.

import { appendFileSync } from 'node:fs';

/** The file that facts go to, a JSON line each. */
export const REPORT_VARIABLE = 'RELAYPAIR_INTEROP_REPORT';

export interface InteropFact {
  /** As `test/interop/main.ts` asks it for its version. */
  readonly peer: string;
  readonly as: 'client' | 'server' | 'scanner';
  /** What was done. */
  readonly what: string;
  /** What came of it. */
  readonly result: string;
  /** What the program printed, where that is the result. */
  readonly output?: string;
}

/** To be called after the expectations of a test: what it says has then been seen. */
export function noteInterop(fact: InteropFact): void {
  const file = process.env[REPORT_VARIABLE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(fact)}\n`);
}
