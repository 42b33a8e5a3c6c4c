// `relaypair trail MESSAGE-ID`: the way of one message over both hops, as a picture in text or as JSON.

import type { OutputRecord } from '../cmdlets/output.ts';
import { showsUtf8 } from '../locale.ts';
import { Problem } from '../problem.ts';
import type { Doors } from './doors.ts';
import { DONE } from './exit-code.ts';
import { type PairPlace, PairServers } from './pair-servers.ts';
import { printProblem } from './printing.ts';
import type { Terminal } from './terminal.ts';
import { followTrail, type KnownOfMessage } from './trail-facts.ts';
import { drawTrail } from './trail-picture.ts';
import { formatJson } from './values.ts';

export interface TrailOptions extends PairPlace {
  /** A Message-ID with or without angle brackets, or a NetworkMessageId. */
  readonly id: string;
  readonly json?: boolean;
}

const GUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Returns the exit code; throws Problem `message-not-found`, or what keeps both servers from answering. */
export async function runTrail(
  { id, json, ...place }: TrailOptions,
  doors: Doors,
  terminal: Terminal,
): Promise<number> {
  const servers = await PairServers.find(place, doors, terminal);
  const name = GUID.test(id) ? 'NetworkMessageId' : 'MessageId';
  const { answers, missing } = await servers.ask(async (ask): Promise<KnownOfMessage> => {
    const wanted = { [name]: [id] };
    const { records: cards } = await ask('Get-DecisionCard', wanted);
    const { records: tracking } = await ask('Get-MessageTrackingLog', wanted);
    const messageId = cards[0]?.['MessageId'] ?? tracking[0]?.['MessageId'];
    const { records: reports } =
      typeof messageId === 'string' && messageId !== ''
        ? await ask('Get-MessageTrackingLog', { Reference: [messageId], EventId: ['DSN'] })
        : { records: [] };
    return { cards, tracking, reports };
  });
  for (const sentence of missing) printProblem(sentence, terminal);
  const trail = followTrail(answers.map(({ answer }) => answer));
  if (trail === undefined) throw unknownMessage(id, answers.length);
  const isPlain = !showsUtf8(terminal.env) || (terminal.env['NO_COLOR'] ?? '') !== '';
  // A trail is plain data.
  const text =
    json === true ? formatJson([trail as unknown as OutputRecord]) : drawTrail(trail, { isPlain }).join('\n');
  terminal.stdout.write(`${text}\n`);
  return DONE;
}

function unknownMessage(id: string, asked: number): Problem {
  const who = asked === 1 ? 'the server that answered does not know' : 'neither server knows';
  return new Problem(
    'message-not-found',
    `${who} a message "${id}"; Get-MessageTrackingLog lists the Message-IDs that are on record`,
  );
}
