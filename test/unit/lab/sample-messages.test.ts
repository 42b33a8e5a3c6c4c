import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fitForWire, supplyMessages } from '../../../src/lab/sample-messages.ts';

const GOOD = 'From: a@b.test\nMessage-ID: <1@b.test>\n\n.dot\n';

describe('a message from a file', () => {
  it.each([
    ['LF line ends', GOOD],
    ['CRLF line ends', GOOD.replaceAll('\n', '\r\n')],
    ['no line end at its end', GOOD.trimEnd()],
  ])('with %s goes over the wire with CRLF, its octets otherwise untouched', (_, text) => {
    const message = fitForWire('x', Buffer.from(text));
    expect(message?.content.toString()).toBe(GOOD.replaceAll('\n', '\r\n'));
    expect(message?.messageId).toBe('<1@b.test>');
  });

  it.each([
    ['a bare CR', GOOD.replace('dot', 'do\rt')],
    ['a NUL', GOOD.replace('dot', 'do\0t')],
    ['a line of 999 octets', GOOD.replace('dot', 'x'.repeat(998))],
    ['no Message-ID', GOOD.replace('Message-ID', 'X-Other')],
    ['a Message-ID in its body only', 'From: a@b.test\n\nMessage-ID: <1@b.test>\n'],
    ['a first line that is no field', `From me\n${GOOD}`],
    ['more than 100,000 octets', `${GOOD}${'x\n'.repeat(50_000)}`],
    ['too many hops behind it', `${'Received: by x\n'.repeat(11)}${GOOD}`],
  ])('with %s is left out', (_, text) => {
    expect(fitForWire('x', Buffer.from(text))).toBeUndefined();
  });
});

describe('the supply', () => {
  it('gives each real message once and then own samples without end, every one fit and with its own Message-ID', () => {
    const folder = mkdtempSync(join(tmpdir(), 'corpus-'));
    try {
      writeFileSync(join(folder, 'a.eml'), GOOD);
      writeFileSync(join(folder, 'b.eml'), GOOD.replace('dot', 'same id'));
      writeFileSync(join(folder, 'c.eml'), GOOD.replace('<1@', '<2@'));
      writeFileSync(join(folder, 'd.txt'), GOOD.replace('<1@', '<3@'));
      const supply = supplyMessages(folder);
      const taken = Array.from({ length: 12 }, () => supply.next().value);
      expect(taken.slice(0, 3).map(({ origin }) => origin)).toEqual(['a.eml', 'c.eml', 'own sample']);
      expect(new Set(taken.map(({ messageId }) => messageId)).size).toBe(12);
      for (const { content, messageId } of taken)
        expect(fitForWire('again', content)).toMatchObject({ messageId, content });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('needs no folder', () => {
    expect(supplyMessages('/nowhere').next().value.origin).toBe('own sample');
  });
});
