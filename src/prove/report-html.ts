// The report as one HTML file that asks the network for nothing and runs no script: the matrices as a picture, and behind each cell its
// decision cards, the transcript and the captures. Everything that a peer said is text and nothing else.

import { formatEvent } from '../meddle/observation.ts';
import { escapeText } from '../unsafe-text.ts';
import {
  type Cell,
  findBrokenCells,
  findCell,
  hasHeld,
  type Heading,
  type Matrix,
  type Outcome,
  type Report,
  textOf,
} from './matrix.ts';
import { STYLE } from './report-style.ts';

const SIGNS: Readonly<Record<Outcome, readonly [sign: string, word: string]>> = {
  tls: ['\u{1f512}', 'TLS'],
  clear: ['\u{1f513}', 'in clear'],
  waits: ['\u23f3', 'waits'],
  bounced: ['\u21a9', 'returned'],
  served: ['\u2713', 'served'],
  refused: ['\u2717', 'refused'],
};

/** The whole file. */
export function formatHtml(report: Report): string {
  const { subject, made, version, matrices } = report;
  const title = escape(`relaypair prove: ${subject}`);
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style>`;
  const made_ = `Made ${made.toISOString()} by relaypair ${escape(version)}.`;
  const body = matrices.map((matrix) => `${formatMatrix(matrix)}${formatDetails(matrix)}`).join('\n');
  return `<!doctype html>\n<html lang="en"><head>${head}</head>\n<body>\n<h1>${title}</h1>\n<p>${made_} ${summary(report)}</p>\n${LEGEND}\n${body}\n</body></html>\n`;
}

const LEGEND = `<p>Rows are what happens to TLS, columns are policies. ${Object.values(SIGNS)
  .map(([sign, word]) => `${sign} ${word}`)
  .join(', ')}. A cell leads to what shows it; one that is not as the rules say is framed and says so.</p>`;

function summary(report: Report): string {
  const cells = report.matrices.flatMap((matrix) => matrix.cells);
  const promised = cells.filter(({ expected }) => expected !== undefined).length;
  const broken = findBrokenCells(report).length;
  const verdict =
    promised === 0 ? '' : ` ${promised} of them are promised by rules, and ${promised - broken} came as promised.`;
  return `${cells.length} cells.${verdict}`;
}

function formatMatrix(matrix: Matrix): string {
  const { id, title, events, policies } = matrix;
  const heads = policies.map((policy) => `<th scope="col">${escape(policy.title)}</th>`).join('');
  const rows = events.map((event) => {
    const cells = policies.map((policy) => formatPicture(matrix, event, policy)).join('');
    return `<tr><th scope="row">${escape(event.title)}</th>${cells}</tr>`;
  });
  return `<h2 id="${escape(id)}">${escape(title)}</h2>
<div class="scroll" tabindex="0" role="region" aria-label="${escape(title)}"><table><caption>What came of it</caption>
<thead><tr><th scope="col">what happens</th>${heads}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function formatPicture(matrix: Matrix, event: Heading, policy: Heading): string {
  const cell = findCell(matrix, event, policy);
  if (!cell) return '<td>not tried</td>';
  const [sign, word] = SIGNS[cell.outcome];
  const broken = hasHeld(cell) ? '' : ' broken';
  const note = hasHeld(cell) ? '' : '<small>not as promised</small>';
  const link = `<a href="#${anchorOf(matrix, cell)}"><span aria-hidden="true">${sign}</span> ${word}<small>${escape(cell.reason)}</small>${note}</a>`;
  return `<td class="${cell.outcome}${broken}">${link}</td>`;
}

function formatDetails(matrix: Matrix): string {
  return `<h3>Behind the cells</h3>\n${matrix.events
    .flatMap((event) => matrix.policies.map((policy) => formatDetail(matrix, event, policy)))
    .join('\n')}`;
}

function formatDetail(matrix: Matrix, event: Heading, policy: Heading): string {
  const cell = findCell(matrix, event, policy);
  if (!cell) return '';
  const [, word] = SIGNS[cell.outcome];
  const facts = [
    ['outcome', `${word}, ${cell.reason}`],
    ...(cell.expected ? [['promised', `${SIGNS[cell.expected.outcome][1]}, ${cell.expected.reason}`]] : []),
    ...cell.remarks.map((remark) => ['remark', remark]),
  ];
  const list = facts.map(([name = '', value = '']) => `<dt>${name}</dt><dd>${escape(value)}</dd>`).join('');
  return `<details id="${anchorOf(matrix, cell)}"><summary>${escape(event.title)} / ${escape(policy.title)}: ${word}</summary>
<dl>${list}</dl>${formatCards(cell)}${formatTranscript(cell)}${formatCaptures(cell)}</details>`;
}

function formatCards({ cards }: Cell): string {
  return cards
    .map(
      (card) =>
        `<h4>Decision card of the ${escape(textOf(card, 'side'))}</h4><pre>${escape(JSON.stringify(card, undefined, 2))}</pre>`,
    )
    .join('');
}

function formatTranscript({ connections }: Cell): string {
  if (connections.length === 0) return '<p>No connection was opened.</p>';
  const lines = connections.flatMap(({ events }) => events.map((event) => escape(formatEvent(event))));
  return `<h4>Transcript</h4><pre>${lines.join('\n')}</pre>`;
}

function formatCaptures({ captures }: Cell): string {
  if (captures.length === 0) return '';
  return `<p>Captures: ${captures.map((file) => `<a href="${escape(encodeURI(file))}">${escape(file)}</a>`).join(', ')}</p>`;
}

function anchorOf({ id }: Matrix, { event, policy }: Cell): string {
  return escape(`${id}--${event}--${policy}`.replaceAll(/[^\w.-]/g, '_'));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Line breaks of our own JSON stay; what could hide or turn text round does not. */
function escape(text: string): string {
  const safe = text.split('\n').map(escapeText).join('\n');
  return safe.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
