// The proof on a client that we know nothing of: it sends to the fault box, behind which our Hub takes its mail. Each cell is a letter of
// its own, whose recipient's domain names the policy: how the client is to treat that domain is for its owner to set.

import { type Endpoint, formatEndpoint } from '../config.ts';
import { Meddler, type Observation } from '../meddle/meddler.ts';
import { HubAlone } from './hub-alone.ts';
import { type Cell, type Finding, type Heading, type Matrix, textOf } from './matrix.ts';
import type { Progress } from './progress.ts';
import { type Card, handIn, lookFor, type Place, type ProvingGround } from './proving-ground.ts';
import { WIRE_EVENTS, type WireEvent } from './wire-events.ts';

export interface ClientProof extends Place {
  readonly progress: Progress;
  readonly isRow: (heading: Heading) => boolean;
  readonly isColumn: (heading: Heading) => boolean;
  /** Where the client is to send mail for POLICY.prove.test. */
  readonly listen: Endpoint;
  /** Where it is to send mail for bounce.prove.test; absent: what bounces is not told from what waits. */
  readonly bounces: Endpoint | undefined;
  /** Where the client takes mail from us. */
  readonly submit: Endpoint;
  readonly policies: readonly string[];
  /** How long a letter may take before it counts as waiting, in milliseconds. */
  readonly waitMs: number;
}

const AUTHOR_DOMAIN = 'bounce.prove.test';

export async function proveClient(proof: ClientProof): Promise<readonly Matrix[]> {
  const events = WIRE_EVENTS.filter((event) => proof.isRow(event) && event.hasWaited !== true);
  const policies = proof.policies.map((id) => ({ id, title: id })).filter(proof.isColumn);
  const { progress, bounces } = proof;
  progress.say('starting a Hub');
  const acceptedDomains = [AUTHOR_DOMAIN, ...policies.map(domainOf)];
  const hub = await HubAlone.open({ ...proof, acceptedDomains, alsoListen: bounces });
  const title = 'A client to our Hub';
  const cells: Cell[] = [];
  try {
    await using box = await Meddler.open({ to: { host: '127.0.0.1', port: hub.port }, listen: proof.listen });
    progress.say(`mail for ${policies.map(domainOf).join(', ')} is awaited at ${formatEndpoint(proof.listen)}`);
    for (const policy of policies) {
      for (const wire of events) {
        const cell = await tryLetter({ ...proof, ground: hub.ground, box }, policy, wire);
        cells.push(cell);
        progress.cell(title, cell);
      }
    }
  } finally {
    await hub.close();
  }
  return [{ id: 'client', title, events, policies, cells }];
}

function domainOf({ id }: Heading): string {
  return `${id}.prove.test`;
}

interface Table extends ClientProof {
  readonly ground: ProvingGround;
  readonly box: Meddler;
}

async function tryLetter(table: Table, policy: Heading, wire: WireEvent): Promise<Cell> {
  const { box, ground, waitMs, signal, submit } = table;
  box.setFaults(wire.faults);
  const author = `${wire.id}-${policy.id}@${AUTHOR_DOMAIN}`;
  const letter = { from: author, to: `reader@${domainOf(policy)}`, subject: wire.title };
  const messageId = await handIn(submit.port, letter, submit.host);
  const fate = await lookFor(() => findFate(ground, messageId, author), { ms: waitMs, signal });
  const connections = box.observations();
  box.setFaults([]);
  const later = fate ? undefined : await lookFor(() => findFate(ground, messageId, author), { ms: waitMs, signal });
  return {
    event: wire.id,
    policy: policy.id,
    ...findingOf(fate, connections),
    remarks: remarksOn(fate, later, connections),
    cards: [fate, later].flatMap((each) => (each ? [each.card] : [])),
    connections,
    captures: fate ? ground.keepCaptures('hub', fate.card) : [],
  };
}

interface Fate {
  readonly kind: 'arrived' | 'bounced';
  readonly card: Card;
}

/** What our Hub took of it: the letter itself, or the notice that it was given up. */
async function findFate(ground: ProvingGround, messageId: string, author: string): Promise<Fate | undefined> {
  const [arrived] = (await ground.cards('hub', messageId)).filter(({ side }) => side === 'receiver');
  if (arrived) return { kind: 'arrived', card: arrived };
  const { records } = await ground.ask('hub', 'Get-MessageTrackingLog', { EventId: 'RECEIVE', Recipients: author });
  const [notice] = records;
  if (notice === undefined) return undefined;
  const [card] = await ground.cards('hub', textOf(notice, 'MessageId'));
  return card && { kind: 'bounced', card };
}

function findingOf(fate: Fate | undefined, connections: readonly Observation[]): Finding {
  const last = connections.at(-1);
  const seen = last ? `STARTTLS ${last.startTls}` : 'no connection came';
  if (!fate) return { outcome: 'waits', reason: seen };
  if (fate.kind === 'bounced') return { outcome: 'bounced', reason: seen };
  // Our Hub knows what the letter came in; the box may not have seen its last reply yet.
  return { outcome: textOf(fate.card, 'channel') === 'tls' ? 'tls' : 'clear', reason: seen };
}

function remarksOn(fate: Fate | undefined, later: Fate | undefined, connections: readonly Observation[]): string[] {
  const count = connections.length;
  const remarks = [count === 1 ? '1 connection' : `${count} connections`];
  if (!fate && later?.kind === 'arrived') remarks.push('it arrived once nothing was done any more');
  if (!fate && later?.kind === 'bounced') remarks.push('it was returned once nothing was done any more');
  if (!fate && !later) remarks.push('nor did it arrive once nothing was done any more');
  return remarks;
}
