// An SMTP client that does exactly what a test types: octets out, replies in, TLS when told. It follows no rule of the protocol.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

export interface RawReply {
  code: number;
  /** Each line without code and separator. */
  lines: string[];
  text: string;
}

export class RawSmtpClient {
  socket: Socket | TLSSocket;
  /** Settles when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;
  #received = '';
  #wake: () => void = () => undefined;
  #isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
    this.#listen(socket);
  }

  /** Connects and leaves the greeting unread. */
  static async dial(port: number, host = '127.0.0.1'): Promise<RawSmtpClient> {
    const socket = connect({ port, host, noDelay: true });
    await once(socket, 'connect');
    return new RawSmtpClient(socket);
  }

  /** Connects, reads the greeting and says EHLO. */
  static async greet(port: number): Promise<RawSmtpClient> {
    const client = await RawSmtpClient.dial(port);
    await client.reply();
    await client.ask('EHLO client.test');
    return client;
  }

  #listen(socket: Socket): void {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      this.#received += chunk.toString('utf8');
      this.#wake();
    });
  }

  /** Octets as they are. */
  write(data: string | Buffer): void {
    this.socket.write(data);
  }

  /** One line and its reply, as "code text". */
  async ask(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    const { code, text } = await this.reply();
    return `${code} ${text}`;
  }

  /** The next whole reply; throws when the connection ends before there is one. */
  async reply(): Promise<RawReply> {
    const whole = await this.#take(/^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/);
    const lines = whole.slice(0, -2).split('\r\n');
    const texts = lines.map((line) => line.slice(4));
    return { code: Number(lines.at(-1)?.slice(0, 3)), lines: texts, text: texts.join('\n') };
  }

  /** The next line as it came, without its CRLF. */
  async line(): Promise<string> {
    return (await this.#take(/^[^\r\n]*\r\n/)).slice(0, -2);
  }

  async #take(pattern: RegExp): Promise<string> {
    for (;;) {
      const [taken] = pattern.exec(this.#received) ?? [];
      if (taken !== undefined) {
        this.#received = this.#received.slice(taken.length);
        return taken;
      }
      if (this.#isClosed) throw new Error(`connection closed after "${this.#received}"`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** True when nothing more has come in than was read. */
  get isQuiet(): boolean {
    return this.#received === '';
  }

  /** The handshake over the connection as it stands; rejects with the error of a handshake that fails. */
  async secure(options: ConnectionOptions = {}): Promise<TLSSocket> {
    this.socket.removeAllListeners('data');
    const socket = connectTls({ socket: this.socket, rejectUnauthorized: false, ...options });
    await once(socket, 'secureConnect');
    this.#listen(socket);
    this.socket = socket;
    return socket;
  }

  /** As `secure`, and waits for what the server hands out to resume the session with. */
  async secureForTicket(options: ConnectionOptions): Promise<Buffer> {
    this.socket.removeAllListeners('data');
    const socket = connectTls({ socket: this.socket, rejectUnauthorized: false, ...options });
    const ticket = once(socket, 'session') as Promise<[Buffer]>;
    await once(socket, 'secureConnect');
    this.#listen(socket);
    this.socket = socket;
    const [session] = await ticket;
    return session;
  }

  destroy(): void {
    this.socket.destroy();
  }
}
