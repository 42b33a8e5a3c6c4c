// What a next hop said that it takes in one session (LIMITS, RFC 9422), obeyed: a message with more recipients than one
// transaction may have goes in several, and a connection with its MAIL commands used up carries no more.

import { parseMailbox } from './address.ts';
import type { OutgoingMessage, OutgoingRecipient } from './sender-envelope.ts';
import {
  type RecipientResult,
  runTransaction,
  type SendResult,
  type TransactionChannel,
} from './sender-transaction.ts';
import { parseServiceLimits, type ServiceLimits } from './service-limits.ts';

const USED_UP: Omit<RecipientResult, 'address'> = {
  status: 'deferred',
  local: true,
  reply: { code: 451, enhanced: '4.5.3', text: 'the next hop takes no more transactions on this connection (MAILMAX)' },
};

/** One connection's account of its MAIL commands. */
export class SenderLimits {
  readonly #channel: TransactionChannel;
  #mailCount = 0;
  /** Asked for several times a message, and the same from one EHLO to the next. */
  #read: { readonly text: string | undefined; readonly limits: ServiceLimits } | undefined;

  constructor(channel: TransactionChannel) {
    this.#channel = channel;
  }

  /** Whether the next hop takes no further message on this connection. */
  get isUsedUp(): boolean {
    return this.#mailCount >= (this.#said.mailMax ?? Number.POSITIVE_INFINITY);
  }

  /** Sends one message in as many transactions as it needs. */
  async send(message: OutgoingMessage): Promise<SendResult> {
    const results: RecipientResult[] = [];
    let reply: SendResult['reply'];
    for (const recipients of splitRecipients(message.recipients, this.#said)) {
      const result = await this.#sendPart({ ...message, recipients });
      results.push(...result.recipients);
      ({ reply } = result);
    }
    return { recipients: results, reply };
  }

  async #sendPart(part: OutgoingMessage): Promise<SendResult> {
    if (this.isUsedUp) {
      return { recipients: part.recipients.map(({ address }) => ({ address, ...USED_UP })), reply: undefined };
    }
    this.#mailCount += 1;
    return runTransaction(this.#channel, part);
  }

  /** Of the latest EHLO: what was said before STARTTLS is void (RFC 9422 §3). */
  get #said(): ServiceLimits {
    const text = this.#channel.connection.capabilities.get('LIMITS');
    if (!this.#read || this.#read.text !== text) this.#read = { text, limits: parseServiceLimits(text) };
    return this.#read.limits;
  }
}

/** In their order, each part within RCPTMAX and RCPTDOMAINMAX. */
function splitRecipients(
  recipients: readonly OutgoingRecipient[],
  { rcptMax = Number.POSITIVE_INFINITY, rcptDomainMax = Number.POSITIVE_INFINITY }: ServiceLimits,
): readonly OutgoingRecipient[][] {
  const parts: OutgoingRecipient[][] = [[]];
  let domains = new Set<string>();
  for (const recipient of recipients) {
    const domain = parseMailbox(recipient.address)?.domain ?? '';
    const part = parts.at(-1) ?? [];
    const isFull = part.length >= rcptMax || (domains.size >= rcptDomainMax && !domains.has(domain));
    if (isFull) domains = new Set();
    if (isFull) parts.push([recipient]);
    else part.push(recipient);
    domains.add(domain);
  }
  return parts;
}
