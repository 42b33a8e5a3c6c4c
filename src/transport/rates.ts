// How fast mail may come (exchange: MessageRateLimit, MessageRateSource): what is counted, and under which key. Members of the
// pair carry everybody's mail and are not counted; that is the caller's to know.

import type { ReceiveConnector } from '../directory/receive-connector.ts';
import { sourceOf } from '../ip-range.ts';
import { REPLIES } from '../smtp/replies.ts';
import type { Reply } from '../smtp/reply.ts';
import type { Counts } from './connection-counts.ts';
import type { ServerLimits } from './session-limits.ts';

export interface MessageSource {
  readonly connector: Pick<ReceiveConnector, 'name' | 'messageRateLimit' | 'messageRateSource'>;
  /** The user who logged in, else the reverse-path; undefined for the null one, which is nobody's. */
  readonly sender: string | undefined;
  readonly address: string;
}

/** Counts a message, or says that it is one too many. */
export async function refuseForMessageRate(counts: Counts, source: MessageSource): Promise<Reply | undefined> {
  const { connector, sender, address } = source;
  const { name, messageRateLimit: limitPerMinute, messageRateSource: by } = connector;
  if (limitPerMinute === undefined || by === 'None') return undefined;
  const keys = [
    ...(by === 'User' ? [] : [`message ${name} from ${sourceOf(address)}`]),
    ...(by === 'IPAddress' || sender === undefined ? [] : [`message ${name} by ${sender.toLowerCase()}`]),
  ];
  for (const key of keys) if (!(await counts.spend({ key, count: 1, limitPerMinute }))) return REPLIES.messageRate;
  return undefined;
}

/** The same for a recipient. */
export async function refuseForRecipientRate(
  counts: Counts,
  address: string,
  { maxRecipientsPerMinute: limitPerMinute }: Pick<ServerLimits, 'maxRecipientsPerMinute'>,
): Promise<Reply | undefined> {
  if (limitPerMinute === undefined) return undefined;
  const isWithin = await counts.spend({ key: `recipient from ${sourceOf(address)}`, count: 1, limitPerMinute });
  return isWithin ? undefined : REPLIES.recipientRate;
}
