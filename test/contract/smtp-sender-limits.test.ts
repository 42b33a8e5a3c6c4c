// What the sender does with the LIMITS of a next hop (RFC 9422).

import { afterEach, describe, expect, it } from 'vitest';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const fixture = new SenderFixture();
afterEach(() => fixture.cleanUp());

const to = (...addresses: string[]) => ({ recipients: addresses.map((address) => ({ address })) });
const ABC = to('a@x.test', 'b@y.test', 'c@x.test');
const commandsOf = (commands: readonly string[]) => commands.filter((line) => /^(?:MAIL|RCPT)/.test(line)).map(shorten);
const shorten = (line: string) => line.replace(/^MAIL.*/, 'MAIL').replace(/^RCPT TO:<(.*)>$/, '$1');

describe('LIMITS of a next hop', () => {
  it.each([
    ['RCPTMAX=2', ['MAIL', 'a@x.test', 'b@y.test', 'MAIL', 'c@x.test']],
    ['RCPTMAX=1', ['MAIL', 'a@x.test', 'MAIL', 'b@y.test', 'MAIL', 'c@x.test']],
    ['RCPTDOMAINMAX=1', ['MAIL', 'a@x.test', 'MAIL', 'b@y.test', 'MAIL', 'c@x.test']],
    ['RCPTMAX=0 RCPTMAX=x FOO=1', ['MAIL', 'a@x.test', 'b@y.test', 'c@x.test']],
  ])('%s parts a message into transactions, each recipient with its own result', async (limits, commands) => {
    const server = await fixture.listen({
      keywords: [`LIMITS ${limits}`, 'PIPELINING'],
      answers: { RCPT: (line) => (line.includes('b@') ? '550 5.1.1 no' : '250 2.1.5 ok') },
    });
    const session = await fixture.connect(server.port);
    const { recipients } = await session.send(makeMessage(ABC));
    expect(recipients.map(({ address, status }) => [address, status])).toEqual([
      ['a@x.test', 'delivered'],
      ['b@y.test', 'failed'],
      ['c@x.test', 'delivered'],
    ]);
    expect(commandsOf(server.commands)).toEqual(commands);
  });

  it('MAILMAX ends the use of a connection, and what has found no place on it waits', async () => {
    const server = await fixture.listen({ keywords: ['LIMITS MAILMAX=2 RCPTMAX=1'] });
    const session = await fixture.connect(server.port);
    const { recipients } = await session.send(makeMessage(ABC));
    expect(recipients.map(({ status, local }) => [status, local])).toEqual([
      ['delivered', false],
      ['delivered', false],
      ['deferred', true],
    ]);
    expect(session.alive).toBe(false);
    expect(server.bodies).toHaveLength(2);
    await session.quit();
    expect(server.commands.at(-1)).toBe('QUIT');
  });

  it('without any, a connection stays of use', async () => {
    const server = await fixture.listen({ keywords: ['PIPELINING'] });
    const session = await fixture.connect(server.port);
    await session.send(makeMessage(ABC));
    expect([session.alive, commandsOf(server.commands)]).toEqual([true, ['MAIL', 'a@x.test', 'b@y.test', 'c@x.test']]);
  });
});
