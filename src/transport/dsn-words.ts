// A report's part for people, as text and as HTML, both from the same blocks: what happened, to whom, why, what to do, and
// at the end what an administrator needs. Pure text. What peers wrote is quoted, never believed.

import type { ReportAction, ReportedRecipient, ReportFacts } from './report.ts';
import { escapeHtml, oneLine } from './report-text.ts';
import { ASK_ADMINISTRATOR, explainStatus } from './status-words.ts';

type Block =
  | { readonly kind: 'title' | 'paragraph'; readonly text: string }
  | { readonly kind: 'recipient'; readonly address: string; readonly lines: readonly string[] }
  | { readonly kind: 'facts'; readonly heading: string; readonly rows: readonly (readonly [string, string])[] };

const TITLES: Readonly<Record<ReportAction, string>> = {
  failed: 'Delivery has failed to these recipients or groups:',
  delayed: 'Delivery is delayed to these recipients or groups:',
  delivered: 'Your message has been delivered to these recipients:',
  relayed: 'Your message has been handed on for these recipients:',
};

const LINE_LENGTH = 76;
const MINUTE_MS = 60_000;

/** The same twice: plain text with CRLF lines, and a page that loads nothing and runs nothing. */
export function explainToPeople(facts: ReportFacts): { text: string; html: string } {
  const blocks: readonly Block[] = [
    { kind: 'title', text: TITLES[facts.action] },
    ...facts.recipients.map((recipient) => describeRecipient(facts, recipient)),
    ...describeOutlook(facts).map((text): Block => ({ kind: 'paragraph', text })),
    describeMessage(facts),
    describeDiagnosis(facts),
  ];
  return { text: renderText(blocks), html: renderHtml(blocks) };
}

function describeRecipient({ action, why }: ReportFacts, recipient: ReportedRecipient): Block {
  const { address, status, remoteHost, diagnostic } = recipient;
  const words = explainStatus(status);
  const isNews = action === 'failed' || action === 'delayed';
  return {
    kind: 'recipient',
    address,
    lines: [
      ...(isNews ? [why ?? words.why] : []),
      ...(action === 'failed' ? [why === undefined ? words.advice : ASK_ADMINISTRATOR] : []),
      ...(remoteHost === undefined || diagnostic === undefined ? [] : [`${remoteHost} answered: ${diagnostic}`]),
    ],
  };
}

function describeOutlook({ action, retryUntil, now, recipients }: ReportFacts): string[] {
  switch (action) {
    case 'failed':
      return ['The message was not delivered to them and will not be tried again.'];
    case 'delivered':
      return ['It is in the mailbox. Whether it has been read is not known here.'];
    case 'relayed':
      return [
        'The next mail server has taken the message. It sends no notices of delivery, so you will hear no more of this message unless it fails.',
      ];
    default:
      return [
        'The message has not been delivered yet. You need not do anything, and need not send it again.',
        ...(retryUntil === undefined
          ? []
          : [
              `It will be tried again for ${formatSpan(retryUntil.getTime() - now.getTime())}, until ${formatMoment(retryUntil)}.`,
            ]),
        ...(recipients.every(({ hearsOfFailure }) => hearsOfFailure === true)
          ? ['You will be told if it cannot be delivered by then.']
          : []),
      ];
  }
}

function describeMessage({ subject, arrivedAt, messageId }: ReportFacts): Block {
  return {
    kind: 'facts',
    heading: 'Your message:',
    rows: [
      ['Subject', subject],
      ['Received by this server', formatMoment(arrivedAt)],
      ['Message-ID', messageId],
    ],
  };
}

function describeDiagnosis({ reportingServer, lastAttemptAt, envelopeId, recipients }: ReportFacts): Block {
  const rows: (readonly [string, string])[] = [['Generating server', reportingServer]];
  if (lastAttemptAt) rows.push(['Last attempt', formatMoment(lastAttemptAt)]);
  if (envelopeId !== undefined) rows.push(['Envelope id', envelopeId]);
  // A peer's words stand with their recipient; this server's own are of use here alone.
  for (const { address, status, remoteHost, diagnostic } of recipients) {
    rows.push([address, remoteHost === undefined ? (diagnostic ?? status) : status]);
  }
  return { kind: 'facts', heading: 'Diagnostic information for administrators:', rows };
}

function renderText(blocks: readonly Block[]): string {
  return `${blocks.map((block) => renderBlock(block).join('\r\n')).join('\r\n\r\n')}\r\n`;
}

function renderBlock(block: Block): string[] {
  switch (block.kind) {
    case 'recipient':
      return [`  ${oneLine(block.address)}`, ...block.lines.flatMap((line) => wrap(oneLine(line), '    '))];
    case 'facts':
      return [block.heading, ...block.rows.map(([name, value]) => `  ${oneLine(name)}: ${oneLine(value)}`)];
    default:
      return wrap(oneLine(block.text), '');
  }
}

/** Lines of about 76 characters; a word longer than that has one of its own. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length > indent.length && line.length + 1 + word.length > LINE_LENGTH) {
      lines.push(line);
      line = indent;
    }
    line += line.length > indent.length ? ` ${word}` : word;
  }
  return [...lines, line];
}

function renderHtml(blocks: readonly Block[]): string {
  const [title] = blocks;
  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><title>${title?.kind === 'title' ? escapeHtml(title.text) : ''}</title></head>`,
    '<body style="font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 44em; margin: 1.5em">',
    ...blocks.flatMap(renderElement),
    '</body>',
    '</html>',
    '',
  ].join('\r\n');
}

function renderElement(block: Block): string[] {
  switch (block.kind) {
    case 'title':
      return [`<h1 style="font-size: 1.25em; color: #8a1c1c">${clean(block.text)}</h1>`];
    case 'recipient':
      return [
        '<div style="border-left: 3px solid #bbb; padding: 0 0 0 1em; margin: 1em 0">',
        `<p style="margin: 0"><b>${clean(block.address)}</b></p>`,
        ...block.lines.map((line) => `<p style="margin: .4em 0 0">${clean(line)}</p>`),
        '</div>',
      ];
    case 'facts':
      return [
        `<h2 style="font-size: 1em; margin: 1.5em 0 .3em">${clean(block.heading)}</h2>`,
        '<table style="font-size: .9em; color: #555">',
        ...block.rows.map(
          ([name, value]) =>
            `<tr><td style="padding-right: 1em; vertical-align: top">${clean(name)}</td><td>${clean(value)}</td></tr>`,
        ),
        '</table>',
      ];
    default:
      return [`<p>${clean(block.text)}</p>`];
  }
}

function clean(text: string): string {
  return escapeHtml(oneLine(text));
}

function formatMoment(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** "1 day 19 hours", "44 hours", "12 minutes": two units at most, none that says nothing. */
function formatSpan(durationMs: number): string {
  const minutes = Math.max(1, Math.round(durationMs / MINUTE_MS));
  const units = [
    [Math.floor(minutes / 1440), 'day'],
    [Math.floor(minutes / 60) % 24, 'hour'],
    [minutes % 60, 'minute'],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  return units
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`)
    .join(' ');
}
