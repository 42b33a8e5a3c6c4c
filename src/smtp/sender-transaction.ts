// One mail transaction on an open connection (RFC 5321 §3.3, RFC 2920, LMTP: RFC 2033 §4.2): envelope, body (by DATA, or as
// one chunk, RFC 3030), and what became of each recipient. Success is a 2xx where a 2xx belongs and nothing else: whatever is odd, missing or cut off is tried again.

import { type BodyEnd, sendBodyOctets } from './body-sending.ts';
import { DotStuffing } from './dot-stuffing.ts';
import { ExactSize } from './exact-size.ts';
import type { Reply } from './reply.ts';
import type { SenderConnection, SenderTimeouts } from './sender-connection.ts';
import { type OutgoingMessage, type PlannedRecipient, planEnvelope } from './sender-envelope.ts';
import { type ServerReply, toReply } from './server-reply.ts';

export interface RecipientResult {
  readonly address: string;
  readonly status: 'delivered' | 'deferred' | 'failed';
  /** What the next hop said, or what we say when it said nothing usable. */
  readonly reply: Reply;
  /** True when the reply is our own. */
  readonly local: boolean;
}

export interface SendResult {
  /** One for each recipient of the message, in its order. */
  readonly recipients: readonly RecipientResult[];
  /** The reply that ended the transaction: to the dot (the last one in LMTP), or to MAIL or DATA when it was refused. */
  readonly reply: Reply | undefined;
}

/** A connection with what a transaction needs to know about it. */
export interface TransactionChannel {
  readonly connection: SenderConnection;
  readonly timeouts: SenderTimeouts;
  readonly lmtp: boolean;
}

type Answer = ServerReply | undefined;
type Outcome = Omit<RecipientResult, 'address'>;

/** What the peer said to the envelope; undefined where it said nothing or was not asked. */
interface EnvelopeAnswers {
  readonly mail: Answer;
  readonly recipients: readonly Answer[];
  readonly data: Answer;
}

interface Delivery {
  readonly mailLine: string;
  readonly recipients: readonly PlannedRecipient[];
  readonly outcomes: Map<PlannedRecipient, Outcome>;
  /** Whether the body goes by BDAT and not by DATA, and behind its envelope in the same write. */
  readonly chunk: 'none' | 'after-envelope' | 'with-envelope';
}

/** A larger body waits until the hop has said that it takes the envelope: it would be carried in vain. */
const WITH_ENVELOPE_BYTES = 64 * 1024;

const sourceBroken = defer('4.3.0', 'the message could not be read while it was being sent');

/** Sends one message. Afterwards the connection is ready for the next one, or it is dead. */
export async function runTransaction(channel: TransactionChannel, message: OutgoingMessage): Promise<SendResult> {
  const plan = planEnvelope(message, channel.connection.capabilities);
  const outcomes = new Map<PlannedRecipient, Outcome>();
  for (const recipient of plan.recipients) {
    if (recipient.refusal) outcomes.set(recipient, { status: 'failed', local: true, reply: recipient.refusal });
  }
  const sendable = plan.recipients.filter(({ refusal }) => refusal === undefined);
  const delivery: Delivery = {
    mailLine: plan.mailLine,
    recipients: sendable,
    outcomes,
    chunk: chunkingFor(channel, message),
  };
  const reply = sendable.length === 0 ? undefined : await deliver(channel, message, delivery);
  const recipients = plan.recipients.map((recipient) => ({
    address: recipient.address,
    ...(outcomes.get(recipient) ?? judgeLoss(channel)),
  }));
  return { recipients, reply: reply && toReply(reply) };
}

/** Gives back the reply that ended the transaction. */
async function deliver(channel: TransactionChannel, message: OutgoingMessage, delivery: Delivery): Promise<Answer> {
  if (delivery.chunk === 'with-envelope') return sendAtOnce(channel, message, delivery);
  const answers = await sendEnvelope(channel, delivery);
  const accepted = noteRefusals(channel, answers, delivery);
  if (accepted.length > 0 && (answers.data?.code === 354 || delivery.chunk === 'after-envelope')) {
    return sendBody(channel, message, { ...delivery, recipients: accepted });
  }
  for (const recipient of accepted) delivery.outcomes.set(recipient, judgeRefusal(channel, answers.data));
  await abandon(channel, answers);
  return isPositive(answers.mail) ? answers.data : answers.mail;
}

