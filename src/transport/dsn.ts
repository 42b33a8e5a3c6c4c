// A delivery status notification: a multipart/report (RFC 6522) of words for people (dsn-words.ts), the same for programs
// (dsn-fields.ts, RFC 3464), and the header fields of the message it is about, or the whole of it (RFC 3461 RET). Pure text;
// who is to get one is decided in reporter.ts. Nobody answers it by program: Auto-Submitted (RFC 3834), null reverse-path.

import { isAscii } from 'node:buffer';
import { explainToPrograms } from './dsn-fields.ts';
import { explainToPeople } from './dsn-words.ts';
import { type ReportFacts, subjectOf } from './report.ts';
import { encodeWords, isEightBitLines, isSevenBitLines, oneLine, quotedPrintable } from './report-text.ts';
import { formatDate } from './trace-header.ts';

/** Whether a message can be returned whole: message/rfc822 may not be encoded (RFC 2046 §5.2.1). */
export function isReturnable(content: Buffer): boolean {
  return isEightBitLines(content);
}

/**
 * The report's octets, CRLF lines of at most 998. ASCII, but for UTF-8 in what RFC 6533 names where the message came with
 * SMTPUTF8, and for a message that is returned whole and has 8-bit octets itself.
 */
export function formatReport(facts: ReportFacts): Buffer {
  const boundary = `=_${facts.id}`;
  const content = Buffer.concat([
    Buffer.from(`\r\n--${boundary}\r\n`),
    peoplesPart(facts),
    Buffer.from(`\r\n--${boundary}\r\n`),
    programsPart(facts),
    Buffer.from(`\r\n--${boundary}\r\n`),
    returnedPart(facts),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return Buffer.concat([Buffer.from(reportHeader(facts, boundary, isAscii(content))), content]);
}

function reportHeader(facts: ReportFacts, boundary: string, isSevenBit: boolean): string {
  const original = /^<[!-;=?-~]{1,900}>$/.exec(facts.messageId)?.[0];
  return [
    `From: "Mail Delivery System" <${oneLine(facts.postmaster)}>`,
    `To: <${oneLine(facts.sender)}>`,
    `Subject: ${encodeWords(subjectOf(facts.action, facts.subject))}`,
    `Date: ${formatDate(facts.now)}`,
    `Message-ID: <${facts.id}@${facts.reportingServer}>`,
    // An id that is none could be a field of its own.
    ...(original === undefined ? [] : [`In-Reply-To: ${original}`, `References: ${original}`]),
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"`,
    ...(isSevenBit ? [] : ['Content-Transfer-Encoding: 8bit']),
    '',
    'This is a report in several parts (RFC 3464).',
  ].join('\r\n');
}

function peoplesPart(facts: ReportFacts): Buffer {
  const boundary = `=_words_${facts.id}`;
  const { text, html } = explainToPeople(facts);
  return Buffer.concat([
    Buffer.from(`Content-Type: multipart/alternative;\r\n boundary="${boundary}"\r\n\r\n--${boundary}\r\n`),
    part('text/plain; charset=utf-8', Buffer.from(text)),
    Buffer.from(`\r\n--${boundary}\r\n`),
    part('text/html; charset=utf-8', Buffer.from(html)),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
}

function programsPart(facts: ReportFacts): Buffer {
  const fields = Buffer.from(explainToPrograms(facts));
  return part(`message/${facts.smtpUtf8 ? 'global-' : ''}delivery-status`, fields);
}

/** RFC 6522 §3, and RFC 6533 §5 where the header may be UTF-8. */
function returnedPart({ returned, isWhole, smtpUtf8 }: ReportFacts): Buffer {
  if (isWhole) return part(smtpUtf8 ? 'message/global' : 'message/rfc822', returned);
  return part(smtpUtf8 && isEightBitLines(returned) ? 'message/global-headers' : 'text/rfc822-headers', returned);
}

/** Text goes in quoted-printable where it is not plain: a next hop without 8BITMIME could not take it otherwise. */
function part(type: string, content: Buffer): Buffer {
  if (isSevenBitLines(content)) return Buffer.concat([Buffer.from(`Content-Type: ${type}\r\n\r\n`), content]);
  const [encoding, encoded] = type.startsWith('text/')
    ? ['quoted-printable', Buffer.from(quotedPrintable(content))]
    : ['8bit', content];
  return Buffer.concat([
    Buffer.from(`Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`),
    encoded,
  ]);
}
