// A steady flow of numbered messages from several clients that come back when their server dies, and the ledger of what was
// promised to them. A number is used for one attempt only, so that whatever arrives twice was doubled by the servers.

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Conversation, stuff } from './submit.ts';

export interface SentMessage {
  readonly number: number;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly startedAtMs: number;
  /** True once the client has read the 250. */
  isAcknowledged: boolean;
}

/** What is done to the server by the next client that has written its final dot. */
export interface DotTrap {
  /** Turns of the event loop between the dot and the kill. */
  readonly turns: number;
  readonly kill: () => void;
  /** The message whose dot it was and whether the kill came before a 250 was read. */
  readonly sprung: (message: SentMessage, isBefore250: boolean) => void;
}

/** From whom, and to which domain; the recipient's local part is the number. */
export interface FlowRoute {
  readonly from: string;
  readonly domain: string;
}

const CLIENTS = 10;
const OUTBOUND: FlowRoute = { from: 'inside@contoso.test', domain: 'elsewhere.test' };

export class MailFlow {
  readonly messages = new Map<number, SentMessage>();
  dotTrap: DotTrap | undefined;
  readonly #port: number;
  readonly #route: FlowRoute;
  readonly #clients: Promise<void>[];
  #quota = 0;
  #busy = 0;
  #isStopped = false;
  #wake: (() => void)[] = [];

  constructor(port: number, route = OUTBOUND) {
    this.#port = port;
    this.#route = route;
    this.#clients = Array.from({ length: CLIENTS }, () => this.#runClient());
  }

  /** Lets `count` more messages flow. */
  release(count: number): void {
    this.#quota += count;
    this.#wakeAll();
  }

  /** Resolves once so many messages were begun, all told. */
  async untilBegun(count: number): Promise<void> {
    while (this.messages.size < count) await this.#change();
  }

  /** Resolves once everything released was begun and has had its answer, if there was to be one. */
  async untilIdle(): Promise<void> {
    while (this.#quota > 0 || this.#busy > 0) await this.#change();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wakeAll();
    await Promise.all(this.#clients);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve);
    });
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  async #runClient(): Promise<void> {
    let conversation: Conversation | undefined;
    while (!this.#isStopped) {
      if (this.#quota === 0) await this.#change();
      else {
        conversation ??= await this.#connect();
        if (conversation && this.#quota > 0 && !(await this.#sendOne(conversation))) {
          conversation.close();
          conversation = undefined;
        }
      }
    }
    conversation?.close();
  }

  async #connect(): Promise<Conversation | undefined> {
    try {
      const conversation = await Conversation.open(this.#port);
      await conversation.reply();
      if ((await conversation.say('EHLO client.test')).startsWith('250')) return conversation;
      conversation.close();
    } catch {
      // Nobody listens while the server is down.
    }
    await pause(20);
    return undefined;
  }

  /** One message; false when the connection is of no more use. */
  async #sendOne(conversation: Conversation): Promise<boolean> {
    this.#quota--;
    this.#busy++;
    const { message, content } = this.#create();
    this.#wakeAll();
    try {
      return await this.#converse(conversation, message, content);
    } finally {
      this.#busy--;
      this.#wakeAll();
    }
  }

  async #converse(conversation: Conversation, message: SentMessage, content: Buffer): Promise<boolean> {
    const { from, domain } = this.#route;
    for (const command of [`MAIL FROM:<${from}>`, `RCPT TO:<n${message.number}@${domain}>`, 'DATA']) {
      if (!/^[23]/.test(await conversation.say(command))) return false;
    }
    conversation.socket.write(Buffer.concat([stuff(content), Buffer.from('.\r\n')]));
    const reply = await this.#awaitReply(conversation, message);
    message.isAcknowledged = reply.startsWith('250');
    return message.isAcknowledged;
  }

  async #awaitReply(conversation: Conversation, message: SentMessage): Promise<string> {
    const trap = this.dotTrap;
    // Only a dot that has left this process counts.
    if (!trap || conversation.socket.writableLength > 0) return conversation.reply();
    this.dotTrap = undefined;
    const answer = conversation.reply();
    for (let turn = 0; turn < trap.turns; turn++) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
    trap.kill();
    // What the server wrote before it died can still be on the way to us: a 250 is a promise whenever it is read.
    const reply = await answer;
    trap.sprung(message, reply === '');
    return reply;
  }

  #create(): { message: SentMessage; content: Buffer } {
    const number = this.messages.size + 1;
    const content = compose(number);
    const message = {
      number,
      sha256: sha256(content),
      sizeBytes: content.length,
      startedAtMs: Date.now(),
      isAcknowledged: false,
    };
    this.messages.set(number, message);
    return { message, content };
  }
}

/** Small ones, some of 40 KiB, and now and then one that the spool keeps in a file of its own. */
function compose(number: number): Buffer {
  const size = number % 25 === 0 ? 300_000 : number % 10 === 0 ? 30_000 : 200 + (number % 7) * 500;
  const lines =
    randomBytes(size)
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  const header = [`Message-ID: <flow-${number}@flow.test>`, `Subject: message ${number}`, 'X-Flow: yes', ''];
  return Buffer.from([...header, '.begins with a dot', ...lines, '.', 'end', ''].join('\r\n'));
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
