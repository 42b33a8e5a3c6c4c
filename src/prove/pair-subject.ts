// The proof on the pair itself: both directions, certificates out of their dates on either side and on both, records that are stale,
// and everything that can happen on the wire, against every policy. What the rules promise is what must come.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Role, ROLES } from '../config.ts';
import type { Validity } from '../tls/certificate.ts';
import { tryOnce } from './attempt.ts';
import { EDGE_SYNC, proveRound, SYNC_EVENTS } from './edge-sync-subject.ts';
import type { Cell, Heading, Matrix } from './matrix.ts';
import { INSIDE, OUTSIDE, PairGround, type World } from './pair-ground.ts';
import { PAIR_POLICIES, type PairPolicy } from './pair-policies.ts';
import type { Progress } from './progress.ts';
import type { Place } from './proving-ground.ts';
import { promise, type Situation } from './rules.ts';
import { anonymousTlsFaults, WIRE_EVENTS, type WireEvent } from './wire-events.ts';

export interface PairProof extends Place {
  readonly progress: Progress;
  /** Which rows and columns are wanted. */
  readonly isRow: (heading: Heading) => boolean;
  readonly isColumn: (heading: Heading) => boolean;
}

interface Direction extends Heading {
  readonly sender: Role;
  readonly receiver: Role;
}

const DIRECTIONS: readonly Direction[] = [
  { id: 'hub-to-edge', title: 'Hub to Edge', sender: 'hub', receiver: 'edge' },
  { id: 'edge-to-hub', title: 'Edge to Hub', sender: 'edge', receiver: 'hub' },
];

/** Named by who is out of its dates: sender and receiver change places with the direction. */
interface DatesEvent extends Heading {
  readonly sender: Validity;
  readonly receiver: Validity;
}

const WORDS = { expired: 'expired', 'not-yet-valid': 'not yet valid' } as const;

const DATES_EVENTS: readonly DatesEvent[] = (['expired', 'not-yet-valid'] as const).flatMap((dates) => [
  { id: `receiver-${dates}`, title: `receiver's certificate ${WORDS[dates]}`, sender: 'valid', receiver: dates },
  { id: `sender-${dates}`, title: `sender's certificate ${WORDS[dates]}`, sender: dates, receiver: 'valid' },
  { id: `both-${dates}`, title: `both certificates ${WORDS[dates]}`, sender: dates, receiver: dates },
]);

interface StaleEvent extends Heading {
  /** Whose certificate was replaced while the other was not told. */
  readonly who: 'sender' | 'receiver';
}

const STALE_EVENTS: readonly StaleEvent[] = [
  { id: 'receiver-stale', title: "receiver's certificate replaced, record stale", who: 'receiver' },
  { id: 'sender-stale', title: "sender's certificate replaced, record stale", who: 'sender' },
];

const UNKNOWN_RECEIVER = { seenAs: { kind: 'established', shown: 'unknown' } } as const;
const SEEN_AS_IT_IS = { seenAs: { kind: 'established', shown: 'current' } } as const;
const CLEAN = WIRE_EVENTS.filter(({ id }) => id === 'clean');

/** One matrix for each direction of mail, and one for EdgeSync. */
export async function provePair(proof: PairProof): Promise<readonly Matrix[]> {
  const policies = PAIR_POLICIES.filter(proof.isColumn);
  const cells = new Map<string, Cell[]>([...DIRECTIONS, EDGE_SYNC].map(({ id }) => [id, []]));
  const add: Add = (direction, cell) => {
    cells.get(direction.id)?.push(cell);
    proof.progress.cell(direction.title, cell);
  };
  await proveWire(proof, policies, add);
  await proveDates(proof, policies, add);
  const events = [...WIRE_EVENTS, ...STALE_EVENTS, ...DATES_EVENTS].filter(proof.isRow);
  const rounds = [...SYNC_EVENTS, ...STALE_EVENTS, ...DATES_EVENTS].filter(proof.isRow);
  return [
    ...DIRECTIONS.map(({ id, title }) => ({ id, title, events, policies, cells: cells.get(id) ?? [] })),
    { ...EDGE_SYNC, events: rounds, policies: [EDGE_SYNC], cells: cells.get(EDGE_SYNC.id) ?? [] },
  ];
}

type Add = (direction: Heading, cell: Cell) => void;

async function proveWire(proof: PairProof, policies: readonly PairPolicy[], add: Add): Promise<void> {
  const events = WIRE_EVENTS.filter(proof.isRow);
  const stale = STALE_EVENTS.filter(proof.isRow);
  if (events.length + stale.length === 0) return;
  await inWorld(proof, { hub: 'valid', edge: 'valid' }, async (pair) => {
    for (const policy of policies) {
      await pair.apply(policy);
      for (const wire of events)
        await inBothDirections((direction) => proveCell(pair, { direction, policy, event: wire, wire }), add);
      if (stale.length > 0) await proveStale(pair, { policy, events: stale }, add);
    }
    if (proof.isColumn(EDGE_SYNC)) await proveRounds(proof, pair, add);
  });
}

