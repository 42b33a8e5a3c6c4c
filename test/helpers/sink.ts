// A plain SMTP sink that keeps each message's exact octets. It misbehaves only where a test asks it to.

import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface SunkMessage {
  /** What the client called itself at EHLO. */
  readonly client: string;
  readonly reversePath: string;
  readonly recipients: readonly string[];
  /** What stood behind the path of MAIL, such as "SIZE=100 RET=HDRS". */
  readonly mailParameters: string;
  /** The same of each RCPT. */
  readonly recipientParameters: readonly string[];
  /** As on the wire, dot-unstuffed, CRLF line ends, without the final dot. */
  readonly content: Buffer;
}

export interface SinkOptions {
  readonly host?: string;
  /** 0, or absent: a free one. */
  readonly port?: number;
  /** Called at each RCPT; a text is answered instead of the 250. */
  readonly onRecipient?: (address: string) => string | undefined;
  /** Called after the final dot; a text is answered instead of the 250; undefined takes the message. */
  readonly onMessage?: (message: SunkMessage) => string | undefined;
  /** Called right after the 250 was written. */
  readonly onAnswered?: (message: SunkMessage) => void;
  /** Called when the client's next command after that 250 arrives: it has taken note of it. */
  readonly onNoted?: (message: SunkMessage) => void;
  readonly keywords?: readonly string[];
}

export class Sink {
  readonly messages: SunkMessage[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiters = new Set<() => void>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(options: SinkOptions = {}): Promise<Sink> {
    const server = createServer();
    const sink = new Sink(server);
    server.on('connection', (socket) => sink.#serve(socket, options));
    await new Promise<void>((resolve) => {
      server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
    });
    return sink;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves once `isEnough` holds; rejects after `timeoutMs`. */
  async waitFor(isEnough: (messages: readonly SunkMessage[]) => boolean, timeoutMs = 60_000): Promise<void> {
    const limit = Date.now() + timeoutMs;
    while (!isEnough(this.messages)) {
      const left = limit - Date.now();
      if (left <= 0) throw new Error(`the sink has ${this.messages.length} messages and not what was waited for`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiters.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** The first message for this recipient, waited for. */
  async messageFor(recipient: string, timeoutMs?: number): Promise<SunkMessage> {
    const find = (): SunkMessage | undefined => this.messages.find(({ recipients }) => recipients.includes(recipient));
    await this.waitFor(() => find() !== undefined, timeoutMs);
    const message = find();
    if (!message) throw new Error('waitFor has lied');
    return message;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #serve(socket: Socket, options: SinkOptions): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.setNoDelay(true);
    socket.write('220 sink.test ESMTP\r\n');
    let input = Buffer.alloc(0);
    let isData = false;
    let last: SunkMessage | undefined;
    let client = '';
    let reversePath = '';
    let recipients: string[] = [];
    let mailParameters = '';
    let recipientParameters: string[] = [];
    socket.on('data', (chunk) => {
      input = Buffer.concat([input, chunk]);
      for (;;) {
        if (isData) {
          const end = input.subarray(0, 3).toString() === '.\r\n' ? 0 : input.indexOf('\r\n.\r\n') + 2;
          if (end === 1) return;
          const content = unstuff(input.subarray(0, end));
          input = input.subarray(end + 3);
          isData = false;
          last = this.#take(socket, options, {
            client,
            reversePath,
            recipients,
            mailParameters,
            recipientParameters,
            content,
          });
          recipients = [];
          recipientParameters = [];
        } else {
          const end = input.indexOf('\r\n');
          if (end < 0) return;
          const line = input.subarray(0, end).toString('utf8');
          input = input.subarray(end + 2);
          if (last) options.onNoted?.(last);
          last = undefined;
          const verb = line.slice(0, 4).toUpperCase();
          if (verb === 'EHLO') {
            client = line.slice(5).trim();
            socket.write(
              [
                '250-sink.test',
                ...(
                  options.keywords ?? [
                    'PIPELINING',
                    '8BITMIME',
                    'SMTPUTF8',
                    'SIZE 104857600',
                    'DSN',
                    'ENHANCEDSTATUSCODES',
                  ]
                ).map((keyword) => `250-${keyword}`),
                '250 HELP',
              ].join('\r\n') + '\r\n',
            );
          } else if (verb === 'MAIL') {
            reversePath = /<(.*?)>/.exec(line)?.[1] ?? '';
            recipients = [];
            mailParameters = parametersOf(line);
            recipientParameters = [];
            socket.write('250 2.1.0 ok\r\n');
          } else if (verb === 'RCPT') {
            const address = /<(.*?)>/.exec(line)?.[1] ?? '';
            const refusal = options.onRecipient?.(address);
            if (refusal === undefined) {
              recipients.push(address);
              recipientParameters.push(parametersOf(line));
            }
            socket.write(`${refusal ?? '250 2.1.5 ok'}\r\n`);
          } else if (verb === 'DATA' && recipients.length === 0) {
            socket.write('554 5.5.1 no valid recipients\r\n');
          } else if (verb === 'DATA') {
            isData = true;
            socket.write('354 go\r\n');
          } else if (verb === 'QUIT') socket.end('221 2.0.0 bye\r\n');
          else socket.write('250 2.0.0 ok\r\n');
        }
      }
    });
  }

  #take(socket: Socket, options: SinkOptions, message: SunkMessage): SunkMessage | undefined {
    const refusal = options.onMessage?.(message);
    if (refusal !== undefined) {
      socket.write(`${refusal}\r\n`);
      return undefined;
    }
    socket.write('250 2.6.0 taken\r\n');
    this.messages.push(message);
    options.onAnswered?.(message);
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
    return message;
  }
}

function parametersOf(line: string): string {
  return line.slice(line.indexOf('>') + 1).trim();
}

function unstuff(content: Buffer): Buffer {
  const text = content.toString('latin1').replace(/(^|\r\n)\.\./g, '$1.');
  return Buffer.from(text, 'latin1');
}