/** With DATA where the body goes by it; a chunk needs no leave and follows once it is known that somebody is to get it. */
async function sendEnvelope(channel: TransactionChannel, delivery: Delivery): Promise<EnvelopeAnswers> {
  const { connection, timeouts } = channel;
  const isData = delivery.chunk === 'none';
  const lines = delivery.recipients.map(({ line }) => line);
  if (connection.capabilities.has('PIPELINING')) {
    const mail = connection.expectReply(timeouts.mailMs);
    const recipients = lines.map(() => connection.expectReply(timeouts.rcptMs));
    const data = isData ? connection.expectReply(timeouts.dataMs) : undefined;
    connection.sendLines([delivery.mailLine, ...lines, ...(isData ? ['DATA'] : [])]);
    return { mail: await mail, recipients: await Promise.all(recipients), data: await data };
  }
  const mail = await connection.exchange(delivery.mailLine, timeouts.mailMs);
  const recipients: Answer[] = [];
  for (const line of isPositive(mail) ? lines : []) recipients.push(await connection.exchange(line, timeouts.rcptMs));
  const data = isData && recipients.some(isPositive) ? await connection.exchange('DATA', timeouts.dataMs) : undefined;
  return { mail, recipients, data };
}

/** Records who was refused and gives back who was accepted. */
function noteRefusals(channel: TransactionChannel, answers: EnvelopeAnswers, delivery: Delivery): PlannedRecipient[] {
  return delivery.recipients.filter((recipient, index) => {
    const answer = isPositive(answers.mail) ? answers.recipients[index] : answers.mail;
    if (isPositive(answer)) return true;
    // RFC 5321 §4.5.3.1.10: 552 to RCPT was once "too many recipients" and is to be read as 452.
    const isTooMany = isPositive(answers.mail) && answer?.code === 552;
    delivery.outcomes.set(recipient, {
      ...judgeRefusal(channel, answer),
      ...(isTooMany ? { status: 'deferred' } : {}),
    });
    return false;
  });
}

/** Leaves a transaction that ended before its body, so that the next one finds the peer at its start. */
async function abandon(channel: TransactionChannel, answers: EnvelopeAnswers): Promise<void> {
  const { connection, timeouts } = channel;
  const isOutOfStep = [answers.mail, ...answers.recipients].some(isIntermediate) || isPositive(answers.data);
  // DATA was accepted although there is nobody to get it (RFC 2920 §3.1); without a sender not even a dot is safe.
  const wantsBody = isIntermediate(answers.data);
  if (isOutOfStep || (wantsBody && !isPositive(answers.mail))) return connection.destroy();
  if (wantsBody) await connection.exchange('.', timeouts.dataDoneMs);
  await reset(channel);
}

async function reset({ connection, timeouts }: TransactionChannel): Promise<void> {
  if (!connection.isAlive) return;
  if (!isPositive(await connection.exchange('RSET', timeouts.mailMs))) connection.destroy();
}

async function sendBody(channel: TransactionChannel, message: OutgoingMessage, delivery: Delivery): Promise<Answer> {
  const { connection, timeouts, lmtp } = channel;
  const expected = delivery.recipients.slice(0, lmtp ? delivery.recipients.length : 1);
  const replies = expected.map(() => connection.expectReply(timeouts.dataDoneMs));
  const isChunk = delivery.chunk !== 'none';
  const end = await sendOctets(channel, message, { replies, isChunk, lines: [] });
  const answers = await Promise.all(replies);
  for (const [index, recipient] of delivery.recipients.entries()) {
    delivery.outcomes.set(recipient, judgeEnd(channel, end, answers[lmtp ? index : 0]));
  }
  if (answers.some(isIntermediate)) connection.destroy();
  if (!answers.every(isPositive)) await reset(channel);
  return answers.at(-1);
}

