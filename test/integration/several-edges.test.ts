// One Hub and two Edges as real processes: each Edge has its subscription, both are sources of the Internet connector.

import { expect, it } from 'vitest';
import { rows } from '../helpers/cmdlet-context.ts';
import { TRUSTED_TLS } from '../helpers/relaying.ts';
import { SITE } from '../helpers/site.ts';
import { peerOf, SiteMail } from '../helpers/site-mail.ts';

const LIMIT = { timeout: 360_000 };
const INTERNET = `EdgeSync - ${SITE} to Internet`;

it(
  'two Edges of a site are both sources of its Internet connector, and removing one leaves the other working',
  LIMIT,
  async () => {
    await using mail = await SiteMail.prepare({ edges: 2 });
    const { site } = mail;
    await mail.open(['hub01', 'edge01', 'edge02']);
    const nodes = (await Promise.all(['edge01', 'edge02'].map((edge) => site.ask(edge, 'Get-Node')))).flat();
    // In the numbers of one AD, though each has an ADAM of its own.
    const position = /^Configuration\/([\da-f-]{36})=\d{20} Recipients\/\1=\d{20}$/;
    const sources = rows(nodes, 'DirectoryPosition').map((text) => position.exec(text)?.[1]);
    expect(sources).toEqual([expect.any(String), sources[0]]);
    expect(rows(nodes, 'DirectoryState')).toEqual(['Current', 'Current']);
    const [connector] = await site.ask('hub01', 'Get-SendConnector', { Identity: INTERNET });
    expect(connector).toMatchObject({ SourceTransportServers: ['EDGE01', 'EDGE02'] });
    for (const card of await mail.exchange('both', ['hub01', 'edge01', 'edge02']))
      expect(card).toMatchObject(TRUSTED_TLS);

    await site.ask('hub01', 'Remove-EdgeSubscription', { Identity: 'EDGE01' });
    await site.synchronize();
    expect(await site.ask('hub01', 'Get-SendConnector', { Identity: INTERNET })).toMatchObject([
      { SourceTransportServers: ['EDGE02'] },
    ]);
    const cards = await mail.exchange('one', ['hub01', 'hub01', 'hub01', 'edge02']);
    expect(cards.map(peerOf)).toEqual([...Array(3).fill('edge02.perimeter.test'), 'hub01.corp.test']);
    for (const card of cards) expect(card).toMatchObject(TRUSTED_TLS);
    expect(await mail.reports(['hub01', 'edge01', 'edge02'])).toEqual([]);
  },
);

it('the Hub shares its mail among two Edges, and a dead one costs a connection and no message', LIMIT, async () => {
  await using mail = await SiteMail.prepare({ edges: 2 });
  const { site } = mail;
  await mail.open(['hub01', 'edge01', 'edge02']);
  const sendOneByOne = async (count: number, subject: string) => {
    const cards = [];
    for (let number = 1; number <= count; number++) {
      const letter = await mail.send('hub01', `${subject} ${number}`);
      cards.push(await mail.awaitCard('hub01', letter, 'delivered'));
      await mail.awaitArrival(letter);
    }
    return cards;
  };
  const shared = await sendOneByOne(8, 'shared');
  const byEdge = Map.groupBy(shared, peerOf);
  expect([...byEdge.keys()].toSorted()).toEqual(['edge01.perimeter.test', 'edge02.perimeter.test']);
  for (const card of shared) expect(card).toMatchObject(TRUSTED_TLS);

  await site.stop('edge01', 'SIGKILL');
  const alone = await sendOneByOne(8, 'alone');
  for (const card of alone) {
    expect(card).toMatchObject({ ...TRUSTED_TLS, peer: { name: 'edge02.perimeter.test' } });
  }
  const dials = alone.filter((card) => card['passedOver'] !== undefined);
  // One connection, and one more each minute, should the machine be that slow.
  expect(dials.length).toBeGreaterThan(0);
  expect(dials.length).toBeLessThan(4);
  expect(dials[0]).toMatchObject({ passedOver: [{ peer: 'edge01.perimeter.test', reason: 'connection-failed' }] });
  expect(await mail.reports(['hub01', 'edge02'])).toEqual([]);
});
