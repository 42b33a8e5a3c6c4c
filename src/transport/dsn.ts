// A non-delivery report (RFC 3464 in a multipart/report of RFC 6522): what happened in words people understand, the same for
// programs, and the returned message's header fields or the whole of it (RFC 3461 RET). Pure text; the queue stores it
// together with the failure that caused it. Null reverse-path, so no report of a report can come about.

import { isAscii } from 'node:buffer';
import { formatDate } from './trace-header.ts';

export interface FailedRecipient {
  readonly address: string;
  readonly originalRecipient?: string;
  /** Enhanced status code, such as 5.1.1. */
  readonly status: string;
  /** The reply or local sentence that settled it. */
  readonly diagnostic: string;
  readonly remoteHost?: string;
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
  /** The returned message may have UTF-8 in its header (RFC 6532). */
  readonly smtpUtf8: boolean;
}

/** RFC 5321 §4.5.3.1.6 leaves 998 octets for a line; what peers wrote takes its share of them. */
const MAX_TEXT_OCTETS = 800;
const MAX_SUBJECT_CHARACTERS = 200;

/** The report's octets, CRLF lines. 8-bit octets occur only in what is returned, or where an address has them. */
export function formatReport(facts: ReportFacts): Buffer {
  const boundary = `=_${facts.id}`;
  const isGlobal = facts.failed.some(({ address }) => !isPlain(address));
  const content = Buffer.concat([
    textPart(boundary, explainToPeople(facts)),
    part(
      boundary,
      `message/${isGlobal ? 'global-' : ''}delivery-status`,
      Buffer.from(explainToPrograms(facts, isGlobal)),
    ),
    part(boundary, returnedType(facts), facts.returned),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return Buffer.concat([Buffer.from(reportHeader(facts, boundary, isAscii(content))), content]);
}

function reportHeader(facts: ReportFacts, boundary: string, isSevenBit: boolean): string {
  return [
    `From: <${oneLine(facts.postmaster)}>`,
    `To: <${oneLine(facts.sender)}>`,
    `Subject: ${encodeWords(`Undeliverable: ${facts.subject}`)}`,
    `Date: ${formatDate(facts.now)}`,
    `Message-ID: <${facts.id}@${facts.reportingServer}>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"`,
    ...(isSevenBit ? [] : ['Content-Transfer-Encoding: 8bit']),
    '',
    'This is a report in several parts (RFC 3464).',
  ].join('\r\n');
}

/** RFC 6522 §3, and RFC 6533 §5 where the header may be UTF-8. */
function returnedType({ isWhole, smtpUtf8 }: ReportFacts): string {
  if (smtpUtf8) return isWhole ? 'message/global' : 'message/global-headers';
  return isWhole ? 'message/rfc822' : 'text/rfc822-headers';
}

function part(boundary: string, type: string, content: Buffer): Buffer {
  const encoding = isAscii(content) ? '' : 'Content-Transfer-Encoding: 8bit\r\n';
  return Buffer.concat([Buffer.from(`\r\n--${boundary}\r\nContent-Type: ${type}\r\n${encoding}\r\n`), content]);
}

/** Words for people. In base64 where they are not plain: a next hop without 8BITMIME could not take the report. */
function textPart(boundary: string, text: string): Buffer {
  if (isPlain(text)) return part(boundary, 'text/plain; charset=us-ascii', Buffer.from(text));
  const lines =
    Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  const type = 'text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64';
  return part(boundary, type, Buffer.from(`${lines.join('\r\n')}\r\n`));
}

function explainToPeople(facts: ReportFacts): string {
  const recipients = facts.failed.flatMap((recipient) => [
    '',
    `  ${oneLine(recipient.address)}`,
    `    ${oneLine(recipient.diagnostic)}`,
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

/** RFC 3464 §2.2 and §2.3; only with `isGlobal` (RFC 6533 §3) may a field be UTF-8. */
function explainToPrograms(facts: ReportFacts, isGlobal: boolean): string {
  const clean = (text: string): string => (isGlobal ? oneLine(text) : oneLine(text).replaceAll(/[^\p{ASCII}]/gu, '?'));
  const message = [
    `Reporting-MTA: dns; ${facts.reportingServer}`,
    ...(facts.envelopeId === undefined ? [] : [`Original-Envelope-Id: ${clean(facts.envelopeId)}`]),
    `Arrival-Date: ${formatDate(facts.arrivedAt)}`,
  ];
  const recipients = facts.failed.map(({ address, originalRecipient, status, remoteHost, diagnostic }) => [
    '',
    ...(originalRecipient === undefined ? [] : [`Original-Recipient: ${clean(originalRecipient)}`]),
    `Final-Recipient: ${isPlain(address) ? 'rfc822' : 'utf-8'}; ${oneLine(address)}`,
    'Action: failed',
    `Status: ${status}`,
    ...(remoteHost === undefined ? [] : [`Remote-MTA: dns; ${clean(remoteHost)}`]),
    `Diagnostic-Code: smtp; ${clean(diagnostic)}`,
  ]);
  return [...message, ...recipients.flat(), ''].join('\r\n');
}

function isPlain(text: string): boolean {
  return !/[^\p{ASCII}]/u.test(text);
}

/** Peers' words go into fields and lines: no line break, no control character and no endless line of theirs may. */
function oneLine(text: string): string {
  const clean = text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .toWellFormed();
  if (Buffer.byteLength(clean) <= MAX_TEXT_OCTETS) return clean;
  // What the cut left of a character is no character.
  return Buffer.from(clean)
    .subarray(0, MAX_TEXT_OCTETS)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}

/** RFC 2047 where the subject is not plain. */
function encodeWords(text: string): string {
  const clean = Array.from(oneLine(text)).slice(0, MAX_SUBJECT_CHARACTERS).join('');
  if (/^[\x20-\x7e]*$/.test(clean)) return clean;
  const words: string[] = [];
  for (let rest = Array.from(clean); rest.length > 0; rest = rest.slice(12)) {
    words.push(`=?utf-8?B?${Buffer.from(rest.slice(0, 12).join('')).toString('base64')}?=`);
  }
  return words.join('\r\n ');
}
