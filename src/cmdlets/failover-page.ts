// The report of Test-Failover as a page of its own: one file, no script, nothing from anywhere.

import { escapeHtml } from '../transport/report-text.ts';
import { describeFailover, type Verdict } from './failover-record.ts';
import type { FailoverResult } from './failover-test.ts';
import type { OutputRecord, OutputValue } from './output.ts';

export interface FailoverPage {
  readonly result: FailoverResult;
  readonly verdict: Verdict;
  readonly victim: string;
  readonly isKill: boolean;
}

const COLUMNS = ['Step', 'Time', 'Node', 'State', 'Accepted', 'Delivered', 'Held', 'Waiting', 'Duplicated', 'Lost'];
const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em}
table{border-collapse:collapse}td,th{padding:.25em .8em;text-align:left;border-bottom:1px solid #ddd}
tr.all td{border-top:2px solid #888;font-weight:600}.bad{color:#b00020;font-weight:600}.good{color:#1b6e2e;font-weight:600}`;

export function formatFailoverPage({ result, verdict, victim, isKill }: FailoverPage): Buffer {
  const title = `Failover of ${victim}: ${isKill ? 'killed' : 'drained'}`;
  const { failures = [], warnings = [], notices = [] } = verdict;
  const isGood = failures.length === 0;
  const lines = [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="${isGood ? 'good' : 'bad'}">${isGood ? 'Every message that was accepted was delivered.' : 'It failed.'}</p>`,
    ...[...failures, ...warnings, ...notices].map((text) => `<p>${escapeHtml(text)}</p>`),
    `<table><thead><tr>${COLUMNS.map((column) => `<th>${column}</th>`).join('')}</tr></thead><tbody>`,
    ...describeFailover(result).map(formatRow),
    '</tbody></table>',
    '<p>Numbers are sums since the test began, counted in the database of the spool. Held: messages of the test that the node holds.</p>',
    '</body></html>',
  ];
  return Buffer.from(`${lines.join('\n')}\n`);
}

function formatRow(record: OutputRecord): string {
  const cells = COLUMNS.map((column) => `<td>${escapeHtml(formatCell(record[column]))}</td>`);
  return `<tr${record['Node'] === 'all' ? ' class="all"' : ''}>${cells.join('')}</tr>`;
}

function formatCell(value: OutputValue): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
