import { describe, expect, it } from 'vitest';
import type { OutputRecord } from '../../../src/cmdlets/output.ts';
import { foldAttempts, followTrail, type KnownOfMessage } from '../../../src/shell/trail-facts.ts';
import { drawTrail } from '../../../src/shell/trail-picture.ts';
import type { DecisionCard } from '../../../src/tracking/decision-card.ts';

const [HUB, EDGE] = ['hub01.corp.test', 'edge01.perimeter.test'];

function card(changes: Partial<DecisionCard>): OutputRecord {
  const whole: DecisionCard = {
    id: 'x',
    time: '2026-01-01T00:00:00.000Z',
    side: 'receiver',
    server: HUB,
    connector: 'c',
    peer: { name: 'client', address: '192.0.2.1', port: 4000 },
    messageId: '<1@contoso.test>',
    networkMessageId: 'n1',
    policy: 'reception',
    rule: 'r',
    reason: 'starttls-not-used',
    startTls: { offered: true, attempted: false },
    authentication: undefined,
    channel: 'plaintext',
    protection: 'none',
    outcome: 'accepted',
    events: [],
    ...changes,
  };
  return { Card: whole as unknown as OutputRecord };
}

const SUBMITTED = card({});
const SENT = card({
  side: 'sender',
  time: '2026-01-01T00:00:02.000Z',
  peer: { name: EDGE, address: '192.0.2.2', port: 25 },
  reason: 'certificate-expired',
  outcome: 'delivered',
  detail: '250 2.6.0 Queued',
  authentication: { mechanism: 'SCRAM-SHA-256', result: 'recognised' },
});
const RECEIVED = card({
  server: EDGE,
  time: '2026-01-01T00:00:01.900Z',
  peer: { name: HUB, address: '192.0.2.1', port: 4001 },
  reason: 'own-certificate-expired',
});
function attempt(second: number, changes: Partial<DecisionCard> = {}): OutputRecord {
  return card({
    server: EDGE,
    side: 'sender',
    time: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`,
    peer: { name: 'mx.fabrikam.test', address: '198.51.100.1', port: 25 },
    channel: 'none',
    reason: 'connection-failed',
    outcome: 'deferred',
    detail: '421 4.4.1 no answer',
    ...changes,
  });
}
const DELIVERED = attempt(9, {
  channel: 'tls',
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
  reason: 'tls-opportunistic',
  outcome: 'delivered',
  detail: '250 2.0.0 ok',
});

function known(cards: readonly OutputRecord[], tracking: readonly OutputRecord[] = []): KnownOfMessage {
  return { cards, tracking, reports: [] };
}

function draw(known: readonly KnownOfMessage[], isPlain = false): string[] {
  const trail = followTrail(known);
  return trail === undefined ? [] : drawTrail(trail, { isPlain });
}

describe('a trail', () => {
  it('says which server told the sender of it', () => {
    const report = { ServerHostname: '', Recipients: ['anna@contoso.test'], MessageSubject: 'Undeliverable: x' };
    const lines = draw([{ ...known([SUBMITTED, SENT], []), reports: [report] }]);
    expect(lines.at(-1)).toBe(`${HUB} sent a report to anna@contoso.test: Undeliverable: x`);
  });

  it('folds attempts that went the same way; what a server said differently is told apart', () => {
    const spoken = { channel: 'tls', reason: 'tls-opportunistic' } as const;
    const trail = followTrail([
      known([
        attempt(1),
        attempt(2, { detail: '421 4.4.1 no greeting' }),
        attempt(3, { ...spoken, detail: '450 4.7.1 later' }),
        attempt(4, { ...spoken, detail: '450 4.7.1 later' }),
        attempt(5, { ...spoken, detail: '452 4.3.1 full' }),
        DELIVERED,
      ]),
    ]);
    const folded = foldAttempts(trail?.departures ?? []);
    expect(folded.map(({ length, last }) => [length, last.card.detail])).toEqual([
      [2, '421 4.4.1 no greeting'],
      [2, '450 4.7.1 later'],
      [1, '452 4.3.1 full'],
      [1, '250 2.0.0 ok'],
    ]);
    expect(folded[0]?.first.card.time).toBe('2026-01-01T00:00:01.000Z');
  });

  it('goes over both servers, each hop once, with what either end says of it', () => {
    const hub = known(
      [SUBMITTED, SENT],
      [
        {
          MessageId: '<1@contoso.test>',
          MessageSubject: 'Hello',
          Sender: 'a@contoso.test',
          Recipients: ['b@fabrikam.test'],
        },
      ],
    );
    const edge = known([RECEIVED, attempt(3), attempt(4), attempt(5), DELIVERED]);
    expect(draw([hub, edge])).toEqual([
      '<1@contoso.test>  "Hello"',
      'a@contoso.test → b@fabrikam.test',
      'NetworkMessageId n1',
      '',
      '○ client (192.0.2.1)',
      '╰─ 🔓 IN CLEAR   2026-01-01T00:00:00.000Z',
      '   starttls-not-used: this server offered STARTTLS and the client did not use it',
      '   ■ hub01.corp.test, accepted',
      '   ╰─ 🔓 IN CLEAR, SCRAM-SHA-256 recognised   2026-01-01T00:00:02.000Z',
      "      certificate-expired: the peer's certificate, the one on record, has expired",
      "      edge01.perimeter.test says own-certificate-expired: this server's own certificate has expired",
      '      ■ edge01.perimeter.test, delivered: 250 2.6.0 Queued',
      '      ├─ ✗ no connection   2026-01-01T00:00:05.000Z',
      '      │  connection-failed: no SMTP conversation came about, so no rule was asked',
      '      │  tried 3 times since 2026-01-01T00:00:03.000Z',
      '      │  ○ mx.fabrikam.test, deferred: 421 4.4.1 no answer',
      '      ╰─ 🔒 TLSv1.3 TLS_AES_128_GCM_SHA256   2026-01-01T00:00:09.000Z',
      '         tls-opportunistic: TLS with a server that the directory does not know: encrypted, not authenticated',
      '         ○ mx.fabrikam.test, delivered: 250 2.0.0 ok',
    ]);
  });

  it('shows what one server knows where the other is silent', () => {
    expect(draw([known([SUBMITTED, SENT])]).at(-1)).toBe('      ○ edge01.perimeter.test, delivered: 250 2.6.0 Queued');
    expect(draw([known([DELIVERED])])).toContain('■ edge01.perimeter.test');
  });

  it('has two branches where it went two ways, and two stems where it came in twice', () => {
    const second = card({ time: '2026-01-01T00:01:00.000Z', networkMessageId: 'n2' });
    const other = attempt(6, { peer: { name: 'mx.other.test', address: '198.51.100.9', port: 25 }, outcome: 'failed' });
    const lines = draw([known([SUBMITTED, SENT, second]), known([RECEIVED, other, DELIVERED])]);
    expect(lines.filter((line) => line.startsWith('○ client'))).toHaveLength(2);
    expect(lines.filter((line) => line.includes('mx.'))).toHaveLength(2);
    expect(lines).toContain('NetworkMessageId n2');
  });

  it('is told in ASCII where a terminal shows no more, and lets nothing hostile through', () => {
    const hostile = known(
      [card({ peer: { name: 'x\u001b[2Jy', address: '192.0.2.1', port: 1 } })],
      [{ MessageId: '<1@contoso.test>', MessageSubject: 'a\u001b]0;owned\u0007 \u202eb', Sender: '', Recipients: [] }],
    );
    // oxlint-disable-next-line no-control-regex
    expect(draw([hostile]).join('\n')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(draw([hostile])).toContain('○ x\\x1b[2Jy (192.0.2.1)');
    expect(draw([known([SUBMITTED])], true).join('\n')).toMatch(/^[\n\x20-\x7e]*$/);
  });

  it('is nothing where nobody knows the message, and a heading where only the tracking log does', () => {
    expect(followTrail([known([])])).toBeUndefined();
    expect(
      draw([known([], [{ MessageId: '<2@x>', MessageSubject: 's', Sender: 'a@x', Recipients: ['b@x'] }])]),
    ).toEqual(['<2@x>  "s"', 'a@x → b@x']);
  });
});