async function proveRounds({ isRow }: PairProof, pair: PairGround, add: Add): Promise<void> {
  const valid = { onRecord: 'valid', own: 'valid' } as const;
  for (const wire of SYNC_EVENTS.filter(isRow))
    add(EDGE_SYNC, await proveRound(pair, wire, { ...valid, faults: wire.faults, wire }));
  for (const event of STALE_EVENTS.filter(isRow)) {
    const replaced = event.who === 'sender' ? 'hub' : 'edge';
    await pair.replaceCertificate(replaced);
    const wire = replaced === 'edge' ? UNKNOWN_RECEIVER : SEEN_AS_IT_IS;
    add(EDGE_SYNC, await proveRound(pair, event, { ...valid, faults: [], wire }));
    if (replaced === 'edge') await pair.subscribe();
  }
}

/** The Hub's new certificate comes to the Edge by a synchronization, the Edge's to the Hub by a new subscription. */
async function proveStale(
  pair: PairGround,
  { policy, events }: { policy: PairPolicy; events: readonly StaleEvent[] },
  add: Add,
): Promise<void> {
  for (const replaced of ROLES) {
    await pair.replaceCertificate(replaced);
    for (const event of events) {
      const direction = DIRECTIONS.find((each) => each[event.who] === replaced);
      const [wire] = CLEAN;
      if (direction && wire)
        add(direction, await proveCell(pair, { direction, policy, event, wire, stale: event.who }));
    }
    if (replaced === 'hub') await pair.synchronize();
    else await pair.subscribe();
  }
}

async function proveDates(proof: PairProof, policies: readonly PairPolicy[], add: Add): Promise<void> {
  const events = DATES_EVENTS.filter(proof.isRow);
  for (const world of worldsOf(events)) {
    await inWorld(proof, world, async (pair) => {
      for (const policy of policies) {
        await pair.apply(policy);
        await inBothDirections(async (direction) => {
          const [wire] = CLEAN;
          const event = events.find(
            ({ sender, receiver }) => world[direction.sender] === sender && world[direction.receiver] === receiver,
          );
          // Nobody can ask for TLS where it is not offered, and then there is no such letter.
          const canBeHandedIn = policy.isTlsDemanded !== true || world[direction.sender] === 'valid';
          return event && wire && canBeHandedIn
            ? proveCell(pair, { direction, policy, event, wire, world })
            : undefined;
        }, add);
      }
      const event = events.find(({ sender, receiver }) => world.hub === sender && world.edge === receiver);
      if (event && proof.isColumn(EDGE_SYNC)) {
        const situation = { onRecord: world.edge, own: world.hub, faults: [], wire: SEEN_AS_IT_IS };
        add(EDGE_SYNC, await proveRound(pair, event, situation));
      }
    });
  }
}

/** An event in both directions needs the two worlds in which one and the other is the sender, or one where they are alike. */
function worldsOf(events: readonly DatesEvent[]): readonly World[] {
  const all = events.flatMap(({ sender, receiver }) => [
    { hub: sender, edge: receiver },
    { hub: receiver, edge: sender },
  ]);
  return [...new Map(all.map((world) => [`${world.hub} ${world.edge}`, world])).values()];
}

async function inBothDirections(run: (direction: Direction) => Promise<Cell | undefined>, add: Add): Promise<void> {
  const found = await Promise.all(DIRECTIONS.map(run));
  for (const [index, direction] of DIRECTIONS.entries()) {
    const cell = found[index];
    if (cell) add(direction, cell);
  }
}

async function inWorld(proof: PairProof, world: World, work: (pair: PairGround) => Promise<void>): Promise<void> {
  const name = `hub-${world.hub}-edge-${world.edge}`;
  proof.progress.say(`starting a pair: the Hub's certificate is ${world.hub}, the Edge's ${world.edge}`);
  const folder = join(proof.folder, name);
  mkdirSync(folder, { mode: 0o700 });
  const pair = await PairGround.open({ ...proof, folder }, world);
  try {
    await work(pair);
  } finally {
    await pair.close();
  }
}

interface CellQuestion {
  readonly direction: Direction;
  readonly policy: PairPolicy;
  readonly event: Heading;
  readonly wire: WireEvent;
  readonly world?: World;
  readonly stale?: 'sender' | 'receiver';
}

async function proveCell(pair: PairGround, question: CellQuestion): Promise<Cell> {
  const { direction, policy, event, wire } = question;
  const { sender, receiver } = direction;
  const isOutward = sender === 'hub';
  const found = await tryOnce({
    ground: pair.ground,
    box: pair.boxes[receiver],
    sender,
    receiver,
    port: pair.ports[sender],
    letter: {
      from: isOutward ? INSIDE.person : OUTSIDE.person,
      to: isOutward ? OUTSIDE.person : INSIDE.person,
      subject: `${event.title} / ${policy.title}`,
      isTlsDemanded: policy.isTlsDemanded,
    },
    wire: policy.isAnonymousTls === true ? { ...wire, faults: anonymousTlsFaults(wire.faults) } : wire,
  });
  return { event: event.id, policy: policy.id, ...found, expected: promise(situationOf(question)) };
}

function situationOf({ direction, policy, wire, world, stale }: CellQuestion): Situation {
  return {
    policy,
    onRecord: world?.[direction.receiver] ?? 'valid',
    own: world?.[direction.sender] ?? 'valid',
    wire: stale === 'receiver' ? UNKNOWN_RECEIVER : wire,
    isSenderStale: stale === 'sender',
  };
}
