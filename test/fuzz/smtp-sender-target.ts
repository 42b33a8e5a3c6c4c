// The SMTP sender under fuzzing: a server that answers what it likes. Whatever it says, every call ends, every recipient has a
// result, and nothing is delivered that was not acknowledged after its dot.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { silentLog } from '../../src/log.ts';
import { dial } from '../../src/smtp/sender.ts';
import type { Chance } from '../crash/chance.ts';
import { makeMessage } from '../helpers/sender-fixture.ts';
import { cut, happens, mutateOctets, mutateTokens, pick } from './mutate.ts';
import type { Target } from './target.ts';

const EHLO = '250-peer.test\r\n250-SIZE 1000\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 DSN\r\n';
const SOUND = [
  '220 peer.test ESMTP\r\n',
  EHLO,
  '250 2.1.0 Ok\r\n',
  '250 2.1.5 Ok\r\n',
  '354 Go on\r\n',
  '250 2.0.0 Queued\r\n',
  '221 Bye\r\n',
];
const OTHERS = [
  ...SOUND,
  '250-peer.test\r\n250-STARTTLS\r\n250 CHUNKING\r\n',
  '250 BINARYMIME\r\n',
  '220 Ready\r\n',
  '421 4.3.2 Going\r\n',
  '451 4.3.0 Later\r\n',
  '550 5.7.1 No\r\n',
  '552 Too many\r\n',
  '250-half',
  '250-a\r\n550 b\r\n',
  '\r\n',
  '999 x\r\n',
  '\x16\x03\x03\0\x02\x02\x28',
  `250 ${'x'.repeat(3000)}\r\n`,
  '250-y\r\n'.repeat(100),
].map((text) => Buffer.from(text, 'latin1'));

/** How long the server waits for a sender that may be waiting for it; one that answers as it should is in no hurry. */
const PATIENCE_MS = { hostile: 30, sound: 30_000 };
const timeouts = {
  greetingMs: 500,
  ehloMs: 500,
  tlsMs: 500,
  mailMs: 500,
  rcptMs: 500,
  dataMs: 500,
  dataDoneMs: 500,
  quitMs: 500,
};

interface Plan {
  readonly answers: Buffer[];
  readonly patienceMs: number;
  /** What was said after the end of the body. */
  said: string;
  heard: string;
}

export class SmtpSenderTarget implements Target {
  readonly name = 'SMTP sender';
  readonly #server: Server;
  #plan: Plan = { answers: [], patienceMs: 0, said: '', heard: '' };

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => answer(socket, this.#plan));
  }

  static async open(): Promise<SmtpSenderTarget> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SmtpSenderTarget(server);
  }

  run(chance: Chance): Promise<string | undefined> {
    const tokens = SOUND.map((text) => Buffer.from(text));
    const body = happens(chance, 4)
      ? mutateOctets(chance, Buffer.from('.\r\nSubject: x\r\n\r\n..\r\nend'))
      : Buffer.from('x\r\n');
    const answers = mutateTokens(chance, tokens, OTHERS).map((text) => mutateRarely(chance, text));
    return this.#send({ answers: happens(chance, 20) ? [Buffer.concat(answers)] : answers, body, chance });
  }

  async checkService(): Promise<string | undefined> {
    const answers = SOUND.map((text) => Buffer.from(text));
    const verdict = await this.#send({ answers, body: Buffer.from('Subject: sound\r\n\r\nx\r\n'), chance: undefined });
    return verdict ?? (this.#plan.said.includes('250 2.0.0 Queued') ? undefined : 'a sound server got no message');
  }

  async #send({ answers, body, chance }: { answers: Buffer[]; body: Buffer; chance: Chance | undefined }) {
    const patienceMs = chance ? PATIENCE_MS.hostile : PATIENCE_MS.sound;
    const plan: Plan = { answers, patienceMs, said: '', heard: '' };
    this.#plan = plan;
    const { port } = this.#server.address() as AddressInfo;
    const startTls = chance && happens(chance, 4) ? 'attempt' : 'never';
    const waiting = chance ? { timeouts } : {};
    const result = await dial({ host: '127.0.0.1', port, name: 'sender.test', startTls, ...waiting, log: silentLog() });
    if (result.kind === 'failed') return undefined;
    const recipients = [{ address: 'a@edge.test' }];
    const binaryMime = chance !== undefined && happens(chance, 5);
    const pieces = chance ? cut(chance, body) : [body];
    const message = {
      sizeBytes: body.length,
      recipients,
      eightBit: true,
      binaryMime,
      body: () => Readable.from(pieces),
    };
    const sent = await result.session.send(makeMessage(message));
    await result.session.quit();
    if (sent.recipients.length !== recipients.length) return 'a recipient without a result';
    const isDelivered = sent.recipients.some(({ status }) => status === 'delivered');
    if (isDelivered && !/^2\d\d(?:[ \r\n]|$)/m.test(plan.said))
      return `delivered without a yes: ${JSON.stringify(plan)}`;
    return sent.recipients.some(({ reply }) => /\p{Cc}/u.test(reply.text.replaceAll('\n', '')))
      ? 'controls in a reply'
      : undefined;
  }

  async close(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function mutateRarely(chance: Chance, octets: Buffer): Buffer {
  return pick(chance, [true, false, false, false]) ? mutateOctets(chance, octets) : octets;
}

/** The next answer to whatever comes, a body in whole; after the last one it hangs up. */
function answer(socket: Socket, plan: Plan): void {
  let isBody = false;
  let patience: NodeJS.Timeout | undefined;
  const say = (): void => {
    clearTimeout(patience);
    const next = plan.answers.shift();
    if (!next) return void socket.destroy();
    if (isBody || /BDAT/.test(plan.heard)) plan.said += next.toString('latin1');
    isBody = next.toString('latin1').startsWith('354');
    socket.write(next);
    patience = setTimeout(() => socket.destroy(), plan.patienceMs);
  };
  socket.on('error', () => undefined);
  socket.on('close', () => clearTimeout(patience));
  socket.on('data', (octets) => {
    plan.heard += octets.toString('latin1');
    if (isBody) {
      if (plan.heard.endsWith('.\r\n')) say();
      return;
    }
    // Commands that came together get an answer each.
    for (let left = octets.toString('latin1').split('\r\n').length - 1; left > 0; left -= 1) say();
  });
  say();
}
