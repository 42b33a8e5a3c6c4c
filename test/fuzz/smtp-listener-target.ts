// The SMTP listener under fuzzing: dialogs that are mostly right, over a real connection. Whatever is said, replies are
// well-formed, the connection ends, and no message is taken whose end was not said.

import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { silentLog } from '../../src/log.ts';
import { SmtpListener } from '../../src/smtp/listener.ts';
import type { Chance } from '../crash/chance.ts';
import { sendBody } from '../helpers/listener-bench.ts';
import { RawSmtpClient } from '../helpers/raw-smtp-client.ts';
import { ScriptedPolicy } from '../helpers/scripted-policy.ts';
import { cut, happens } from './mutate.ts';
import { makeDialog } from './smtp-dialog.ts';
import type { Target } from './target.ts';

/** Of lines with codes; those of one reply all with the same. No control characters but the CRLFs. */
const REPLIES = /^(?:(?:([2-5]\d\d)-[^\p{Cc}]*\r\n(?=\1))*[2-5]\d\d [^\p{Cc}]*\r\n)*$/u;

export class SmtpListenerTarget implements Target {
  readonly name = 'SMTP listener';
  readonly #policy: ScriptedPolicy;
  readonly #listener: SmtpListener;

  private constructor(policy: ScriptedPolicy, listener: SmtpListener) {
    this.#policy = policy;
    this.#listener = listener;
  }

  static async open(): Promise<SmtpListenerTarget> {
    const policy = new ScriptedPolicy({
      offered: { startTls: false, mechanisms: ['TEST'], sizeLimitBytes: 50_000, chunking: true, binaryMime: true },
      sasl: () => ({ mechanism: 'TEST', step: () => ({ kind: 'failure' }) }),
    });
    const place = { host: '127.0.0.1', port: 0, fqdn: 'listener.test' };
    return new SmtpListenerTarget(policy, await SmtpListener.open({ ...place, policy, log: silentLog() }));
  }

  async run(chance: Chance): Promise<string | undefined> {
    this.#policy.messages.length = 0;
    this.#policy.events.length = 0;
    const said = makeDialog(chance);
    const heard = await this.#converse(chance, said);
    if (!REPLIES.test(heard))
      return `malformed replies: ${JSON.stringify(heard)} to ${JSON.stringify(said.toString('latin1'))}`;
    const bad = this.#policy.messages.find(({ body, transaction }) => !isEnded(said, body, transaction.mail.body));
    return bad && `a message was taken that was never ended: ${JSON.stringify(said.toString('latin1'))}`;
  }

  async #converse(chance: Chance, said: Buffer): Promise<string> {
    const socket = connect({ host: '127.0.0.1', port: this.#listener.address.port, noDelay: true });
    let heard = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
    });
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    // Who speaks before the greeting is refused at once: most wait for it.
    if (!happens(chance, 50)) await Promise.race([once(socket, 'data'), closed]);
    for (const piece of cut(chance, said)) {
      socket.write(piece);
      await turn();
    }
    if (happens(chance, 20)) socket.destroy();
    else socket.end();
    await closed;
    await this.#untilOver();
    // What was cut off with a reset may be cut off in a reply.
    return heard.slice(0, heard.lastIndexOf('\r\n') + 2);
  }

  /** The listener has noticed that the client is gone, and whoever had a message has stored it. */
  async #untilOver(): Promise<void> {
    const count = (event: string): number => this.#policy.events.filter((seen) => seen === event).length;
    for (let left = 200; left > 0 && count('connect') === 0; left -= 1) await turn();
    while (count('closed') < count('connect')) await turn();
    for (let left = 5; left > 0; left -= 1) await turn();
  }

  async checkService(): Promise<string | undefined> {
    this.#policy.messages.length = 0;
    this.#policy.events.length = 0;
    const client = await RawSmtpClient.greet(this.#listener.address.port);
    const answer = await sendBody(client, 'Subject: sound\r\n\r\n..\r\n');
    client.destroy();
    await client.closed;
    await this.#untilOver();
    const body = this.#policy.messages[0]?.body.toString();
    return answer.startsWith('250 ') && body === 'Subject: sound\r\n\r\n.\r\n'
      ? undefined
      : `a sound message got ${answer}`;
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

/** What ends a body by DATA; none of the octets. */
const END = '\uffff';

/** By DATA its lines stand there, each perhaps behind one dot more, and then a dot alone; in chunks each is behind its BDAT. */
function isEnded(said: Buffer, body: Buffer, kind: string | undefined): boolean {
  const content = body.toString('latin1');
  const wire = said.toString('latin1');
  if (kind !== 'BINARYMIME' && /\r(?!\n)|(?<!\r)\n/.test(content)) return false;
  // A client need not double a dot that it may not mean: one is taken off whatever follows it (RFC 5321 §4.5.2).
  const lines = wire.split('\r\n').map((line) => (line === '.' ? END : line.replace(/^\./, '')));
  const isInLines = lines.join('\r\n').includes(`\r\n${content}${END}\r\n`);
  return isInLines || isInChunks(wire, content);
}

/** Some chunks of the wire, in its order, the last of them with LAST, are the content. */
function isInChunks(wire: string, content: string): boolean {
  /** How many octets of the content earlier chunks may have brought. */
  let reached = new Set([0]);
  for (const { 0: command, 1: digits, 2: last, index } of wire.matchAll(/BDAT +(\d+)( +LAST)? *\r\n/gi)) {
    const from = index + command.length;
    const chunk = wire.slice(from, from + Number(digits));
    const ends = [...reached].filter((at) => content.startsWith(chunk, at)).map((at) => at + chunk.length);
    if (last !== undefined && ends.includes(content.length)) return true;
    reached = new Set([...reached, ...ends]);
  }
  return false;
}
