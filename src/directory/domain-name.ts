// Domain names as the directory keeps them: lower case, A-labels (RFC 5890 §2.3.2.1), no dot at the end.

import { domainToASCII } from 'node:url';
import { remembered } from '../remembered.ts';

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/** The name in the form in which names are stored and compared; undefined when it is none. */
export const normalizeDomainName = remembered(1000, normalize);

function normalize(text: string): string | undefined {
  // domainToASCII also takes URL escapes, what ends a host in a URL, and numbers that it reads as addresses: none is a name.
  if (/[%\s/\\?#:@[\]]/.test(text)) return undefined;
  const name = domainToASCII(text.trim()).toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  if (name.length === 0 || name.length > 253 || !labels.every((label) => LABEL.test(label))) return undefined;
  return /^\d+$/.test(labels.at(-1) ?? '') ? undefined : name;
}

/** True when `name` lies under `parent` (and is not it); both in stored form. */
export function isSubdomain(name: string, parent: string): boolean {
  return name.endsWith(`.${parent}`);
}
