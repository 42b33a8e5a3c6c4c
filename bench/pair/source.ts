// The load: SMTP sessions that send a message again and again, each command answered before the next, as smtp-source has it. Octets are
// made once and replies are looked at as octets, so that the client takes as little as it can of the processors that it shares
// with the servers. A process of its own, so that its work is not counted: `node bench/pair/source.ts '{"port":...}'`. Prints
// how many seconds passed until the last 250.

import { connect, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';

interface SourceOptions {
  readonly port: number;
  readonly messages: number;
  readonly sessions: number;
  readonly sizeBytes: number;
  readonly isReconnecting?: boolean;
  readonly isTls?: boolean;
  readonly perSecond?: number;
}

const options = JSON.parse(process.argv[2] ?? '{}') as SourceOptions;
const EHLO = Buffer.from('EHLO source.bench.test\r\n');
const STARTTLS = Buffer.from('STARTTLS\r\n');
const MAIL = Buffer.from('MAIL FROM:<sender@bench.test>\r\n');
const RCPT = Buffer.from('RCPT TO:<rcpt@sink.bench.test>\r\n');
const DATA = Buffer.from('DATA\r\n');
const QUIT = Buffer.from('QUIT\r\n');
const HEADER = 'From: <sender@bench.test>\r\nTo: <rcpt@sink.bench.test>\r\nSubject: bench\r\n';
const LINE = `${'x'.repeat(76)}\r\n`;
const FILLING = `\r\n${LINE.repeat(Math.ceil(options.sizeBytes / LINE.length))}.\r\n`;
const MESSAGE = Buffer.from(HEADER + FILLING);
/**
 * Made once: it holds no session, so each handshake is a full one. In a group that all servers know: with what Node offers by itself
 * those with OpenSSL 3.5 would agree on a hybrid with ML-KEM, and those with an older one on something cheaper.
 */
const CONTEXT = createSecureContext({ ecdhCurve: 'X25519' });
const LF = 0x0a;
const HYPHEN = 0x2d;

const startedMs = performance.now();
let begun = 0;

/** Where latency is measured, each message says when it was sent. */
function body(): Buffer {
  if (options.perSecond === undefined) return MESSAGE;
  return Buffer.from(`${HEADER}X-Sent: ${performance.timeOrigin + performance.now()}\r\n${FILLING}`);
}

/** When message number `index` may go, in ms from now. */
function waitMs(index: number): number {
  if (options.perSecond === undefined) return 0;
  return Math.max(0, startedMs + (index * 1000) / options.perSecond - performance.now());
}

class Client {
  #socket: Socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
  /** The beginning of a reply whose end has not come. */
  #partial: Buffer | undefined;
  #expected = 0;
  #next: () => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;

  async open(): Promise<void> {
    this.#listen();
    await this.#expect(220);
    await this.#say(EHLO, 250);
    if (options.isTls !== true) return;
    await this.#say(STARTTLS, 220);
    this.#socket.removeAllListeners();
    this.#socket = connectTls({ socket: this.#socket, secureContext: CONTEXT, rejectUnauthorized: false });
    this.#listen();
    await this.#say(EHLO, 250);
  }

  async send(): Promise<void> {
    // Taken before MAIL FROM: latency counts from there.
    const message = body();
    await this.#say(MAIL, 250);
    await this.#say(RCPT, 250);
    await this.#say(DATA, 354);
    await this.#say(message, 250);
  }

  async close(): Promise<void> {
    await this.#say(QUIT, 221);
    this.#socket.end();
  }

  #listen(): void {
    this.#socket.on('data', (octets: Buffer) => this.#take(octets));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  #say(octets: Buffer, code: number): Promise<void> {
    this.#socket.write(octets);
    return this.#expect(code);
  }

  #expect(code: number): Promise<void> {
    this.#expected = code;
    return new Promise((resolve, reject) => {
      this.#next = resolve;
      this.#fail = reject;
    });
  }

  /** One reply is awaited at a time; its last line has no hyphen behind the code. */
  #take(octets: Buffer): void {
    const reply = this.#partial ? Buffer.concat([this.#partial, octets]) : octets;
    const lastLine = reply.lastIndexOf(LF, -2) + 1;
    const isWhole = reply.at(-1) === LF && reply[lastLine + 3] !== HYPHEN;
    this.#partial = isWhole ? undefined : reply;
    if (!isWhole) return;
    if (Number(reply.toString('latin1', lastLine, lastLine + 3)) === this.#expected) return this.#next();
    this.#fail(new Error(`expected ${this.#expected}: ${reply.toString('latin1').trim()}`));
  }
}

async function work(): Promise<void> {
  let client: Client | undefined;
  for (let index = begun++; index < options.messages; index = begun++) {
    if (options.perSecond !== undefined) await new Promise((resolve) => setTimeout(resolve, waitMs(index)));
    if (!client) {
      client = new Client();
      await client.open();
    }
    await client.send();
    if (options.isReconnecting !== true) continue;
    await client.close();
    client = undefined;
  }
  await client?.close();
}

await Promise.all(Array.from({ length: options.sessions }, work));
process.stdout.write(`${(performance.now() - startedMs) / 1000}\n`);
