// Reads the XML of the Edge Subscription file strictly, since it travels by hand and decides whom to trust: white space and
// comments between elements are allowed, and nothing else but the known elements with text in them. Of XML itself
// whatever this file never needs (DOCTYPE, CDATA, processing instructions, other encodings) is refused.

import { SaxesParser } from 'saxes';
import { messageOf } from '../problem.ts';
import {
  EXPORT_AGAIN,
  problem,
  quote,
  SUBSCRIPTION_ELEMENTS,
  SUBSCRIPTION_NAMESPACES,
  SUBSCRIPTION_ROOT,
  type SubscriptionElement,
  type SubscriptionField,
} from './subscription-xml.ts';

/** A larger file is refused unread. */
export const MAX_SUBSCRIPTION_SIZE_BYTES = 1024 * 1024;

/** .NET's serializer leaves out a text that is null; the last is our own. */
const OPTIONAL: ReadonlySet<SubscriptionElement> = new Set([
  'PfxKPKCertificateBlob',
  'ServerType',
  'ProductID',
  'AdamCertificateBlob',
]);

/** The elements of the file; throws Problem `subscription-…` with a sentence that names the element and the line. */
export function readSubscriptionXml(content: Buffer): ReadonlyMap<SubscriptionElement, SubscriptionField> {
  const reader = new Reader();
  const parser = new SaxesParser({ xmlns: false });
  parser.on('xmldecl', ({ version, encoding }) => reader.readDeclaration(version, encoding));
  parser.on('doctype', () => reader.refuse('doctype', 'declares a document type (DOCTYPE)'));
  parser.on('processinginstruction', () => reader.refuse('instruction', 'holds a processing instruction'));
  parser.on('cdata', () => reader.refuse('cdata', 'holds a CDATA section'));
  parser.on('comment', () => reader.readComment());
  parser.on('opentagstart', ({ name }) => reader.openElement(name));
  parser.on('attribute', ({ name, value }) => reader.readAttribute(name, value));
  parser.on('text', (text) => reader.readText(text));
  parser.on('closetag', () => reader.closeElement());
  parser.on('error', (error) => reader.refuseMalformed(error));
  reader.line = () => parser.line;
  parser.write(decode(content));
  reader.isAtEnd = true;
  parser.close();
  return completeFields(reader.fields);
}

function decode(content: Buffer): string {
  if (content.length > MAX_SUBSCRIPTION_SIZE_BYTES) {
    throw problem('too-large', `is larger than ${MAX_SUBSCRIPTION_SIZE_BYTES} bytes`);
  }
  const isWide = content[0] === 0 || content[1] === 0 || (content[0] ?? 0) >= 0xfe;
  if (isWide) throw problem('encoding', 'is written in UTF-16 or UTF-32', 'save it as UTF-8');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(content);
  } catch (error) {
    throw problem('encoding', 'holds bytes that are not UTF-8', EXPORT_AGAIN, error);
  }
}

function completeFields(
  fields: ReadonlyMap<SubscriptionElement, SubscriptionField>,
): Map<SubscriptionElement, SubscriptionField> {
  const complete = new Map(fields);
  for (const name of SUBSCRIPTION_ELEMENTS) {
    if (complete.has(name)) continue;
    if (!OPTIONAL.has(name)) throw problem('missing-element', `has no <${name}> element`);
    complete.set(name, { name, text: '', line: 0 });
  }
  return complete;
}

/** Follows the parser's events: before the root, in it (depth 1), in an element (depth 2), after the root. */
class Reader {
  readonly fields = new Map<SubscriptionElement, SubscriptionField>();
  line: () => number = () => 1;
  isAtEnd = false;
  #depth = 0;
  #isRootClosed = false;
  #current: SubscriptionField | undefined;

  readDeclaration(version: string | undefined, encoding: string | undefined): void {
    if (version !== '1.0') this.refuse('malformed', `is XML ${quote(version ?? '')} where 1.0 is expected`);
    if (encoding === undefined || /^utf-?8$/i.test(encoding)) return;
    this.refuse('encoding', `declares the encoding ${quote(encoding)}`, 'save it as UTF-8');
  }

  readComment(): void {
    if (this.#current) this.refuse('text', `has a comment inside <${this.#current.name}>`);
  }

  openElement(name: string): void {
    if (this.#isRootClosed) this.refuse('trailing', `goes on with <${quote(name)}> after the end of the document`);
    if (this.#current) this.refuse('nested', `has an element <${quote(name)}> inside <${this.#current.name}>`);
    this.#depth += 1;
    if (this.#depth === 1) return this.#openRoot(name);
    if (!isKnown(name)) return this.refuse('unknown-element', `has an element <${quote(name)}> that is not known`);
    if (this.fields.has(name)) this.refuse('doubled-element', `has <${name}> twice`);
    this.#current = { name, text: '', line: this.line() };
  }

  readAttribute(name: string, value: string): void {
    if (this.#current === undefined && SUBSCRIPTION_NAMESPACES.get(name) === value) return;
    this.refuse(
      'attribute',
      `has an attribute ${quote(name)} on <${this.#current?.name ?? SUBSCRIPTION_ROOT}>, where it does not belong`,
    );
  }

  readText(text: string): void {
    if (this.#current) this.#current = { ...this.#current, text: this.#current.text + text };
    else if (/[^ \t\r\n]/.test(text)) this.refuse('text', 'has text outside of its elements');
  }

  closeElement(): void {
    this.#depth -= 1;
    if (this.#current) this.fields.set(this.#current.name, this.#current);
    this.#current = undefined;
    this.#isRootClosed = this.#depth === 0;
  }

  refuseMalformed(error: Error): never {
    if (this.isAtEnd) return this.refuse('truncated', 'ends before its document is complete');
    if (this.#isRootClosed) return this.refuse('trailing', 'goes on after the end of the document');
    // The parser's own words are for people only; they begin with line and column.
    const words = quote(
      messageOf(error)
        .replace(/^\d+:\d+: /, '')
        .replace(/\.$/, ''),
      100,
    );
    return this.refuse('malformed', `is not well-formed XML (${words})`);
  }

  refuse(code: string, what: string, remedy?: string): never {
    throw problem(code, `(line ${this.line()}) ${what}`, remedy);
  }

  #openRoot(name: string): void {
    if (name !== SUBSCRIPTION_ROOT)
      this.refuse('wrong-root', `begins with <${quote(name)}> where <${SUBSCRIPTION_ROOT}> is expected`);
  }
}

function isKnown(name: string): name is SubscriptionElement {
  return (SUBSCRIPTION_ELEMENTS as readonly string[]).includes(name);
}
