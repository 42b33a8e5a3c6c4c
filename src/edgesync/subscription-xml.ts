// The XML of the Edge Subscription file: one root, Exchange's thirteen elements and one of our own that hold text alone, and the writer for it. Reading
// it is subscription-reader.ts's business, what the values mean subscription-file.ts's.

import { Problem } from '../problem.ts';
import { escapeText } from '../tracking/plain-text.ts';

/** In the order in which Exchange writes them; a reader takes any order. */
export const SUBSCRIPTION_ELEMENTS = [
  'EdgeServerName',
  'EdgeServerFQDN',
  'EdgeCertificateBlob',
  'PfxKPKCertificateBlob',
  'ESRAUsername',
  'ESRAPassword',
  'EffectiveDate',
  'Duration',
  'AdamSslPort',
  'ServerType',
  'ProductID',
  'VersionNumber',
  'SerialNumber',
  'AdamCertificateBlob',
] as const;

export type SubscriptionElement = (typeof SUBSCRIPTION_ELEMENTS)[number];

/** An element's text and where it begins. */
export interface SubscriptionField {
  readonly name: SubscriptionElement;
  readonly text: string;
  /** Counted from 1; 0 for an element that was left out. */
  readonly line: number;
}

export const SUBSCRIPTION_ROOT = 'EdgeSubscriptionData';
export const SUBSCRIPTION_NAMESPACES: ReadonlyMap<string, string> = new Map([
  ['xmlns:xsi', 'http://www.w3.org/2001/XMLSchema-instance'],
  ['xmlns:xsd', 'http://www.w3.org/2001/XMLSchema'],
]);
export const EXPORT_AGAIN = 'export the file again with New-EdgeSubscription on the Edge and copy it unchanged';

/** Ours, not Exchange's: written only where there is something to say. */
const OWN_ELEMENTS: ReadonlySet<SubscriptionElement> = new Set(['AdamCertificateBlob']);

/** The document as text, line feeds only. Texts are escaped; whether XML can carry them shows when it is read back. */
export function writeSubscriptionXml(texts: Readonly<Record<SubscriptionElement, string>>): string {
  const namespaces = [...SUBSCRIPTION_NAMESPACES].map(([name, value]) => ` ${name}="${value}"`).join('');
  const written = SUBSCRIPTION_ELEMENTS.filter((name) => !OWN_ELEMENTS.has(name) || texts[name] !== '');
  const elements = written.map((name) => {
    const text = escapeXml(texts[name]);
    return text === '' ? `  <${name} />\n` : `  <${name}>${text}</${name}>\n`;
  });
  return `<?xml version="1.0"?>\n<${SUBSCRIPTION_ROOT}${namespaces}>\n${elements.join('')}</${SUBSCRIPTION_ROOT}>\n`;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
  // A parser turns a bare CR into LF, and LF or TAB at the ends is easily trimmed.
  ['\r', '&#xD;'],
  ['\n', '&#xA;'],
  ['\t', '&#x9;'],
]);

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"'\r\n\t]/g, (character) => ESCAPES.get(character) ?? '');
}

/** What stands in the file, short and printable. */
export function quote(text: string, maxLength = 40): string {
  return escapeText(text.length > maxLength ? `${text.slice(0, maxLength)}…` : text);
}

/** A refusal of the file: what is wrong with it and what to do. */
export function problem(code: string, what: string, remedy: string = EXPORT_AGAIN, cause?: unknown): Problem {
  return new Problem(`subscription-${code}`, `the Edge Subscription file ${what}: ${remedy}`, { cause });
}
