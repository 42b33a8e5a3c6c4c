// How the sender hears replies that come together (RFC 2920).

import { afterEach, describe, expect, it } from 'vitest';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const fixture = new SenderFixture();
afterEach(() => fixture.cleanUp());

describe('replies that come together', () => {
  it('are each of their own recipient, a thousand at once, strange ones among them', async () => {
    const said = Array.from({ length: 1000 }, (_, index) => {
      if (index === 500) return '550 5.1.1 unknown';
      if (index === 501) return '450 4.2.1 sp\u00e4ter';
      return index === 502 ? '250-2.1.5 two\r\n250 2.1.5 lines' : '250 2.1.5 ok';
    });
    const server = await fixture.listen({
      keywords: ['PIPELINING'],
      answers: { RCPT: (line) => (line.includes('<r999@') ? said.join('\r\n') : undefined) },
    });
    const session = await fixture.connect(server.port);
    const recipients = said.map((_, index) => ({ address: `r${index}@edge.test` }));
    const found = (await session.send(makeMessage({ recipients }))).recipients;
    expect(found.slice(499, 504).map(({ status, reply }) => `${status} ${reply.code} ${reply.text}`)).toEqual([
      'delivered 250 Queued',
      'failed 550 unknown',
      'deferred 450 sp\u00e4ter',
      'delivered 250 Queued',
      'delivered 250 Queued',
    ]);
    expect(found.filter(({ status }) => status === 'delivered')).toHaveLength(998);
    expect(session.alive).toBe(true);
  });
});
