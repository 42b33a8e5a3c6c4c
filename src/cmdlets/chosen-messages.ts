// Which messages a cmdlet is to work on: -Identity or -Filter, as Suspend-, Resume- and Remove-Message have them.

import { setImmediate as letOthersRun } from 'node:timers/promises';
import { Problem } from '../problem.ts';
import type { AdministrationReport, QueuedMessage } from '../transport/queue-administration.ts';
import { parseFilterExpression } from './filter-expression.ts';
import { findPlaces } from './message-place.ts';
import { describePlace, MESSAGE_PROPERTIES } from './message-record.ts';
import type { CmdletOutput } from './output.ts';
import type { ServerContext } from './server-context.ts';

/** The parameters. */
export const MESSAGE_CHOICE = {
  Identity: { type: 'string', help: 'The message: HUB01\\3\\17, 3\\17, or 17 for all queues' },
  Filter: { type: 'string', help: 'All messages whose properties compare so' },
} as const;

export interface MessageChoice {
  readonly Identity: string | undefined;
  readonly Filter: string | undefined;
}

/** So many are looked at before mail has its turn. */
const SLICE = 200;

/**
 * The messages chosen, those left out that were set aside as damaged unless `withDamaged`; throws Problem `missing-parameter`,
 * `message-not-found`, `message-set-aside`, or what is wrong with the filter.
 */
export async function chooseMessages(
  context: ServerContext,
  cmdlet: string,
  { Identity, Filter, withDamaged = false }: MessageChoice & { readonly withDamaged?: boolean },
): Promise<QueuedMessage[]> {
  if ((Identity === undefined) === (Filter === undefined)) {
    throw new Problem('missing-parameter', `${cmdlet} needs either -Identity or -Filter`);
  }
  const matches = Filter === undefined ? undefined : parseFilterExpression(Filter, MESSAGE_PROPERTIES);
  const chosen: QueuedMessage[] = [];
  let looked = 0;
  for await (const place of findPlaces(context, { identity: Identity })) {
    looked += 1;
    if (looked % SLICE === 0) await letOthersRun();
    if (place.damaged && !withDamaged && Identity !== undefined) throw setAside(Identity);
    if (place.damaged && !withDamaged) continue;
    const record = matches && (await describePlace(context, place, false));
    if (!matches || (record && matches(record))) chosen.push({ id: place.id, queue: place.hopQueue });
  }
  return chosen;
}

function setAside(identity: string): Problem {
  return new Problem(
    'message-set-aside',
    `message "${identity}" is damaged and was set aside: it is never sent; Export-Message writes what can be read of it, Remove-Message removes it`,
  );
}

/** What was done, in one sentence or two. */
export function reportMessages({ done, pending }: AdministrationReport, participle: string): CmdletOutput {
  const notices = [`${countMessages(done)} ${participle}.`];
  if (pending > 0) notices.push(`${countMessages(pending)} under delivery: ${participle} as soon as that has ended.`);
  return { records: [], notices: done === 0 && pending > 0 ? notices.slice(1) : notices };
}

function countMessages(count: number): string {
  if (count === 0) return 'No message is';
  return count === 1 ? '1 message is' : `${count} messages are`;
}
