// Hands in one message octet for octet, as a test wrote it, and says what was answered at each step.

import { connect, type Socket } from 'node:net';

export interface Submission {
  readonly host?: string;
  readonly port: number;
  readonly from: string;
  readonly to: readonly string[];
  /** CRLF line ends are the caller's business; dots are stuffed here. */
  readonly content: Buffer;
  readonly helo?: string;
  readonly mailParameters?: string;
  /** Of every recipient. */
  readonly recipientParameters?: string;
}

export interface Submitted {
  /** The reply to the final dot, or the first refusal. */
  readonly reply: string;
  readonly isAccepted: boolean;
}

/** One conversation over a plain socket, command by command. */
export class Conversation {
  readonly socket: Socket;
  #input = '';
  #wake: (() => void) | undefined;
  #isOver = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#input += chunk.toString('latin1');
      this.#wake?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isOver = true;
      this.#wake?.();
    });
  }

  /** `localAddress`: where the client is. */
  static async open(port: number, host = '127.0.0.1', localAddress?: string): Promise<Conversation> {
    const socket = connect({ port, host, ...(localAddress !== undefined && { localAddress }) });
    const conversation = new Conversation(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return conversation;
  }

  /** The next whole reply, all its lines; '' when the connection is over. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n/.exec(this.#input);
      if (match) {
        this.#input = this.#input.slice(match[0].length);
        return match[0].trimEnd();
      }
      if (this.#isOver) return '';
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async say(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`, 'latin1');
    return this.reply();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Whether somebody at the port of loopback greets as a server does. */
export async function answersSmtp(port: number): Promise<boolean> {
  try {
    const conversation = await Conversation.open(port);
    const greeting = await conversation.reply();
    conversation.close();
    return greeting.startsWith('220 ');
  } catch {
    return false;
  }
}

export async function submit(submission: Submission): Promise<Submitted> {
  const conversation = await Conversation.open(submission.port, submission.host);
  try {
    await conversation.reply();
    await conversation.say(`EHLO ${submission.helo ?? 'client.test'}`);
    return await transact(conversation, submission);
  } finally {
    conversation.close();
  }
}

/** Hands in one message after another over one connection, the next once the last is answered. */
export async function submitAll(port: number, messages: readonly Omit<Submission, 'port'>[]): Promise<Submitted[]> {
  const conversation = await Conversation.open(port);
  try {
    await conversation.reply();
    await conversation.say('EHLO client.test');
    const all: Submitted[] = [];
    for (const message of messages) {
      all.push(await transact(conversation, message));
      await conversation.say('RSET');
    }
    return all;
  } finally {
    conversation.close();
  }
}

/** One transaction on a connection that has said EHLO. */
export async function transact(conversation: Conversation, submission: Omit<Submission, 'port'>): Promise<Submitted> {
  const steps = [
    `MAIL FROM:<${submission.from}> ${submission.mailParameters ?? ''}`.trimEnd(),
    ...submission.to.map((recipient) => `RCPT TO:<${recipient}> ${submission.recipientParameters ?? ''}`.trimEnd()),
    'DATA',
  ];
  for (const step of steps) {
    const reply = await conversation.say(step);
    if (!/^[23]/.test(reply)) return { reply, isAccepted: false };
  }
  conversation.socket.write(Buffer.concat([stuff(submission.content), Buffer.from('.\r\n')]));
  const reply = await conversation.reply();
  return { reply, isAccepted: reply.startsWith('250') };
}

/** Dots stuffed, and a last CRLF if the message has none, as every sender must give it. */
export function stuff(content: Buffer): Buffer {
  const text = content.toString('latin1').replace(/(^|\r\n)\./g, '$1..');
  return Buffer.from(text.endsWith('\r\n') || text === '' ? text : `${text}\r\n`, 'latin1');
}

/** What a server answers to each recipient, in one transaction. */
export async function rcpt(port: number, ...recipients: string[]): Promise<string[]> {
  const conversation = await Conversation.open(port);
  try {
    await conversation.reply();
    for (const line of ['EHLO client.test', 'MAIL FROM:<stranger@elsewhere.test>']) await conversation.say(line);
    const replies: string[] = [];
    for (const recipient of recipients) replies.push(await conversation.say(`RCPT TO:<${recipient}>`));
    return replies;
  } finally {
    conversation.close();
  }
}
