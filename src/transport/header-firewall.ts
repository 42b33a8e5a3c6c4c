// Exchange's header firewall: X-MS-Exchange-Organization-* and X-MS-Exchange-Forest-* are what servers of one organisation
// tell each other, such as "this sender is one of us". From anybody else they are a forgery, and they are nobody else's
// business. Whole fields are taken out of the header while a message streams past; every other octet stays as it is.
// Received and Resent-* always stay, whatever rights their sender has: RFC 5321 §4.4 forbids to take a Received field away.

import type { SpooledMessage } from '../spool/spool.ts';

export const HEADER_FAMILIES = ['Organization', 'Forest'] as const;
export type HeaderFamily = (typeof HEADER_FAMILIES)[number];

const NOTHING = Buffer.alloc(0);
const BLANK_LINE = Buffer.from('\r\n\r\n');
/** Of a blank line that is cut in two the first part is at most so long. */
const CONTEXT_BYTES = BLANK_LINE.length - 1;
const PREFIXES = HEADER_FAMILIES.map((family) => `x-ms-exchange-${family}-`.toLowerCase());
const LONGEST_PREFIX = Math.max(...PREFIXES.map(({ length }) => length));
/**
 * A line end that the next line does not continue (RFC 5322 §2.2.3). The header of a BINARYMIME message may hold a CR or LF
 * alone, and some reader takes it for the end of a line: a field that begins behind one is a field here too.
 */
const END_OF_FIELD = /\n(?=[^ \t])|\r(?=[^ \t\n])/g;
/** Line ends in front of a field of these families, by the families. */
const beginnings = new Map<string, RegExp>();

/**
 * Takes the fields of some families out of one message. Give it every chunk, then ask for the end. Memory is bounded,
 * however long the header. A field is known by how its name begins, in any letter case, with or without a colon.
 */
export class HeaderFirewall {
  readonly #beginning: RegExp | undefined;
  /** The last octets that came and were judged: a line end may be cut anywhere. As if a line had ended before the message. */
  #before = '\r\n';
  /** The last octets that passed. Whoever reads the message sees the end of the header in these alone. */
  #passed = '\r\n';
  /** What may turn out to be the beginning of a name. */
  #held: Buffer = NOTHING;
  #isInField = false;
  #isHeaderOver = false;
  #removedBytes = 0;

  /** `families`: those that must go; where there are none, everything passes. */
  constructor(families: readonly HeaderFamily[]) {
    this.#beginning = families.length === 0 ? undefined : beginningOf(families);
  }

  /** Octets of the fields that were taken out so far. */
  get removedBytes(): number {
    return this.#removedBytes;
  }

  /** What passes of `chunk` and of what was held back before it. */
  strip(chunk: Buffer): Buffer {
    if (this.#beginning === undefined || this.#isHeaderOver) return chunk;
    const removedBefore = this.#removedBytes;
    const octets = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const pieces: Buffer[] = [];
    let rest = octets;
    while (rest.length > 0 && !this.#isHeaderOver) {
      // Of a body that follows nothing is looked at.
      const end = endOfHeader(this.#before, rest) ?? rest.length;
      pieces.push(...this.#readFields(this.#beginning, rest.subarray(0, end)));
      rest = rest.subarray(end);
    }
    const isUntouched = octets === chunk && this.#removedBytes === removedBefore && this.#held.length === 0;
    return isUntouched ? chunk : Buffer.concat([...pieces, rest]);
  }

  /** What is still held back when the message is over. */
  end(): Buffer {
    const held = this.#held;
    this.#held = NOTHING;
    return held;
  }

  /** The pieces of `octets` that pass; what is undecided at their end is held back. */
  #readFields(beginning: RegExp, octets: Buffer): Buffer[] {
    const text = this.#before + octets.toString('latin1');
    const shift = this.#before.length;
    const pieces: Buffer[] = [];
    let at = shift;
    // The line end that decides may have been the last octet before.
    let from = shift - 1;
    for (;;) {
      const next = positionBehind(this.#isInField ? END_OF_FIELD : beginning, text, from);
      const upTo = next ?? text.length - (this.#isInField ? 0 : undecidedLength(text));
      if (this.#isInField) this.#removedBytes += upTo - at;
      else pieces.push(this.#pass(octets, at - shift, upTo - shift));
      if (next === undefined || this.#isHeaderOver) {
        this.#held = this.#isHeaderOver ? NOTHING : Buffer.from(octets.subarray(upTo - shift));
        this.#before = lastOf(text.slice(0, upTo));
        return pieces;
      }
      from = this.#isInField ? next - 1 : next;
      at = next;
      this.#isInField = !this.#isInField;
    }
  }

  /** From `start` to `end`, or all that follows once the header is over. */
  #pass(octets: Buffer, start: number, end: number): Buffer {
    const piece = octets.subarray(start, end);
    this.#isHeaderOver = endOfHeader(this.#passed, piece) !== undefined;
    this.#passed = lastOf(this.#passed + piece.toString('latin1', Math.max(0, piece.length - CONTEXT_BYTES)));
    return this.#isHeaderOver ? octets.subarray(start) : piece;
  }
}

/** What of a stored message goes to anybody but a member of the pair, and its exact size: as a rule, all of it. */
export function publicBody(
  { envelope, bodySizeBytes }: Pick<SpooledMessage, 'envelope' | 'bodySizeBytes'>,
  openBody: () => AsyncIterable<Buffer>,
): { readonly sizeBytes: number; readonly openBody: () => AsyncIterable<Buffer> } {
  const { internalFieldsBytes = 0 } = envelope;
  if (internalFieldsBytes === 0) return { sizeBytes: bodySizeBytes, openBody };
  return { sizeBytes: bodySizeBytes - internalFieldsBytes, openBody: () => withoutInternalFields(openBody()) };
}

async function* withoutInternalFields(octets: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const firewall = new HeaderFirewall(HEADER_FAMILIES);
  for await (const chunk of octets) {
    const passed = firewall.strip(chunk);
    if (passed.length > 0) yield passed;
  }
  const rest = firewall.end();
  if (rest.length > 0) yield rest;
}

function beginningOf(families: readonly HeaderFamily[]): RegExp {
  const choice = families.join('|');
  const known = beginnings.get(choice) ?? new RegExp(`[\\r\\n](?=x-ms-exchange-(?:${choice})-)`, 'gi');
  beginnings.set(choice, known);
  return known;
}

/** Where in `octets` the blank line is over that ends the header. */
function endOfHeader(before: string, octets: Buffer): number | undefined {
  const across = (before + octets.toString('latin1', 0, CONTEXT_BYTES)).indexOf(BLANK_LINE.toString('latin1'));
  if (across >= 0) return across + BLANK_LINE.length - before.length;
  const index = octets.indexOf(BLANK_LINE);
  return index < 0 ? undefined : index + BLANK_LINE.length;
}

function lastOf(text: string): string {
  return text.slice(-CONTEXT_BYTES);
}

/** How many octets at the end of `text` may be the beginning of a field that must go. */
function undecidedLength(text: string): number {
  const end = text.slice(-LONGEST_PREFIX);
  const lineEnd = Math.max(end.lastIndexOf('\r'), end.lastIndexOf('\n'));
  if (lineEnd < 0) return 0;
  const line = end.slice(lineEnd + 1).toLowerCase();
  return PREFIXES.some((prefix) => prefix.startsWith(line)) ? line.length : 0;
}

/** The position behind the line end that `pattern` finds at or after `from`. */
function positionBehind(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from;
  const match = pattern.exec(text);
  return match === null ? undefined : match.index + 1;
}
