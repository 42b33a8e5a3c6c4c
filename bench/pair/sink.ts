// Where the mail ends: takes everything, keeps nothing, counts final dots and notes how long each message was under way. A process
// of its own, as light as it can be: the servers have the processors that it leaves them. Prints its port, then a line of JSON for
// each line on its standard input: the count and the latencies since the last.

import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

const END = Buffer.from('\r\n.\r\n');
const SENT = Buffer.from('\r\nX-Sent: ');
const REPLIES = {
  greeting: Buffer.from('220 sink.out.test ESMTP\r\n'),
  EHLO: Buffer.from('250-sink.out.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 0\r\n'),
  DATA: Buffer.from('354 Go on\r\n'),
  QUIT: Buffer.from('221 Bye\r\n'),
  ok: Buffer.from('250 Ok\r\n'),
  taken: Buffer.from('250 2.0.0 Ok\r\n'),
} as const;
const NOTHING = Buffer.alloc(0);
/** Behind the final dot Postfix says QUIT at once where it has nothing more; nobody says anything else before the reply. */
const WINDOW_OCTETS = END.length + 'QUIT\r\n'.length;
const LF = 0x0a;
const VERB_OCTETS = 4;

let count = 0;
let latencies: number[] = [];

/** Reads one connection: commands by line, bodies by a look at their end. */
class Session {
  readonly #socket: Socket;
  /** Of commands what is no whole line yet, of a body as much as its end may be cut into. */
  #rest: Buffer = NOTHING;
  #isBody = false;
  #hasBegun = false;
  #sentMs: number | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (octets: Buffer) => (this.#isBody ? this.#takeBody(octets) : this.#takeLines(octets)));
    socket.write(REPLIES.greeting);
  }

  #takeBody(octets: Buffer): void {
    if (!this.#hasBegun) this.#sentMs = readSent(octets);
    this.#hasBegun = true;
    const last = octets.length < WINDOW_OCTETS ? Buffer.concat([this.#rest, octets]) : octets;
    const window = last.subarray(-WINDOW_OCTETS);
    const end = window.indexOf(END);
    this.#rest = end === -1 ? Buffer.from(window) : NOTHING;
    if (end === -1) return;
    count += 1;
    if (this.#sentMs !== undefined) latencies.push(performance.timeOrigin + performance.now() - this.#sentMs);
    this.#isBody = false;
    this.#socket.write(REPLIES.taken);
    if (end + END.length < window.length) this.#takeLines(window.subarray(end + END.length));
  }

  #takeLines(octets: Buffer): void {
    const lines = this.#rest.length === 0 ? octets : Buffer.concat([this.#rest, octets]);
    const replies: Buffer[] = [];
    let from = 0;
    for (let end = lines.indexOf(LF); end !== -1 && !this.#isBody; end = lines.indexOf(LF, from)) {
      replies.push(this.#answer(lines.toString('latin1', from, from + VERB_OCTETS).toUpperCase()));
      from = end + 1;
    }
    this.#rest = lines.subarray(from);
    this.#socket.write(replies.length === 1 && replies[0] ? replies[0] : Buffer.concat(replies));
    if (replies.at(-1) === REPLIES.QUIT) this.#socket.end();
  }

  #answer(verb: string): Buffer {
    this.#isBody = verb === 'DATA';
    this.#hasBegun = false;
    return verb === 'EHLO' || verb === 'DATA' || verb === 'QUIT' ? REPLIES[verb] : REPLIES.ok;
  }
}

function readSent(octets: Buffer): number | undefined {
  const at = octets.indexOf(SENT);
  return at === -1 ? undefined : Number.parseFloat(octets.toString('latin1', at + SENT.length, at + SENT.length + 24));
}

const server = createServer({ noDelay: true }, (socket) => void new Session(socket));
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
