// Somebody on the path between two servers who changes nothing and remembers everything: what of a connection could be read there
// is what it could not hide. Knows so much of SMTP that it finds where TLS begins (RFC 3207 §4).

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Endpoint } from '../config.ts';

/** One connection as it was seen on the path. */
export interface WitnessedConnection {
  /** The port that the server saw as the client's: its decision card has it too. */
  readonly clientPort: number;
  /** True once the client has begun a TLS handshake. */
  readonly isEncrypted: boolean;
  /** Octets that have passed so far, of both sides, encrypted or not. */
  readonly passedBytes: number;
  /** Everything that was said before TLS began, which is all of it where it never did. */
  readonly clear: Buffer;
  /** The same line by line, "C: " before the client's and "S: " before the server's; what TLS hid is one last line. */
  readonly transcript: readonly string[];
}

type Side = 'C' | 'S';

/** First octets of a record of the handshake protocol (RFC 8446 §5.1). */
const HANDSHAKE = Buffer.from([0x16, 0x03]);
/** Of each connection so much is kept. */
const MAX_CLEAR_BYTES = 16 * 1024 * 1024;

/** Owns its sockets; the end of one side is the end of the other. */
export class Witness {
  readonly #target: () => Endpoint | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #connections: Overheard[] = [];

  private constructor(target: () => Endpoint | undefined) {
    this.#target = target;
    // Each side may end its half first: what the other still says must come through.
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#pass(client));
  }

  /** Listens at a free port of the loopback address and passes on to `target`, asked at each connection; to nobody, it is cut. */
  static async open(target: () => Endpoint | undefined): Promise<Witness> {
    const witness = new Witness(target);
    await new Promise<void>((resolve, reject) => {
      witness.#server.once('error', reject);
      witness.#server.listen(0, '127.0.0.1', resolve);
    });
    return witness;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** In the order in which they came. */
  connections(): readonly WitnessedConnection[] {
    return this.#connections;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #pass(client: Socket): void {
    const target = this.#target();
    if (!target) return void client.destroy();
    const server = connect({ ...target, allowHalfOpen: true });
    const overheard = new Overheard(() => server.localPort);
    this.#connections.push(overheard);
    this.#carry(client, server, (octets) => overheard.hear('C', octets));
    this.#carry(server, client, (octets) => overheard.hear('S', octets));
  }

  #carry(from: Socket, to: Socket, hear: (octets: Buffer) => void): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (octets: Buffer) => {
      hear(octets);
      if (!to.write(octets)) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    // A reset is passed on as one: to the other side it must look as it was.
    from.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') to.resetAndDestroy();
      else to.destroy();
    });
    from.on('close', () => {
      this.#sockets.delete(from);
      if (!to.writableEnded) to.destroy();
    });
  }
}

class Overheard implements WitnessedConnection {
  readonly #clientPort: () => number | undefined;
  readonly #pieces: { readonly side: Side; readonly octets: Buffer }[] = [];
  readonly #hidden = { C: 0, S: 0 };
  #clearBytes = 0;
  #knownPort = 0;
  #mayBegin = false;
  isEncrypted = false;
  passedBytes = 0;

  constructor(clientPort: () => number | undefined) {
    this.#clientPort = clientPort;
  }

  get clientPort(): number {
    return this.#knownPort;
  }

  get clear(): Buffer {
    return Buffer.concat(this.#pieces.map(({ octets }) => octets));
  }

  get transcript(): readonly string[] {
    const spoken = joinSides(this.#pieces).flatMap(({ side, octets }) =>
      octets
        .toString('latin1')
        .replace(/\r?\n$/, '')
        .split(/\r?\n/)
        .map((line) => `${side}: ${line}`),
    );
    const { C, S } = this.#hidden;
    return this.isEncrypted ? [...spoken, `(TLS: ${C} octets from the client, ${S} from the server)`] : spoken;
  }

  hear(side: Side, octets: Buffer): void {
    this.passedBytes += octets.length;
    // Unknown until it is connected, and forgotten once it is closed.
    this.#knownPort ||= this.#clientPort() ?? 0;
    if (side === 'C' && this.#mayBegin && octets.subarray(0, HANDSHAKE.length).equals(HANDSHAKE))
      this.isEncrypted = true;
    if (this.isEncrypted) this.#hidden[side] += octets.length;
    else this.#hearClear(side, octets);
  }

  #hearClear(side: Side, octets: Buffer): void {
    if (side === 'C') this.#mayBegin = /^STARTTLS\r?\n$/im.test(octets.toString('latin1'));
    if (this.#clearBytes + octets.length > MAX_CLEAR_BYTES) return;
    this.#clearBytes += octets.length;
    this.#pieces.push({ side, octets });
  }
}

/** Pieces that follow each other from one side are one: a line may be cut anywhere. */
function joinSides(pieces: readonly { side: Side; octets: Buffer }[]): { side: Side; octets: Buffer }[] {
  const joined: { side: Side; octets: Buffer }[] = [];
  for (const { side, octets } of pieces) {
    const last = joined.at(-1);
    if (last?.side === side) last.octets = Buffer.concat([last.octets, octets]);
    else joined.push({ side, octets });
  }
  return joined;
}
