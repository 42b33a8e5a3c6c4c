// The report: every cell is in it, it asks the network for nothing, and what a peer said stays text.

import { describe, expect, it } from 'vitest';
import type { Cell, Report } from '../../../src/prove/matrix.ts';
import { formatHtml } from '../../../src/prove/report-html.ts';

const HOSTILE = '</pre><script>alert(1)</script><img src=x onerror="alert(2)">\u202e\u0007';

function cell(event: string, more: Partial<Cell> = {}): Cell {
  const finding = { outcome: 'tls', reason: 'direct-trust' } as const;
  return { event, policy: 'default', ...finding, remarks: [], cards: [], connections: [], captures: [], ...more };
}

function report(cells: readonly Cell[]): Report {
  return {
    format: 1,
    made: new Date('2026-11-26T09:00:00Z'),
    version: '0.1.0',
    subject: HOSTILE,
    matrices: [
      {
        id: 'm',
        title: 'Hub to Edge',
        events: [
          { id: 'clean', title: 'nothing' },
          { id: 'stripped', title: 'stripped' },
        ],
        policies: [{ id: 'default', title: 'default' }],
        cells,
      },
    ],
  };
}

const EXPECTED = { outcome: 'waits', reason: 'downgrade-suspected' } as const;

describe('the report', () => {
  const events = [{ connection: 1, elapsedMs: 1, kind: 'said', side: 'server', text: HOSTILE }] as const;
  const html = formatHtml(
    report([
      cell('clean', {
        cards: [{ side: 'sender', detail: HOSTILE }],
        connections: [{ connection: 1, startTls: 'refused', mail: 'none', verbs: [], endedBy: 'client', events }],
        captures: ['captures/hub-1.pcapng'],
      }),
      cell('stripped', { outcome: 'clear', reason: 'downgrade-suspected', expected: EXPECTED }),
    ]),
  );

  it('is a picture in which each cell leads to what shows it', () => {
    expect(html).toContain('<a href="#m--clean--default">');
    expect(html).toContain('<details id="m--clean--default">');
    expect(html).toContain('<a href="captures/hub-1.pcapng">');
    expect(html).toContain('<th scope="row">stripped</th>');
  });

  it('says in words what is not as promised', () => {
    expect(html).toContain('<small>not as promised</small>');
    expect(html).toContain('1 of them are promised by rules, and 0 came as promised.');
  });

  it('keeps what was said as text', () => {
    expect(html).not.toMatch(/<script|<img|onerror="|\p{Bidi_Control}/u);
    expect(html.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('asks the network for nothing and runs nothing', () => {
    expect(html).not.toMatch(/(?:src|href)="(?!#|captures\/)|https?:|@import|url\(/);
  });

  it('names cells that were not tried', () => {
    expect(formatHtml(report([cell('clean')]))).toContain('<td>not tried</td>');
  });
});
