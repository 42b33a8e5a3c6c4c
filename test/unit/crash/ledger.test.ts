// The crash harness's notion of the window, on copies that are planted: what is allowed needs a death between the next hop's taking
// and the sender's record, of one of the two servers that the copy itself names.

import { beforeEach, afterEach, expect, it, vi } from 'vitest';
import { Ledger } from '../../crash/ledger.ts';
import { type Kill, reportKey } from '../../crash/letter.ts';
import { sha256 } from '../../helpers/spool-fixtures.ts';
import type { Card } from '../../helpers/relaying.ts';

const ID = 'flow-1@elsewhere.test';
const TO = 'n1@elsewhere.test';
const BODY = Buffer.from(`Message-ID: <${ID}>\r\n\r\nhello\r\n`);
const NOON = Date.UTC(2026, 10, 27, 12);

/** Seconds after noon. */
type Seconds = number;
interface Copy {
  readonly hub: string;
  readonly edge: string;
  /** When the Edge had it whole. */
  readonly at: Seconds;
  /** The Edge that brought it to the sink, where that is another one. */
  readonly bringer?: string;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const at = (seconds: Seconds): number => NOON + seconds * 1000;
const received = (from: string, by: string, seconds: Seconds): string =>
  `Received: from ${from} ([127.0.0.1])\r\n by ${by} ([127.0.0.1]) with ESMTPSA\r\n id 1;\r\n ${new Date(at(seconds)).toUTCString()}\r\n`;
const wayOf = ({ hub, edge, at: seconds }: Copy): string =>
  received(`${hub}.corp.test`, `${edge}.perimeter.test`, seconds) + received('client.test', `${hub}.corp.test`, 0);
const first: Copy = { hub: 'hub01', edge: 'edge01', at: 10 };
const second: Copy = { hub: 'hub01', edge: 'edge02', at: 30 };

function kill(node: string, struck: Seconds, more: Partial<Kill> = {}): Kill {
  const role = node.startsWith('hub') ? 'hub' : 'edge';
  const life = { startedMs: at(5), atMs: at(struck), upAgainMs: at(struck + 5) };
  return { role, node, step: 'a test', ...life, pending: [], ...more };
}

/** A Hub's card of what it recorded as taken by an Edge. */
function recorded(node: string, seconds: Seconds): Card {
  const time = new Date(at(seconds)).toISOString();
  const hop = { side: 'sender', outcome: 'delivered', policy: 'direct-trust', internalMessageId: 1 };
  return { node, time, messageId: `<${ID}>`, ...hop };
}

/** Whether the second copy is held to be inside the window. */
function isAllowed(copies: readonly Copy[], kills: readonly Kill[], hub: readonly Card[]): boolean {
  const ledger = new Ledger();
  ledger.kills.push(...kills);
  const facts = { sizeBytes: BODY.length, sha256: sha256(BODY), startedAtMs: at(0) };
  ledger.add({ id: ID, recipients: [TO], ...facts, answer: 'taken' });
  for (const copy of copies) {
    vi.setSystemTime(at(copy.at + 1));
    const content = Buffer.concat([Buffer.from(wayOf(copy)), BODY]);
    ledger.take(sunk({ client: `${copy.bringer ?? copy.edge}.perimeter.test`, recipients: [TO], content }));
  }
  const verdict = ledger.judge({ hub, edge: [] });
  expect(verdict.strange).toEqual([]);
  expect(verdict.duplicates).toMatchObject([{ key: TO, copies: copies.length }]);
  return verdict.duplicates[0]?.isAllowed === true;
}

function sunk(more: { client: string; recipients: string[]; content: Buffer; reversePath?: string }) {
  return { reversePath: 'someone@contoso.test', mailParameters: '', recipientParameters: [], ...more };
}

it.each<[string, readonly Copy[], readonly Kill[], readonly Card[]]>([
  [
    'its next hop was killed before it answered, though neither card nor spool show it',
    [first, second],
    [kill('edge01', 11)],
    [recorded('hub01', 31)],
  ],
  [
    'its sender was killed before it recorded the answer',
    [first, { ...second, hub: 'hub02' }],
    [kill('hub01', 11, { pending: [TO] })],
    [recorded('hub02', 31)],
  ],
  [
    'the primary was killed before its sender recorded the answer',
    [first, { ...second, hub: 'hub02' }],
    [kill('hub', 12, { node: 'primary', startedMs: 0, pending: [TO] })],
    [],
  ],
  [
    'the server that brought it to the sink was killed before it recorded that',
    [first, { ...first, at: 30 }],
    [kill('edge01', 12, { pending: [TO] })],
    [recorded('hub01', 11)],
  ],
])('a second copy is inside the window where %s', (_, copies, kills, cards) => {
  expect(isAllowed(copies, kills, cards)).toBe(true);
});

it.each<[string, readonly Copy[], readonly Kill[], readonly Card[]]>([
  ['nobody was killed', [first, second], [], [recorded('hub01', 31)]],
  [
    'its next hop was killed after its sender had recorded the answer',
    [first, second],
    [kill('edge01', 20)],
    [recorded('hub01', 11)],
  ],
  ['a server was killed that had not taken it', [first, second], [kill('edge03', 11)], [recorded('hub01', 31)]],
  ['its next hop was killed before it took it', [first, second], [kill('edge01', 9)], [recorded('hub01', 31)]],
  [
    'a server was killed that held it and had not sent it',
    [first, second],
    [kill('hub02', 11, { pending: [TO] })],
    [recorded('hub01', 31)],
  ],
  [
    'its sender was killed and had recorded the answer',
    [first, { ...second, hub: 'hub02' }],
    [kill('hub01', 12)],
    [recorded('hub02', 31)],
  ],
  [
    'its sender was dead already when its next hop was killed',
    [first, { ...second, hub: 'hub02' }],
    [kill('hub01', 12), kill('edge01', 15)],
    [recorded('hub02', 31)],
  ],
  [
    'a server was killed that held it, and another one brought it to the sink',
    [first, { ...first, at: 30 }],
    [kill('edge02', 12, { pending: [TO] })],
    [recorded('hub01', 11)],
  ],
  [
    'one death is to account for two',
    [first, second, { ...second, at: 31 }],
    [kill('edge01', 11)],
    [recorded('hub01', 31)],
  ],
])('a second copy is outside the window where %s', (_, copies, kills, cards) => {
  expect(isAllowed(copies, kills, cards)).toBe(false);
});

it.each([
  ['inside the window where its next hop was killed before it answered', 11, true],
  ['outside the window where its next hop was killed before it took it', 9, false],
])('a second report is %s', (_, struck, expected) => {
  const ledger = new Ledger();
  ledger.kills.push(kill('edge01', struck));
  const refused = { id: 'flow-7@contoso.test', recipients: [], refused: 'n7@contoso.test' };
  ledger.add({ ...refused, sizeBytes: 1, sha256: '', startedAtMs: at(0), answer: 'taken' });
  for (const { edge, at: seconds } of [first, second]) {
    vi.setSystemTime(at(seconds + 1));
    const content = `${received('hub01.corp.test', `${edge}.perimeter.test`, seconds)}Message-ID: <report@hub>\r\n\r\n<${refused.id}>`;
    const recipients = ['someone@elsewhere.test'];
    ledger.take(sunk({ client: `${edge}.perimeter.test`, reversePath: '', recipients, content: Buffer.from(content) }));
  }
  const card = { ...recorded('hub01', 31), messageId: '<report@hub>' };
  const { duplicates, strange } = ledger.judge({ hub: [card], edge: [] });
  expect(strange).toEqual([]);
  expect(duplicates).toMatchObject([{ key: reportKey(refused.id), copies: 2, isAllowed: expected }]);
});

it.each(['direct-trust', 'opportunistic'])('a message must not go again once its card is written (%s)', (policy) => {
  const ledger = new Ledger();
  ledger.add({ id: ID, recipients: [TO], sizeBytes: 1, sha256: '', startedAtMs: at(0), answer: 'none' });
  const card = { ...recorded('hub01', 11), policy };
  const { strange } = ledger.judge({ hub: [card, { ...card, node: 'hub02' }], edge: [] });
  expect(strange).toEqual(['hub: sent message 1 again although it was recorded as taken']);
});