/** Envelope and body in one go (RFC 3030 §4.2: BDAT may be pipelined); whoever refuses the one reads the other and throws it away. */
async function sendAtOnce(channel: TransactionChannel, message: OutgoingMessage, delivery: Delivery): Promise<Answer> {
  const { connection, timeouts } = channel;
  const { mailLine, recipients, outcomes } = delivery;
  const mailReply = connection.expectReply(timeouts.mailMs);
  const recipientReplies = recipients.map(() => connection.expectReply(timeouts.rcptMs));
  const answered = connection.expectReply(timeouts.dataDoneMs);
  const lines = [mailLine, ...recipients.map(({ line }) => line)];
  const end = await sendOctets(channel, message, { replies: [answered], isChunk: true, lines });
  const [mail, said, data] = [await mailReply, await Promise.all(recipientReplies), await answered];
  const accepted = noteRefusals(channel, { mail, recipients: said, data }, delivery);
  for (const recipient of end === 'source-broken' ? recipients : accepted) {
    outcomes.set(recipient, judgeEnd(channel, end, data));
  }
  const isOutOfStep = [mail, ...said, data].some(isIntermediate) || (accepted.length === 0 && isPositive(data));
  if (isOutOfStep) connection.destroy();
  if (!isPositive(data)) await reset(channel);
  return isPositive(mail) ? data : mail;
}

interface OctetsOptions {
  /** To the body: the first of them before its end is a reason to stop. */
  readonly replies: readonly Promise<Answer>[];
  readonly isChunk: boolean;
  /** Commands that go in front, in the same write. */
  readonly lines: readonly string[];
}

/** Without its end the body was sent in vain: no dot may follow, and no second answer is waited for. */
async function sendOctets(
  { connection, timeouts }: TransactionChannel,
  message: OutgoingMessage,
  { replies, isChunk, lines }: OctetsOptions,
): Promise<BodyEnd> {
  const { sizeBytes } = message;
  const end = await sendBodyOctets({
    connection,
    head: [...lines, ...(isChunk ? [`BDAT ${sizeBytes} LAST`] : [])],
    openBody: message.body,
    giveBack: message.giveBack,
    transparency: isChunk ? new ExactSize(sizeBytes) : new DotStuffing(),
    answered: replies[0],
    answers: replies.length,
    blockMs: timeouts.dataBlockMs,
  });
  if (end !== 'sent') connection.destroy();
  else connection.restartTimer();
  return end;
}

/** What the answer to a body means for whom it was sent. */
function judgeEnd(channel: TransactionChannel, end: BodyEnd, answer: Answer): Outcome {
  if (end === 'source-broken') return sourceBroken;
  if (end === 'sent' && answer && isPositive(answer)) {
    return { status: 'delivered', local: false, reply: toReply(answer) };
  }
  return judgeRefusal(channel, answer);
}

/** For an answer that is no success where it stands. */
function judgeRefusal(channel: TransactionChannel, answer: Answer): Outcome {
  if (!answer) return judgeLoss(channel);
  if (answer.code < 400) return defer('4.5.0', `the next hop answered ${answer.code} out of turn`);
  return { status: answer.code < 500 ? 'deferred' : 'failed', local: false, reply: toReply(answer) };
}

/** For an answer that never came. */
function judgeLoss({ connection: { fault } }: TransactionChannel): Outcome {
  if (fault?.cause === 'timeout') return defer('4.4.2', 'the next hop did not answer in time');
  if (fault?.cause === 'protocol') return defer('4.5.0', `the next hop broke the protocol (${fault.code})`);
  return defer('4.4.2', 'the connection to the next hop was lost');
}

function defer(enhanced: string, text: string): Outcome {
  return { status: 'deferred', local: true, reply: { code: 451, enhanced, text } };
}

/** By DATA unless it was asked for. */
function chunkingFor({ connection, lmtp }: TransactionChannel, message: OutgoingMessage): Delivery['chunk'] {
  const { capabilities } = connection;
  const { binaryMime, chunk, sizeBytes } = message;
  if (chunk === undefined || !capabilities.has('CHUNKING')) return binaryMime === true ? 'after-envelope' : 'none';
  const isAtOnce = chunk === 'with-envelope' && !lmtp && capabilities.has('PIPELINING');
  return isAtOnce && sizeBytes <= WITH_ENVELOPE_BYTES ? 'with-envelope' : 'after-envelope';
}

function isPositive(answer: Answer): boolean {
  return answer !== undefined && answer.code < 300;
}

function isIntermediate(answer: Answer): boolean {
  return answer !== undefined && answer.code >= 300 && answer.code < 400;
}
