// The load: SMTP sessions that send a message again and again, as lightly as a client can. A process of its own, so that its
// work is not counted: `node bench/pair/source.ts '{"port":...}'`. Prints how many seconds passed until the last 250.

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

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
const LINE = `${'x'.repeat(76)}\r\n`;
const HEADER = 'From: <sender@bench.test>\r\nTo: <rcpt@sink.bench.test>\r\nSubject: bench\r\n';
const FILLING = Buffer.from(LINE.repeat(Math.ceil(options.sizeBytes / LINE.length)));
const startedMs = performance.now();
let begun = 0;

function body(): Buffer {
  const head = Buffer.from(`${HEADER}X-Sent: ${performance.timeOrigin + performance.now()}\r\n\r\n`);
  return Buffer.concat([head, FILLING, Buffer.from('.\r\n')]);
}

/** When message number `index` may go, in ms from now. */
function waitMs(index: number): number {
  if (options.perSecond === undefined) return 0;
  return Math.max(0, startedMs + (index * 1000) / options.perSecond - performance.now());
}

class Client {
  #socket: Socket = connect(options.port, '127.0.0.1');
  #input = '';
  #wake: () => void = () => undefined;
  #failure: Error | undefined;

  constructor() {
    this.#listen();
  }

  async open(): Promise<void> {
    await this.#expect(220);
    await this.#say('EHLO source.bench.test', 250);
    if (options.isTls !== true) return;
    await this.#say('STARTTLS', 220);
    this.#socket.removeAllListeners();
    this.#socket = connectTls({ socket: this.#socket, rejectUnauthorized: false });
    this.#listen();
    await this.#say('EHLO source.bench.test', 250);
  }

  async send(): Promise<void> {
    await this.#say('MAIL FROM:<sender@bench.test>', 250);
    await this.#say('RCPT TO:<rcpt@sink.bench.test>', 250);
    await this.#say('DATA', 354);
    this.#socket.write(body());
    await this.#expect(250);
  }

  async close(): Promise<void> {
    await this.#say('QUIT', 221);
    this.#socket.end();
  }

  #listen(): void {
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (octets: Buffer) => {
      this.#input += octets.toString('latin1');
      this.#wake();
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  #say(line: string, code: number): Promise<void> {
    this.#socket.write(`${line}\r\n`);
    return this.#expect(code);
  }

  async #expect(code: number): Promise<void> {
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*(\d{3})[^\n]*\n/.exec(this.#input);
      if (match) {
        this.#input = this.#input.slice(match[0].length);
        if (Number(match[1]) === code) return;
        throw new Error(`expected ${code}: ${match[0].trim()}`);
      }
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

async function work(): Promise<void> {
  let client: Client | undefined;
  for (let index = begun++; index < options.messages; index = begun++) {
    await new Promise((resolve) => setTimeout(resolve, waitMs(index)));
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
