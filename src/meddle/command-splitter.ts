// What a client says in SMTP, piece by piece: commands, answers within AUTH, messages and their end (RFC 5321, RFC 3030, RFC 4954).
// It follows the conversation only as far as it must to tell them apart; whoever reads it says what was replied.

import { PendingOctets } from './pending-octets.ts';
import type { Unit } from './unit.ts';

const MAX_LINE_OCTETS = 65_536;
const END_OF_DATA = Buffer.from('\r\n.\r\n');
const DOT_LINE = Buffer.from('.\r\n');

export class CommandSplitter {
  readonly #pending = new PendingOctets();
  #state: 'command' | 'response' | 'data' | 'chunk' = 'command';
  /** Of the message under way: octets that were handed out. */
  #offset = 0;
  #chunkLeft = 0;
  #isLineStart = true;

  add(octets: Buffer): void {
    this.#pending.add(octets);
  }

  /** Everything that was added and not handed out. */
  takeRest(): Buffer {
    return this.#pending.take();
  }

  /** What follows is a message, up to its dot. */
  expectData(): void {
    this.#state = 'data';
    this.#offset = 0;
    this.#isLineStart = true;
  }

  /** The next line is no command: it answers a challenge. */
  expectResponse(): void {
    this.#state = 'response';
  }

  /** The next unit that has come whole; undefined when there is none. */
  next(): Unit | undefined {
    if (this.#state === 'data') return this.#nextOfData();
    if (this.#state === 'chunk') return this.#nextOfChunk();
    return this.#nextLine();
  }

  #nextLine(): Unit | undefined {
    const end = this.#pending.octets.indexOf(0x0a) + 1;
    if (end === 0 && this.#pending.octets.length <= MAX_LINE_OCTETS) return undefined;
    const octets = this.#pending.take(end === 0 ? this.#pending.octets.length : end);
    if (end === 0) return unit(octets, ['junk'], `${octets.length} octets without an end of line`);
    const line = octets.toString('latin1').replace(/\r?\n$/, '');
    if (this.#state === 'response') {
      this.#state = 'command';
      return unit(octets, ['AUTH response'], '(a response of AUTH)');
    }
    const verb = /^[A-Za-z][A-Za-z0-9-]*/.exec(line)?.[0]?.toUpperCase() ?? 'junk';
    if (verb === 'BDAT') this.#expectChunk(line);
    return unit(octets, [verb], verb === 'AUTH' ? withoutSecret(line) : line);
  }

  #expectChunk(line: string): void {
    const size = /^BDAT +(\d{1,15})\b/i.exec(line)?.[1];
    if (size === undefined || Number(size) === 0) return;
    this.#state = 'chunk';
    this.#chunkLeft = Number(size);
    this.#offset = 0;
  }

  #nextOfChunk(): Unit | undefined {
    if (this.#pending.octets.length === 0) return undefined;
    const octets = this.#pending.take(Math.min(this.#pending.octets.length, this.#chunkLeft));
    this.#chunkLeft -= octets.length;
    if (this.#chunkLeft === 0) this.#state = 'command';
    return this.#body(octets);
  }

  #nextOfData(): Unit | undefined {
    if (this.#isLineStart && this.#pending.octets.subarray(0, 3).equals(DOT_LINE)) {
      this.#state = 'command';
      return unit(this.#pending.take(3), ['dot'], '.');
    }
    const end = this.#pending.octets.indexOf(END_OF_DATA);
    const length = end < 0 ? this.#pending.octets.length - this.#held() : end + 2;
    if (length === 0) return undefined;
    const octets = this.#pending.take(length);
    this.#isLineStart = octets.subarray(-2).toString('latin1') === '\r\n';
    return this.#body(octets);
  }

  /** How many octets at the end may be the beginning of the end. */
  #held(): number {
    if (this.#isLineStart && DOT_LINE.subarray(0, this.#pending.octets.length).equals(this.#pending.octets))
      return this.#pending.octets.length;
    for (let length = END_OF_DATA.length - 1; length > 0; length--) {
      if (this.#pending.octets.subarray(-length).equals(END_OF_DATA.subarray(0, length))) return length;
    }
    return 0;
  }

  #body(octets: Buffer): Unit {
    const offset = this.#offset;
    this.#offset += octets.length;
    return { ...unit(octets, ['body'], `${octets.length} octets of the message`), offset };
  }
}

function unit(octets: Buffer, names: readonly string[], text: string): Unit {
  return { side: 'client', layer: 'smtp', names, octets, offset: 0, text };
}

/** The mechanism alone: what may follow it is a password (RFC 4954 §4). */
function withoutSecret(line: string): string {
  const [verb = '', mechanism = '', response] = line.split(' ');
  return `${verb} ${mechanism}${response === undefined ? '' : ' (an initial response)'}`;
}
