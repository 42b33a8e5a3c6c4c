// Both ends of the mail that goes through a server under measurement: clients that hand in as fast as they are answered, and
// a sink that counts. Neither does more than it must, so that the server is what is measured.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const CONTENT = `From: <a@bench.test>\r\nSubject: live\r\n\r\n${`${'y'.repeat(70)}\r\n`.repeat(56)}.\r\n`;
const END = Buffer.from('\r\n.\r\n');

/** Takes everything and counts it. */
export class CountingSink {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  count = 0;
  readonly #waiting = new Map<() => void, number>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async open(): Promise<CountingSink> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CountingSink(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves once so many have arrived in all. */
  reached(count: number): Promise<void> {
    if (this.count >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.set(resolve, count);
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let input: Buffer = Buffer.alloc(0);
    let isData = false;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.write('220 sink.test ESMTP\r\n');
    socket.on('data', (chunk) => {
      input = input.length === 0 ? chunk : Buffer.concat([input, chunk]);
      for (;;) {
        const end = isData ? input.indexOf(END) : input.indexOf('\r\n');
        if (end < 0) return;
        const verb = isData ? '' : input.toString('latin1', 0, 4).toUpperCase();
        input = input.subarray(end + (isData ? END.length : 2));
        if (isData) this.#counted();
        isData = verb === 'DATA';
        socket.write(answerTo(verb));
      }
    });
  }

  #counted(): void {
    this.count += 1;
    for (const [resolve, count] of this.#waiting) if (this.count >= count) resolve();
  }
}

function answerTo(verb: string): string {
  if (verb === 'EHLO') return '250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n';
  return verb === 'DATA' ? '354 go on\r\n' : '250 2.0.0 OK\r\n';
}

/** Hands in `count` messages over `connections` connections at once, each as soon as the one before it was taken. */
export async function handIn(port: number, to: string, count: number, connections: number): Promise<void> {
  let left = count;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = await Client.dial(port);
      while (left > 0) {
        left -= 1;
        await client.send(to);
      }
      client.close();
    }),
  );
}

class Client {
  readonly #socket: Socket;
  #input = '';
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
    socket.on('data', (chunk) => {
      this.#input += chunk.toString('latin1');
      this.#wake();
    });
  }

  static async dial(port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const client = new Client(socket);
    await client.#expect('220');
    socket.write('EHLO client.bench.test\r\n');
    await client.#expect('250');
    return client;
  }

  async send(to: string): Promise<void> {
    this.#socket.write(`MAIL FROM:<sender@bench.test>\r\nRCPT TO:<${to}>\r\nDATA\r\n`);
    for (const code of ['250', '250', '354']) await this.#expect(code);
    this.#socket.write(CONTENT);
    await this.#expect('250');
  }

  close(): void {
    this.#socket.end('QUIT\r\n');
  }

  /** The next reply, which must have this code. */
  async #expect(code: string): Promise<void> {
    for (;;) {
      const reply = /^(?:\d{3}-[^\n]*\n)*(\d{3})[ \r][^\n]*\n/.exec(this.#input);
      if (!reply) {
        if (this.#isClosed) throw new Error('the server closed the connection');
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#input = this.#input.slice(reply[0].length);
      if (reply[1] !== code) throw new Error(`expected ${code}, the server said ${reply[0].trim()}`);
      return;
    }
  }
}
