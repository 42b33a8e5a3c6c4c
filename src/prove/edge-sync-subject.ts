// The proof on the other leg of the pair: EdgeSync, from the Hub to the Edge's directory over LDAPS. There is one policy and no mail; a
// round either carries what AD says, in TLS, or is run again.

import { setTimeout as delay } from 'node:timers/promises';
import { judge, requirementFor } from '../trust/policies.ts';
import { type Cell, type Finding, type Heading, textOf } from './matrix.ts';
import type { PairGround } from './pair-ground.ts';
import { DEFAULT_SETTINGS } from './pair-policies.ts';
import { NOW, provenCertificate, provenOutcome, type Situation } from './rules.ts';
import { WIRE_EVENTS, type WireEvent } from './wire-events.ts';

export const EDGE_SYNC: Heading = { id: 'edge-sync', title: 'EdgeSync, Hub to Edge over LDAPS' };

/** There is no STARTTLS to do something to, and nobody gives a round up for having waited. */
export const SYNC_EVENTS: readonly WireEvent[] = WIRE_EVENTS.filter(
  ({ faults, hasWaited }) => hasWaited !== true && faults.every(({ at }) => /^(?:Client|Server)Hello$/.test(at)),
);

const CLOSING_LIMIT_MS = 2000;

/** One round, by hand, while the faults last. */
export async function proveRound(
  pair: PairGround,
  event: Heading,
  { faults, ...situation }: Pick<WireEvent, 'faults'> & Pick<Situation, 'onRecord' | 'own' | 'wire'>,
): Promise<Cell> {
  const box = pair.syncBox;
  box.setFaults(faults);
  const { records, failures = [] } = await pair.ground.ask('hub', 'Start-EdgeSynchronization');
  await Promise.race([box.waitForEnded(1), delay(CLOSING_LIMIT_MS, undefined, { signal: pair.ground.signal })]);
  const connections = box.observations();
  box.setFaults([]);
  const results = records.map((record) => textOf(record, 'Result'));
  const isCarried = results.length > 0 && results.every((result) => result === 'Success');
  return {
    event: event.id,
    policy: EDGE_SYNC.id,
    outcome: isCarried ? 'tls' : 'waits',
    reason: [...new Set(results)].join(', '),
    expected: promiseOfRound(situation),
    remarks: failures,
    cards: [],
    connections,
    captures: [],
  };
}

/** In the words of Start-EdgeSynchronization: who cannot be reached is one thing, whoever answers and will not do is another. */
export function promiseOfRound({
  onRecord = 'valid',
  own,
  wire,
}: Pick<Situation, 'onRecord' | 'own' | 'wire'>): Finding {
  const requirement = requirementFor(
    {
      purpose: 'edgesync',
      stance: 'opportunistic',
      peer: { fqdn: 'receiver.test', certificate: provenCertificate('receiver', onRecord) },
      own: provenCertificate('sender', own),
      settings: DEFAULT_SETTINGS,
    },
    NOW,
  );
  const policy = { stance: 'opportunistic', settings: { ...DEFAULT_SETTINGS, expiredCertificate: 'KeepTls' } } as const;
  const verdict = judge(requirement, provenOutcome({ onRecord, own, wire, policy }), { now: NOW, hasWaited: false });
  if (verdict.action === 'proceed') return { outcome: 'tls', reason: 'Success' };
  const isCut = wire.seenAs.kind === 'failed' && !['alert', 'protocol'].includes(wire.seenAs.cause);
  return { outcome: 'waits', reason: isCut ? 'CouldNotConnect' : 'Aborted' };
}
