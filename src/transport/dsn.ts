// A non-delivery report (RFC 3464 in a multipart/report of RFC 6522): what happened in words people understand, the same for
// programs, and the returned message's header fields or the whole of it (RFC 3461 RET). Pure text; the queue stores it
// together with the failure that caused it. Null reverse-path, so no report of a report can come about.

import { formatDate } from './trace-header.ts';

export interface FailedRecipient {
  readonly address: string;
  readonly originalRecipient?: string;
  /** Enhanced status code, such as 5.1.1. */
  readonly status: string;
  /** The reply or local sentence that settled it. */
  readonly diagnostic: string;
  readonly remoteHost?: string;
  /** The decision card's reason in words, when a TLS rule held the message back. */
  readonly explanation?: string;
}

export interface ReportFacts {
  readonly reportingServer: string;
  readonly postmaster: string;
  readonly sender: string;
  readonly failed: readonly FailedRecipient[];
  readonly envelopeId?: string;
  readonly arrivedAt: Date;
  readonly now: Date;
  readonly subject: string;
  /** Unique text for Message-ID and the MIME boundary. */
  readonly id: string;
  /** What is returned: the message's header block, or all of it. */
  readonly returned: Buffer;
  readonly isWhole: boolean;
}

/** The report's octets, CRLF lines. */
export function formatReport(facts: ReportFacts): Buffer {
  const boundary = `=_${facts.id}`;
  const isUtf8 = facts.failed.some(({ address }) => /[^\p{ASCII}]/u.test(address));
  const parts = [
    part(boundary, 'text/plain; charset=utf-8', explainToPeople(facts)),
    part(boundary, isUtf8 ? 'message/global-delivery-status' : 'message/delivery-status', explainToPrograms(facts)),
    part(boundary, facts.isWhole ? 'message/rfc822' : 'text/rfc822-headers', ''),
  ];
  return Buffer.concat([
    Buffer.from(`${reportHeader(facts, boundary)}\r\n\r\n${parts.join('')}`),
    facts.returned,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
}

function reportHeader(facts: ReportFacts, boundary: string): string {
  return [
    `From: <${facts.postmaster}>`,
    `To: <${facts.sender}>`,
    `Subject: ${encodeWords(`Undeliverable: ${facts.subject}`)}`,
    `Date: ${formatDate(facts.now)}`,
    `Message-ID: <${facts.id}@${facts.reportingServer}>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"`,
  ].join('\r\n');
}

function part(boundary: string, type: string, text: string): string {
  const encoding = /[^\p{ASCII}]/u.test(text) ? 'Content-Transfer-Encoding: 8bit\r\n' : '';
  return `--${boundary}\r\nContent-Type: ${type}\r\n${encoding}\r\n${text === '' ? '' : `${text}\r\n`}`;
}

function explainToPeople(facts: ReportFacts): string {
  const recipients = facts.failed.flatMap((recipient) => [
    '',
    `  ${oneLine(recipient.address)}`,
    `    ${oneLine(recipient.diagnostic)}`,
    ...(recipient.explanation === undefined ? [] : [`    ${oneLine(recipient.explanation)}`]),
  ]);
  return [
    'Delivery has failed to these recipients or groups:',
    ...recipients,
    '',
    'The message was not delivered to them and will not be tried again.',
    '',
    'Diagnostic information for administrators:',
    `Generating server: ${facts.reportingServer}`,
    '',
  ].join('\r\n');
}

function explainToPrograms(facts: ReportFacts): string {
  const message = [
    `Reporting-MTA: dns; ${facts.reportingServer}`,
    ...(facts.envelopeId === undefined ? [] : [`Original-Envelope-Id: ${oneLine(facts.envelopeId)}`]),
    `Arrival-Date: ${formatDate(facts.arrivedAt)}`,
  ];
  const recipients = facts.failed.map((recipient) => [
    '',
    ...(recipient.originalRecipient === undefined
      ? []
      : [`Original-Recipient: ${oneLine(recipient.originalRecipient)}`]),
    `Final-Recipient: ${addressType(recipient.address)}; ${oneLine(recipient.address)}`,
    'Action: failed',
    `Status: ${recipient.status}`,
    ...(recipient.remoteHost === undefined ? [] : [`Remote-MTA: dns; ${recipient.remoteHost}`]),
    `Diagnostic-Code: smtp; ${oneLine(recipient.diagnostic)}`,
  ]);
  return [...message, ...recipients.flat(), ''].join('\r\n');
}

function addressType(address: string): string {
  return /[^\p{ASCII}]/u.test(address) ? 'utf-8' : 'rfc822';
}

/** Peers' words go into fields and lines: no line break and no control character of theirs may. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 900);
}

/** RFC 2047 where the subject is not plain. */
function encodeWords(text: string): string {
  const clean = oneLine(text).slice(0, 200);
  if (/^[\x20-\x7e]*$/.test(clean)) return clean;
  const words: string[] = [];
  for (let rest = Array.from(clean); rest.length > 0; rest = rest.slice(12)) {
    words.push(`=?utf-8?B?${Buffer.from(rest.slice(0, 12).join('')).toString('base64')}?=`);
  }
  return words.join('\r\n ');
}
