// Facts that several scenarios look at.

import { setTimeout as pause } from 'node:timers/promises';
import { type Role, ROLES } from '../config.ts';
import type { Fact, Scene } from './scenario.ts';

const POLL_MS = 20;
/** A limit against waiting for ever, not a measure. */
const LIMIT_MS = 15_000;

/** What is written down comes a moment after what happens: a fact may become one. */
export async function comesToHold({ holds }: Fact, scene: Scene, patienceMs = LIMIT_MS): Promise<boolean> {
  for (const limitMs = performance.now() + patienceMs; performance.now() < limitMs; await pause(POLL_MS)) {
    if (await holds(scene)) return true;
  }
  return false;
}

const NAMES: Readonly<Record<Role, string>> = { hub: 'the Hub', edge: 'the Edge' };

/** What a stranger reads after EHLO. */
export function offersStartTls(role: Role, isOffered: boolean): Fact {
  return {
    says: `${NAMES[role]} ${isOffered ? 'offers' : 'does not offer'} STARTTLS`,
    holds: async ({ pair }) => (await pair.keywords(role)).includes('STARTTLS') === isOffered,
  };
}

/** An event in a server's log. */
export function hasEvent(role: Role, id: number, meaning: string): Fact {
  return {
    says: `${NAMES[role]} has event ${id} in its log: ${meaning}`,
    holds: async ({ pair }) => (await pair.ask(role, 'Get-EventLog', { EventId: String(id) })).length > 0,
  };
}

export const nothingBounced: Fact = {
  says: 'nothing has bounced: neither server has made a report of non-delivery',
  holds: async ({ pair }) => {
    const failures = await Promise.all(
      ROLES.map((role) => pair.ask(role, 'Get-MessageTrackingLog', { EventId: 'FAIL' })),
    );
    return failures.flat().length === 0;
  },
};

/** EdgeSync carries a password and is never in clear. */
export const synchronizes: Fact = {
  says: 'Start-EdgeSynchronization succeeds',
  holds: async ({ pair }) => {
    const reports = await pair.ask('hub', 'Start-EdgeSynchronization');
    return reports.length > 0 && reports.every(({ Result: result }) => result === 'Success');
  },
};

/** A letter that a step has handed in arrived once and octet for octet, however it travelled. */
export function arrivedWhole(letter: string): Fact {
  return {
    says: `the letter "${letter}" arrived once and octet for octet`,
    holds: async (scene) => {
      const { delivered, content } = await traced(scene, letter);
      return delivered.length === 1 && delivered[0]?.content.subarray(-content.length).equals(content) === true;
    },
  };
}

/** Handed in by an earlier step, and by now delivered. */
function traced({ pair, letters }: Scene, letter: string): ReturnType<Scene['pair']['message']> {
  const sent = letters.get(letter);
  if (!sent) throw new Error(`no step has handed in the letter "${letter}"`);
  return pair.message(sent, 'delivered');
}
