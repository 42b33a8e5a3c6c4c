// The proof on a server that the directory knows nothing of: our Hub sends to it through the fault box by every policy for strangers, and
// a client of no manners tries on it what no client should be served.

import { type Endpoint, formatEndpoint } from '../config.ts';
import { Meddler } from '../meddle/meddler.ts';
import { tryOnce } from './attempt.ts';
import { HubAlone } from './hub-alone.ts';
import { proveManners } from './manners.ts';
import type { Cell, Heading, Matrix } from './matrix.ts';
import { DEFAULT_SETTINGS, STRANGER_POLICIES } from './pair-policies.ts';
import type { Progress } from './progress.ts';
import type { Place } from './proving-ground.ts';
import { promise } from './rules.ts';
import { WIRE_EVENTS } from './wire-events.ts';

export interface ServerProof extends Place {
  readonly progress: Progress;
  readonly isRow: (heading: Heading) => boolean;
  readonly isColumn: (heading: Heading) => boolean;
  readonly target: Endpoint;
  /** Somebody for whom the server takes mail. */
  readonly recipient: string;
}

/** Our sender's way with the server, and the server's way with bad clients. */
export async function proveServer(proof: ServerProof): Promise<readonly Matrix[]> {
  const { target, progress, isRow } = proof;
  const name = formatEndpoint(target);
  return [
    await proveSending(proof),
    await proveManners({
      id: 'manners',
      title: `A client of no manners at ${name}`,
      target,
      isOurs: false,
      progress,
      isRow,
    }),
  ];
}

/** What becomes of our mail to it. */
export async function proveSending(proof: ServerProof): Promise<Matrix> {
  const events = WIRE_EVENTS.filter(proof.isRow);
  const policies = STRANGER_POLICIES.filter(proof.isColumn);
  const title = `Our Hub to ${formatEndpoint(proof.target)}`;
  const cells: Cell[] = [];
  await using box = await Meddler.open({ to: proof.target });
  proof.progress.say('starting a Hub');
  const hub = await HubAlone.open({ ...proof, stranger: { host: '127.0.0.1', port: box.port } });
  try {
    for (const policy of policies) {
      await hub.apply(policy);
      for (const wire of events) {
        const letter = {
          from: 'author@prove.test',
          to: proof.recipient,
          subject: `${wire.title} / ${policy.title}`,
          isTlsDemanded: policy.isTlsDemanded,
        };
        const found = await tryOnce({
          ground: hub.ground,
          box,
          sender: 'hub',
          receiver: undefined,
          port: hub.port,
          letter,
          wire,
        });
        const situation = {
          policy: { ...policy, settings: DEFAULT_SETTINGS },
          onRecord: undefined,
          own: 'valid',
          wire,
        } as const;
        const cell = { event: wire.id, policy: policy.id, ...found, expected: promise(situation) };
        cells.push(cell);
        proof.progress.cell(title, cell);
      }
    }
  } finally {
    await hub.close();
  }
  return { id: 'sending', title, events, policies, cells };
}
