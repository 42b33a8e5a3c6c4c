// An SMTP or LMTP server that does as a test says: polite by default, misbehaving in exactly the one way its script names.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createSecureContext, type SecureVersion, TLSSocket, type TLSSocketOptions } from 'node:tls';

/** What to say to a command: text without the last CRLF; undefined says nothing (the function may have done something). */
export type ScriptedAnswer =
  | string
  | ((line: string, peer: ScriptedPeer) => string | undefined | Promise<string | undefined>);

export interface SmtpScript {
  /** '' says nothing. */
  readonly greeting?: string;
  /** Keywords of EHLO and LHLO in clear, and in TLS. */
  readonly keywords?: readonly string[];
  readonly keywordsInTls?: readonly string[];
  /** By verb; DOT is the end of a body. */
  readonly answers?: Readonly<Record<string, ScriptedAnswer>>;
  readonly tls?: TLSSocketOptions & {
    key?: string;
    cert?: string;
    minVersion?: SecureVersion;
    maxVersion?: SecureVersion;
    ciphers?: string;
  };
}

/** The server's side of one connection. */
export class ScriptedPeer {
  socket: Socket;
  readonly closed: Promise<void>;
  readonly #tcp: Socket;
  #buffer = '';
  #isOver = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    this.#tcp = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => resolve());
    });
    this.#listen();
  }

  /** The next line without CRLF; undefined when the client is gone. */
  async readLine(): Promise<string | undefined> {
    return this.#readUntil('\r\n');
  }

  /** A body as it stands on the wire, without the final dot. */
  async readBody(): Promise<string | undefined> {
    if (!(await this.#has('.\r\n'))) return undefined;
    if (this.#buffer.startsWith('.\r\n')) {
      this.#buffer = this.#buffer.slice(3);
      return '';
    }
    const body = await this.#readUntil('\r\n.\r\n');
    return body === undefined ? undefined : `${body}\r\n`;
  }

  /** The octets of a chunk, as latin1; undefined when the client is gone before the last. */
  async readOctets(count: number): Promise<string | undefined> {
    if (!(await this.#until(() => this.#buffer.length >= count))) return undefined;
    const octets = this.#buffer.slice(0, count);
    this.#buffer = this.#buffer.slice(count);
    return octets;
  }

  /** Everything that came and was not read yet. */
  get unread(): string {
    return this.#buffer;
  }

  say(text: string): void {
    if (!this.socket.destroyed) this.socket.write(`${text}\r\n`, 'latin1');
  }

  /** FIN, after what was said. */
  hangUp(): undefined {
    this.socket.end();
  }

  /** FIN with nothing more said, not even in TLS. */
  vanish(): undefined {
    this.socket.destroy();
  }

  /** TCP RST, in clear and in TLS. */
  reset(): undefined {
    this.#tcp.resetAndDestroy();
  }

  /** Answers 220 and goes on in TLS. */
  async startTls(options: NonNullable<SmtpScript['tls']>, prefix = '220 2.0.0 Ready'): Promise<void> {
    this.say(prefix);
    this.socket.removeAllListeners('data');
    const secureContext = createSecureContext(options);
    const secured = new TLSSocket(this.socket, { ...options, isServer: true, secureContext });
    this.socket = secured;
    secured.on('error', () => this.#end());
    const isSecure = await Promise.race([
      once(secured, 'secure').then(
        () => true,
        () => false,
      ),
      this.closed.then(() => false),
    ]);
    if (isSecure) this.#listen();
  }

  #listen(): void {
    this.socket.on('error', () => this.#end());
    this.socket.on('close', () => this.#end());
    this.socket.on('end', () => this.#end());
    this.socket.on('data', (chunk: Buffer) => {
      this.#buffer += chunk.toString('latin1');
      this.#wake();
    });
  }

  #end(): void {
    this.#isOver = true;
    this.#wake();
  }

  #has(text: string): Promise<boolean> {
    return this.#until(() => this.#buffer.includes(text));
  }

  async #until(isThere: () => boolean): Promise<boolean> {
    while (!isThere()) {
      if (this.#isOver) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return true;
  }

  async #readUntil(end: string): Promise<string | undefined> {
    if (!(await this.#has(end))) return undefined;
    const at = this.#buffer.indexOf(end);
    const text = this.#buffer.slice(0, at);
    this.#buffer = this.#buffer.slice(at + end.length);
    return text;
  }
}

export interface ScriptedServer {
  readonly port: number;
  /** Commands in order, over all connections. */
  readonly commands: string[];
  /** Bodies that came with their final dot, as on the wire, and whole chunks. */
  readonly bodies: string[];
  readonly peers: ScriptedPeer[];
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1. */
export async function openScriptedServer(script: SmtpScript = {}): Promise<ScriptedServer> {
  const commands: string[] = [];
  const bodies: string[] = [];
  const peers: ScriptedPeer[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = new ScriptedPeer(socket);
    peers.push(peer);
    void converse(peer, script, { commands, bodies });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    commands,
    bodies,
    peers,
    close: async () => {
      for (const peer of peers) peer.socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const TLS_VERBS: ReadonlySet<string> = new Set(['STARTTLS', 'X-ANONYMOUSTLS']);

interface Transcript {
  readonly commands: string[];
  readonly bodies: string[];
}

async function converse(peer: ScriptedPeer, script: SmtpScript, record: Transcript): Promise<void> {
  const greeting = script.greeting ?? '220 peer.test ESMTP';
  if (greeting !== '') peer.say(greeting);
  for (let line = await peer.readLine(); line !== undefined; line = await peer.readLine()) {
    record.commands.push(line);
    const verb = line.split(' ')[0]?.toUpperCase() ?? '';
    if (verb === 'BDAT') {
      const chunk = await peer.readOctets(Number(line.split(' ')[1]));
      if (chunk === undefined) return;
      record.bodies.push(chunk);
    }
    const answer = await answerTo(verb, line, { peer, script });
    if (answer !== undefined) peer.say(answer);
    if (verb === 'DATA' && answer?.startsWith('354')) await receiveBody(peer, script, record);
    if (verb === 'QUIT') peer.socket.end();
    // What follows a 220 to STARTTLS is a handshake: its octets are no commands, even where they happen to hold CRLF.
    const isHandshakeNext = TLS_VERBS.has(verb) && (answer ?? '220').startsWith('220');
    if (isHandshakeNext && !(peer.socket instanceof TLSSocket)) return peer.closed;
  }
  peer.socket.end();
}

async function receiveBody(peer: ScriptedPeer, script: SmtpScript, record: Transcript): Promise<void> {
  const body = await peer.readBody();
  if (body === undefined) return;
  record.bodies.push(body);
  const answer = await answerTo('DOT', '.', { peer, script });
  if (answer !== undefined) peer.say(answer);
}

async function answerTo(verb: string, line: string, { peer, script }: { peer: ScriptedPeer; script: SmtpScript }) {
  const scripted = script.answers?.[verb];
  if (typeof scripted === 'string') return scripted;
  if (scripted) return scripted(line, peer);
  if (TLS_VERBS.has(verb) && script.tls) {
    await peer.startTls(script.tls);
    return undefined;
  }
  if (verb === 'EHLO' || verb === 'LHLO') return listKeywords(peer, script);
  return POLITE[verb] ?? '502 5.5.1 Unknown';
}

function listKeywords(peer: ScriptedPeer, script: SmtpScript): string {
  const isSecure = peer.socket instanceof TLSSocket;
  const keywords = isSecure ? (script.keywordsInTls ?? script.keywords ?? []) : (script.keywords ?? []);
  const lines = ['peer.test', ...keywords];
  return lines.map((text, index) => `250${index === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n');
}

const POLITE: Readonly<Record<string, string>> = {
  HELO: '250 peer.test',
  MAIL: '250 2.1.0 Sender ok',
  RCPT: '250 2.1.5 Recipient ok',
  DATA: '354 Go on',
  BDAT: '250 2.0.0 Queued',
  DOT: '250 2.0.0 Queued',
  RSET: '250 2.0.0 Reset',
  NOOP: '250 2.0.0 Ok',
  QUIT: '221 2.0.0 Bye',
};
