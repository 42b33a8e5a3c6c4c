// Where the mail ends: takes everything, keeps nothing, counts final dots and notes how long each message was under way. A process
// of its own. Prints its port, then a line of JSON for each line on its standard input: the count and the latencies since the last.

import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

const END = Buffer.from('\r\n.\r\n');
const SENT = Buffer.from('\r\nX-Sent: ');
let count = 0;
let latencies: number[] = [];

/** Reads one connection: commands by line, bodies by a search for their end. */
class Session {
  readonly #socket: Socket;
  #input: Buffer = Buffer.alloc(0);
  #isBody = false;
  #sentMs: number | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (octets: Buffer) => this.#take(octets));
    socket.write('220 sink.out.test ESMTP\r\n');
  }

  #take(octets: Buffer): void {
    this.#input = this.#input.length === 0 ? octets : Buffer.concat([this.#input, octets]);
    while (this.#isBody ? this.#readBody() : this.#readLine());
  }

  #readBody(): boolean {
    this.#sentMs ??= readSent(this.#input);
    const end = this.#input.indexOf(END);
    if (end === -1) {
      this.#input = this.#input.subarray(-(END.length - 1));
      return false;
    }
    count += 1;
    if (this.#sentMs !== undefined) latencies.push(performance.timeOrigin + performance.now() - this.#sentMs);
    this.#input = this.#input.subarray(end + END.length);
    this.#isBody = false;
    this.#socket.write('250 2.0.0 Ok\r\n');
    return true;
  }

  #readLine(): boolean {
    const end = this.#input.indexOf('\n');
    if (end === -1) return false;
    const verb = this.#input.toString('latin1', 0, 4).toUpperCase();
    this.#input = this.#input.subarray(end + 1);
    this.#isBody = verb === 'DATA';
    this.#sentMs = undefined;
    if (verb === 'EHLO') this.#socket.write('250-sink.out.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 0\r\n');
    else if (this.#isBody) this.#socket.write('354 Go on\r\n');
    else if (verb === 'QUIT') this.#socket.end('221 Bye\r\n');
    else this.#socket.write('250 Ok\r\n');
    return true;
  }
}

function readSent(octets: Buffer): number | undefined {
  const at = octets.indexOf(SENT);
  return at === -1 ? undefined : Number.parseFloat(octets.toString('latin1', at + SENT.length, at + SENT.length + 24));
}

const server = createServer((socket) => void new Session(socket));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
});
createInterface({ input: process.stdin })
  .on('line', () => {
    process.stdout.write(`${JSON.stringify({ count, latencies })}\n`);
    latencies = [];
  })
  .on('close', () => process.exit());
