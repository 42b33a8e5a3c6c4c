// A recorded SMTP session as people read one: who said what, line by line, in clear or in TLS. Mail is counted and not shown, what
// proves an identity is left out. Pure.

import type { SessionOctets } from './session-octets.ts';
import type { Side } from './tcp-conversation.ts';
import { TlsOpening } from './tls-opening.ts';

export interface TranscriptLine {
  /** Real time. */
  readonly time: Date;
  /** Undefined for a remark of the transcript itself. */
  readonly side: Side | undefined;
  readonly isEncrypted: boolean;
  /** Without its line end; anything may stand in it. */
  readonly text: string;
}

const MAX_LINE_LENGTH = 2048;
const TLS_HANDSHAKE = 22;

export function transcribe({ sent, keyLog }: SessionOctets): readonly TranscriptLine[] {
  const transcript = new Transcript(keyLog);
  for (const { time, side, octets } of sent) transcript.take(time, side, octets);
  return transcript.end();
}

class Transcript {
  readonly #lines: TranscriptLine[] = [];
  readonly #opening: TlsOpening;
  readonly #rest = { client: '', server: '' };
  readonly #isTls = { client: false, server: false };
  #startsTls = false;
  #isOpened = false;
  /** How many octets of a chunk are still to come; 'dot' while a message ends with one, 0 while there is none. */
  #body: number | 'dot' = 0;
  #bodyOctets = 0;
  #isSecret = false;
  #last = new Date(0);

  constructor(keyLog: string) {
    this.#opening = new TlsOpening(keyLog);
  }

  take(time: Date, side: Side, octets: Buffer): void {
    this.#last = time;
    if (!this.#isTls[side] && this.#startsTls && this.#rest[side] === '' && octets[0] === TLS_HANDSHAKE)
      this.#isTls[side] = true;
    const plain = this.#isTls[side] ? this.#opening.take(side, octets) : octets;
    if (this.#isTls[side] && !this.#isOpened && plain.length > 0) {
      this.#isOpened = true;
      this.#remark(`TLS, ${this.#opening.suiteName ?? ''}`);
    }
    this.#takeText(side, plain.toString('latin1'));
  }

  end(): readonly TranscriptLine[] {
    this.#endBody();
    if (this.#isTls.client && !this.#isOpened)
      this.#remark('TLS follows that is not opened here: Wireshark opens the capture');
    return this.#lines;
  }

  #takeText(side: Side, text: string): void {
    let left = this.#rest[side] + text;
    this.#rest[side] = '';
    while (left !== '') {
      if (side === 'client' && typeof this.#body === 'number' && this.#body > 0) {
        const taken = Math.min(this.#body, left.length);
        this.#body -= taken;
        this.#bodyOctets += taken;
        left = left.slice(taken);
        if (this.#body === 0) this.#endBody();
        continue;
      }
      const end = left.indexOf('\n');
      if (end < 0) break;
      this.#takeLine(side, left.slice(0, end).replace(/\r$/, ''), end + 1);
      left = left.slice(end + 1);
    }
    this.#rest[side] = left;
  }

  #takeLine(side: Side, line: string, octets: number): void {
    if (side === 'client' && this.#body === 'dot') {
      if (line !== '.') {
        this.#bodyOctets += octets;
        return;
      }
      this.#endBody();
    }
    this.#say(side, side === 'client' ? this.#withoutSecret(line) : line);
    if (side === 'client') this.#heedCommand(line);
    else this.#heedReply(line);
  }

  #heedCommand(line: string): void {
    const [, chunk] = /^BDAT (\d+)/i.exec(line) ?? [];
    if (chunk !== undefined) this.#body = Number(chunk);
    if (/^(?:STARTTLS|X-ANONYMOUSTLS)$/i.test(line.trim())) this.#startsTls = true;
  }

  #heedReply(line: string): void {
    if (line.startsWith('354')) this.#body = 'dot';
    this.#isSecret = line.startsWith('334');
  }

  #withoutSecret(line: string): string {
    if (this.#isSecret) return '...';
    return line.replace(/^\s*(AUTH)\s+(\S+)\s[\s\S]*$/i, '$1 $2 ...');
  }

  #endBody(): void {
    if (this.#bodyOctets > 0) this.#remark(`${this.#bodyOctets} octets of the message`);
    this.#bodyOctets = 0;
    this.#body = 0;
  }

  #remark(text: string): void {
    this.#lines.push({ time: this.#last, side: undefined, isEncrypted: this.#isOpened, text });
  }

  #say(side: Side, text: string): void {
    const shown = Buffer.from(text.slice(0, MAX_LINE_LENGTH), 'latin1').toString();
    this.#lines.push({ time: this.#last, side, isEncrypted: this.#isTls[side], text: shown });
  }
}
