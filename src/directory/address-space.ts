// Address spaces and smart hosts of a Send connector, as text and as values (exchange: Set-SendConnector). Pure. Which space
// is the closest match is routing's.

import { isIP } from 'node:net';
import { Problem } from '../problem.ts';
import { normalizeDomainName } from './domain-name.ts';

export interface AddressSpace {
  readonly type: 'SMTP';
  /** `contoso.com`, `*.contoso.com`, `*`, or `--`: every accepted domain whose mail goes inside. */
  readonly space: string;
  /** 1 to 100; the lower wins. */
  readonly cost: number;
}

/** The accepted domains of the subscribed site as address space, its hubs as smart hosts. */
export const SUBSCRIBED_SITE = '--';

/** Reads `SMTP:*.contoso.com;5`, `contoso.com`, `--;1`; type SMTP and cost 1 when absent. Throws Problem `bad-address-space`. */
export function parseAddressSpace(text: string): AddressSpace {
  const [, type = 'SMTP', written = '', cost = '1'] =
    /^\s*(?:([A-Za-z0-9]+):)?([^;:\s]+)\s*(?:;\s*(\d+))?\s*$/.exec(text) ?? [];
  if (type.toUpperCase() !== 'SMTP') throw refuse(text, 'only the type SMTP is known');
  const space = readSpace(written);
  if (space === undefined) {
    throw refuse(
      text,
      /^\*[^.]/.test(written)
        ? 'write *.contoso.com with a dot after the star'
        : 'write contoso.com, *.contoso.com, * or --',
    );
  }
  if (Number(cost) < 1 || Number(cost) > 100) throw refuse(text, 'the cost is from 1 to 100');
  return { type: 'SMTP', space, cost: Number(cost) };
}

function readSpace(written: string): string | undefined {
  if (written === '*' || written === SUBSCRIBED_SITE) return written;
  const isWildcard = written.startsWith('*.');
  const name = normalizeDomainName(isWildcard ? written.slice(2) : written);
  return name === undefined ? undefined : `${isWildcard ? '*.' : ''}${name}`;
}

/** `SMTP:*;100`. */
export function formatAddressSpace({ type, space, cost }: AddressSpace): string {
  return `${type}:${space};${cost}`;
}

function refuse(text: string, why: string): Problem {
  return new Problem('bad-address-space', `"${text}" is not an address space: ${why}`);
}

/** A smart host as it is kept: a name in lower case, an address in brackets, or `--`. Throws Problem `bad-smart-host`. */
export function parseSmartHost(text: string): string {
  const written = text.trim();
  if (written === SUBSCRIBED_SITE) return written;
  const literal = /^\[(?:IPv6:)?(.+)\]$/i.exec(written)?.[1] ?? written;
  if (isIP(literal) !== 0) return `[${literal.toLowerCase()}]`;
  const name = written.startsWith('[') ? undefined : normalizeDomainName(written);
  if (name !== undefined) return name;
  throw new Problem(
    'bad-smart-host',
    `"${text}" is not a smart host; write mail.contoso.com, 192.0.2.1 or [2001:db8::1]`,
  );
}
