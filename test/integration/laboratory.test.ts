// `relaypair up --page`: the one address with its tokens, and what a page commands the laboratory by.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Pair } from '../helpers/pair.ts';
import { PageAddress } from '../helpers/page-address.ts';
import { waitUntil } from '../helpers/wait.ts';

let pair: Pair;
let page: PageAddress;

beforeAll(async () => {
  pair = await Pair.up({ page: true, world: true, capture: true });
  page = await PageAddress.read(pair.ready.page ?? '');
});
afterAll(() => pair?.[Symbol.asyncDispose]());

/** The decision cards of the hop between the two for a message, once there is one that came to an end. */
async function hopOf(messageId: unknown): Promise<Record<string, unknown>> {
  let card: Record<string, unknown> | undefined;
  await waitUntil(`the Hub has delivered ${String(messageId)}`, async () => {
    const { records } = await page.call('hub', 'Get-DecisionCard', { MessageId: messageId, Outcome: 'delivered' });
    [card] = records;
    return card !== undefined;
  });
  return card ?? {};
}

describe('the address that relaypair up --page says', () => {
  it('opens the page of the Hub, which may ask the Edge and the laboratory', async () => {
    const { json } = await page.ask('hub', '/api/v1/servers');
    expect(json).toMatchObject([
      { Server: 'HUB01', Url: null },
      { Server: 'EDGE01', Url: page.origins.edge },
    ]);
    for (const door of ['hub', 'edge', 'laboratory'] as const)
      expect((await page.ask(door, '/api/v1')).json).toMatchObject({ Access: 'ReadWrite' });
  });

  it('holds tokens that stand in no file', () => {
    const found = filesIn(pair.folder).filter((path) => {
      const text = readFileSync(path, 'latin1');
      return Object.values(page.tokens).some((token) => text.includes(token));
    });
    expect(found).toEqual([]);
  });

  it.each(['hub', 'edge', 'laboratory'] as const)('lets nobody change anything at the %s without one', async (door) => {
    const cmdlet = door === 'laboratory' ? 'Set-LabFault' : 'Retry-Queue';
    const response = await fetch(`${page.origins[door]}/api/v1/cmdlets/${cmdlet}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([403, 'read-only']);
  });
});

describe('the laboratory', () => {
  it('hands a letter in, whose session can be downloaded with a token that may write', async () => {
    const { records } = await page.call('laboratory', 'Send-LabMessage', { Subject: 'To be recorded' });
    expect(records).toMatchObject([{ From: 'anna@contoso.test', To: ['bob@fabrikam.test'], Accepted: true }]);
    const card = await hopOf(records[0]?.['MessageId']);
    expect(card).toMatchObject({ Channel: 'TLS', Reason: 'direct-trust' });
    const [name] = card['Captures'] as readonly string[];
    const asked = await page.download('hub', 'Export-Capture', { Identity: name, FileName: 'session.pcapng' });
    // The block type of a section header (pcapng).
    expect(asked.subarray(0, 4).toString('hex')).toBe('0a0d0d0a');
    const stranger = await fetch(`${page.origins.hub}/api/v1/cmdlets/Export-Capture?Identity=${name}`);
    expect(stranger.status).toBe(405);
    for (const elsewhere of ['../hub.yaml', '../../etc/passwd', 'access-tokens.json']) {
      const refused = await page.refusal('hub', 'Export-Capture', { Identity: elsewhere });
      expect(refused).toMatchObject({ status: 404, code: 'capture-not-found' });
    }
  });

  it('puts the fault box on the path, and takes it away', async () => {
    const on = await page.call('laboratory', 'Set-LabFault', { Server: 'edge', Name: 'strip-starttls' });
    expect(on.records).toMatchObject([{ Server: 'edge', Name: 'strip-starttls' }]);
    const stripped = await sendUntil('downgrade-suspected');
    expect(stripped).toMatchObject({ Channel: 'plaintext' });
    await page.call('laboratory', 'Set-LabFault', { Server: 'edge', Name: 'none' });
    expect(await sendUntil('direct-trust')).toMatchObject({ Channel: 'TLS' });
  });

  it.each([
    [{ Server: 'edge' }, 'missing-value'],
    [{ Server: 'edge', Definition: '[{"do": "strip"}]' }, 'bad-value'],
    [{ Server: 'edge', Definition: '[{"at": "nowhere", "do": "strip"}]' }, 'meddle-invalid'],
    [{ Server: 'nobody', Name: 'none' }, 'bad-value'],
  ])('refuses %j as %s, and leaves the path alone', async (parameters, code) => {
    expect(await page.refusal('laboratory', 'Set-LabFault', parameters)).toMatchObject({ code });
    const { records } = await page.call('laboratory', 'Get-LabFault', {});
    expect(records.map(({ Name }) => Name)).toEqual(['none', 'none']);
  });

  it('plays a guided scenario, each step told with what both servers wrote down, one at a time', async () => {
    const playing = page.lines('laboratory', 'Start-LabScenario', { Name: 'stripping' });
    await waitUntil('another playing is refused', async () => {
      const refused = await page.refusal('laboratory', 'Start-LabScenario', { Name: 'stripping' });
      return refused?.['code'] === 'in-use';
    });
    const lines = await playing;
    expect(lines.at(-2)).toMatchObject({ kind: 'record', record: { IsAsTold: true, Broken: null } });
    const letters = lines.filter(({ record }) => record?.['Kind'] === 'letter');
    expect(letters).toHaveLength(4);
    expect(letters[0]?.record).toMatchObject({
      Becomes: 'in clear',
      Reason: 'downgrade-suspected',
      Records: [
        { Role: 'hub', Tracking: expect.arrayContaining([expect.objectContaining({ EventId: 'SEND' })]) as unknown },
        { Role: 'edge' },
      ],
    });
  });

  it('lets no field of a letter begin another', async () => {
    const refused = await page.refusal('laboratory', 'Send-LabMessage', { Subject: 'a\r\nBcc: b' });
    expect(refused).toMatchObject({ code: 'bad-value' });
  });

  it('moves both clocks, with each step said', async () => {
    const lines = await page.lines('laboratory', 'Set-LabClock', { Offset: '+10d' });
    expect(lines.filter(({ kind }) => kind === 'progress').at(-1)?.text).toBe('Both clocks stand at +10d.');
    expect(lines.at(-1)).toEqual({ kind: 'done' });
    expect((await page.ask('edge', '/api/v1')).json).toMatchObject({ Offset: '+10d' });
  });
});

/** Sends until a letter travels for one of these reasons: a connection that was open before lives for two seconds more. */
async function sendUntil(...reasons: readonly string[]): Promise<Record<string, unknown>> {
  let card: Record<string, unknown> = {};
  await waitUntil(`a letter travels as ${reasons.join(' or ')}`, async () => {
    const { records } = await page.call('laboratory', 'Send-LabMessage', {});
    card = await hopOf(records[0]?.['MessageId']);
    return reasons.includes(String(card['Reason']));
  });
  return card;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}
