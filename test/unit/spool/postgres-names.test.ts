import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { createServer, type LookupFunction, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { makeSharedLookup, openSocket } from '../../../src/spool/postgres-names.ts';

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

const ADDRESSES = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** A name server that answers when it is told to. */
function slow() {
  const questions: { readonly hostname: string; readonly answer: Answer }[] = [];
  const lookup = makeSharedLookup((hostname: string, _options: LookupAllOptions, answer: Answer) => {
    questions.push({ hostname, answer });
  });
  return { questions, lookup };
}

function ask(lookup: LookupFunction, hostname: string, isAll: boolean): Promise<unknown> {
  return new Promise((resolve, reject) =>
    lookup(hostname, { all: isAll }, (error, address, family) =>
      error ? reject(error) : resolve(isAll ? address : [address, family]),
    ),
  );
}

describe('the names of database hosts', () => {
  it('are asked for once at a time, each by itself, however many want to know', async () => {
    const { questions, lookup } = slow();
    const wanted = [
      ask(lookup, 'db1.test', true),
      ask(lookup, 'db1.test', false),
      ask(lookup, 'db1.test', true),
      ask(lookup, 'db2.test', true),
    ];
    expect(questions.map(({ hostname }) => hostname)).toEqual(['db1.test', 'db2.test']);
    for (const { answer } of questions) answer(null, ADDRESSES);
    expect(await Promise.all(wanted)).toEqual([ADDRESSES, ['127.0.0.1', 4], ADDRESSES, ADDRESSES]);
  });

  it('are asked for anew once they were answered, with an address or without', async () => {
    const { questions, lookup } = slow();
    const [one, other] = [ask(lookup, 'db1.test', true), ask(lookup, 'db1.test', false)];
    questions[0]?.answer(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), []);
    await expect(one).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(other).rejects.toMatchObject({ code: 'ENOTFOUND' });
    const again = ask(lookup, 'db1.test', true);
    questions[1]?.answer(null, ADDRESSES);
    expect(await again).toEqual(ADDRESSES);
  });

  describe('lead to a server', () => {
    let server: Server | undefined;
    afterEach(() => server?.close());

    it.each(['localhost', '127.0.0.1'])('by %s', async (host) => {
      server = createServer((peer) => peer.end('hello'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const socket = openSocket(host);
      socket.connect(typeof address === 'object' && address ? address.port : 0, host);
      const [octets] = (await once(socket, 'data')) as [Buffer];
      expect(octets.toString()).toBe('hello');
    });
  });
});
