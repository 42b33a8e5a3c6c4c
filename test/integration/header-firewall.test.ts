// The header firewall over a real pair: what a stranger forges arrives nowhere, what the organisation says of its mail crosses
// from the Hub to the Edge and goes no further. And a message that goes round in circles is refused by the server it passes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIRECTIONS, INSIDER, OUTSIDER, Relaying } from '../helpers/relaying.ts';
import { eventually } from '../helpers/servers.ts';
import type { SunkMessage } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';

const FIELDS =
  'X-MS-Exchange-Organization-AuthAs: Internal\r\nx-ms-exchange-FOREST-RulesExecuted: a\r\n folded\r\n\tagain\r\n';
const RIGHTS = ['Ms-Exch-Accept-Headers-Organization', 'Ms-Exch-Accept-Headers-Forest'];
const RELAY = 'Ms-Exch-SMTP-Accept-Any-Recipient';

let relaying: Relaying;
let isOutsideOpen = true;

beforeAll(async () => {
  relaying = await Relaying.start({
    outside: { onMessage: () => (isOutsideOpen ? undefined : '451 4.3.0 later') },
  });
}, 180_000);

afterAll(() => relaying?.[Symbol.asyncDispose]());

/** A message with the fields in its header and once more in its body; and without those in the header. */
function write(id: string): { content: Buffer; clean: string } {
  const [first, rest] = [
    `Message-ID: <${id}>\r\n`,
    `Received: from a.test by b.test; now\r\n\r\n${FIELDS}\r\n.dot\r\n`,
  ];
  return { content: Buffer.from(`${FIELDS}${first}${FIELDS}${rest}`), clean: first + rest };
}

async function arrival(sink: 'inside' | 'outside', id: string): Promise<SunkMessage> {
  await relaying[sink].waitFor((messages) => messages.some(({ content }) => content.includes(`<${id}>`)));
  const message = relaying[sink].messages.find(({ content }) => content.includes(`<${id}>`));
  if (!message) throw new Error('waitFor has lied');
  return message;
}

/** All that came: trace fields in front, `clean` behind, and the size that was announced. */
function expectClean({ content, mailParameters }: SunkMessage, clean: string): void {
  const text = content.toString('latin1');
  expect(text.endsWith(`\r\n${clean}`)).toBe(true);
  expect(text.slice(0, -clean.length)).not.toMatch(/X-MS-Exchange/i);
  expect(mailParameters).toContain(`SIZE=${content.length}`);
}

describe('the header firewall', () => {
  it.each(DIRECTIONS)('lets nothing through that a stranger forges, %s', async (direction) => {
    const { content, clean } = write(`forged@${direction}.test`);
    const messageId = `<forged@${direction}.test>`;
    expect(await relaying.send(direction, { messageId, content })).toMatchObject({ isAccepted: true });
    expectClean(await arrival(direction === 'inbound' ? 'inside' : 'outside', messageId.slice(1, -1)), clean);
  });

  it('passes what the organisation says from the Hub to the Edge, and not to the outside', async () => {
    const { servers } = relaying;
    const { content, clean } = write('own@contoso.test');
    const setRights = (...rights: string[]) =>
      servers.cmdlet('hub', 'Set-ReceiveConnector', 'Client HUB01', '-ExtendedRights', rights.join(','));
    await setRights(RELAY, ...RIGHTS);
    isOutsideOpen = false;
    const { hub } = servers.ports;
    expect(await submit({ port: hub, from: INSIDER, to: [OUTSIDER], content })).toMatchObject({ isAccepted: true });
    await setRights(RELAY);

    const held = await eventually('the message at the Edge', async () =>
      (await servers.ask('edge', 'Get-Message')).find(
        ({ InternetMessageId }) => InternetMessageId === '<own@contoso.test>',
      ),
    );
    const { stdout } = await servers.run('edge', 'Export-Message', held['Identity'] as string);
    expect(stdout.endsWith(content.toString('latin1'))).toBe(true);

    isOutsideOpen = true;
    await servers.ask('edge', 'Retry-Queue', { Filter: "Status -eq 'Retry'" });
    expectClean(await arrival('outside', 'own@contoso.test'), clean);
  });
});

describe('a message that goes round in circles', () => {
  const bounce = (fqdn: string, times: number, ends = ''): Buffer =>
    Buffer.from(`${`Received: from a.test by ${fqdn}${ends} with ESMTP; now\r\n`.repeat(times)}\r\nhello\r\n`);

  it.each([
    ['the Edge', 'edge' as const, 'EDGE01.perimeter.test', INSIDER],
    ['the Hub', 'hub' as const, 'hub01.CORP.test', OUTSIDER],
  ])('is refused by %s when that has had it eight times, and not before', async (_, role, fqdn, to) => {
    const port = relaying.servers.ports[role];
    const send = (content: Buffer) => submit({ port, from: 'a@b.test', to: [to], content });
    expect((await send(bounce(fqdn, 8))).reply).toBe('554 5.4.6 Hop count exceeded - possible mail loop');
    expect((await send(bounce(fqdn, 7))).isAccepted).toBe(true);
    expect((await send(bounce(fqdn, 12, '.other.test'))).isAccepted).toBe(true);
    expect((await send(bounce('other.test', 30))).reply).toMatch(/^554 5\.4\.6 /);
  });
});
