// A report's part for programs: RFC 3464 §2.2 and §2.3, with RFC 6533 §3 for addresses beyond ASCII. Pure text.

import { escapeUtf8Address, unescapeUtf8Address } from '../smtp/xtext.ts';
import type { ReportedRecipient, ReportFacts } from './report.ts';
import { isPlain, oneLine } from './report-text.ts';
import { formatDate } from './trace-header.ts';

type Field = readonly [name: string, value: string | undefined];

/** The fields about the message, then those about each recipient. Only with `smtpUtf8` are they UTF-8. */
export function explainToPrograms(facts: ReportFacts): string {
  const groups = [fieldsOfMessage(facts), ...facts.recipients.map((recipient) => fieldsOfRecipient(facts, recipient))];
  return groups.map((fields) => formatGroup(fields, facts.smtpUtf8)).join('\r\n');
}

function formatGroup(fields: readonly Field[], isGlobal: boolean): string {
  return fields
    .flatMap(([name, value]) => {
      if (value === undefined) return [];
      const text = oneLine(value);
      return [`${name}: ${isGlobal ? text : text.replaceAll(/[^\p{ASCII}]/gu, '?')}\r\n`];
    })
    .join('');
}

function fieldsOfMessage({ reportingServer, envelopeId, arrivedAt }: ReportFacts): Field[] {
  return [
    ['Original-Envelope-Id', envelopeId],
    ['Reporting-MTA', `dns; ${reportingServer}`],
    ['Arrival-Date', formatDate(arrivedAt)],
  ];
}

function fieldsOfRecipient(facts: ReportFacts, recipient: ReportedRecipient): Field[] {
  const { action, smtpUtf8, lastAttemptAt, retryUntil } = facts;
  const { address, originalRecipient, status, remoteHost, diagnostic } = recipient;
  return [
    ['Original-Recipient', originalRecipient === undefined ? undefined : formatOriginal(originalRecipient, smtpUtf8)],
    ['Final-Recipient', formatFinal(address, smtpUtf8)],
    ['Action', action],
    ['Status', status],
    ['Remote-MTA', remoteHost === undefined ? undefined : `dns; ${remoteHost}`],
    // "smtp" is for what another server said; what this one found has a type of its own (RFC 3464 §2.3.6).
    [
      'Diagnostic-Code',
      diagnostic === undefined ? undefined : `${remoteHost === undefined ? 'x-relaypair' : 'smtp'}; ${diagnostic}`,
    ],
    ['Last-Attempt-Date', lastAttemptAt && formatDate(lastAttemptAt)],
    ['Will-Retry-Until', action === 'delayed' && retryUntil ? formatDate(retryUntil) : undefined],
  ];
}

function formatFinal(address: string, isGlobal: boolean): string {
  return isPlain(address) ? `rfc822; ${address}` : formatUtf8(address, isGlobal);
}

function formatOriginal(original: string, isGlobal: boolean): string {
  const end = original.indexOf(';');
  const [type, address] =
    end < 0 ? ['rfc822', original] : [original.slice(0, end), original.slice(end + 1).trimStart()];
  return type.toLowerCase() === 'utf-8' ? formatUtf8(address, isGlobal) : `${type}; ${address}`;
}

function formatUtf8(address: string, isGlobal: boolean): string {
  return `utf-8; ${isGlobal ? unescapeUtf8Address(address) : escapeUtf8Address(oneLine(address), 'xtext')}`;
}
