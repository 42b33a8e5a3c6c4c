// A steady flow of numbered messages from several clients that come back when their server dies, and the ledger of what was
// promised to them. A number is used for one attempt only, so that whatever arrives twice was doubled by the servers.

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Conversation, stuff } from './submit.ts';

export interface SentMessage {
  readonly number: number;
  /** With angle brackets. */
  readonly messageId: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly startedAtMs: number;
  /** True once the client has read the 250. */
  isAcknowledged: boolean;
  /** What was answered instead of the 250, to whichever command. */
  refusal?: string;
}

/** From whom, and to which domain; the recipient's local part is the number. */
export interface FlowRoute {
  readonly from: string;
  readonly domain: string;
  /** Its numbers begin after this one, where several flows go to one domain. Default 0. */
  readonly after?: number;
  /** Where its clients come from, where that is not the servers' own address. */
  readonly source?: string;
}

const CLIENTS = 10;
const OUTBOUND: FlowRoute = { from: 'inside@contoso.test', domain: 'elsewhere.test' };

export class MailFlow {
  readonly messages = new Map<number, SentMessage>();
  readonly #port: number;
  readonly #route: FlowRoute;
  readonly #onBegun: (message: SentMessage) => void;
  readonly #clients: Promise<void>[];
  #quota = 0;
  #busy = 0;
  #isStopped = false;
  #wake: (() => void)[] = [];

  /** `onBegun` is called for each message before anything of it is sent. */
  constructor(port: number, route: FlowRoute = OUTBOUND, onBegun: (message: SentMessage) => void = () => {}) {
    this.#port = port;
    this.#route = route;
    this.#onBegun = onBegun;
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
      const conversation = await Conversation.open(this.#port, '127.0.0.1', this.#route.source);
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
      const reply = await conversation.say(command);
      if (!/^[23]/.test(reply)) return note(message, reply);
    }
    conversation.socket.write(Buffer.concat([stuff(content), Buffer.from('.\r\n')]));
    const reply = await conversation.reply();
    message.isAcknowledged = reply.startsWith('250');
    return message.isAcknowledged || note(message, reply);
  }

  #create(): { message: SentMessage; content: Buffer } {
    const number = (this.#route.after ?? 0) + this.messages.size + 1;
    const id = `flow-${number}@${this.#route.domain}`;
    const content = compose(number, id);
    const message = {
      number,
      messageId: `<${id}>`,
      sha256: sha256(content),
      sizeBytes: content.length,
      startedAtMs: Date.now(),
      isAcknowledged: false,
    };
    this.messages.set(number, message);
    this.#onBegun(message);
    return { message, content };
  }
}

/** An answer that is none, since the server died, is no refusal. */
function note(message: SentMessage, reply: string): false {
  if (reply !== '') message.refusal = reply;
  return false;
}

/** Small ones, some of 40 KiB, and now and then one that the spool keeps in a file of its own. */
function compose(number: number, id: string): Buffer {
  const size = number % 25 === 0 ? 300_000 : number % 10 === 0 ? 30_000 : 200 + (number % 7) * 500;
  return composeLetter(id, size);
}

/** A letter with this Message-ID and at least `sizeBytes` octets that occur in no other. */
export function composeLetter(id: string, sizeBytes: number): Buffer {
  const lines =
    randomBytes(sizeBytes)
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  const header = [`Message-ID: <${id}>`, `Subject: message ${id}`, 'X-Flow: yes', ''];
  return Buffer.from([...header, '.begins with a dot', ...lines, '.', 'end', ''].join('\r\n'));
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
