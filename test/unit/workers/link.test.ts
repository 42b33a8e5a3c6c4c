import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Problem } from '../../../src/problem.ts';
import { type Handler, Link } from '../../../src/workers/link.ts';

interface Ends {
  readonly asker: Link;
  readonly answerer: Link;
  readonly faults: unknown[];
  readonly ended: string[];
}

function connect(handlers: Readonly<Record<string, Handler>>): Ends {
  const [left, right] = duplexPair();
  const faults: unknown[] = [];
  const ended: string[] = [];
  const open = (name: string, stream: typeof left, own: Readonly<Record<string, Handler>>): Link =>
    Link.open({
      stream,
      handlers: own,
      onEnd: () => ended.push(name),
      onFault: (error) => faults.push(error),
    });
  return { asker: open('asker', left, {}), answerer: open('answerer', right, handlers), faults, ended };
}

describe('a link', () => {
  it('answers every question with its own answer, in whatever order they come', async () => {
    const { promise: late, resolve: release } = Promise.withResolvers<void>();
    const { asker } = connect({
      double: async ({ value }) => {
        if (value === 1) await late;
        return Number(value) * 2;
      },
    });
    const questions = [1, 2, 3].map((value) => asker.ask('double', { value }));
    expect(await Promise.all(questions.slice(1))).toEqual([4, 6]);
    release();
    expect(await questions[0]).toBe(2);
  });

  it('brings octets and news as they were', async () => {
    const heard: string[] = [];
    const { asker } = connect({
      news: ({ topic }, pieces) =>
        heard.push(`${String(topic)} ${pieces.map((piece) => piece.toString('hex')).join(' ')}`),
      done: () => true,
    });
    asker.tell('news', { topic: 'weather' }, [Buffer.from([0, 13, 10]), Buffer.alloc(0), Buffer.from([255])]);
    asker.tell('news', { topic: 'mail' });
    expect(await asker.ask('done')).toBe(true);
    expect(heard).toEqual(['weather 000d0a  ff', 'mail ']);
  });

  it('carries a refusal: a Problem as a Problem, anything else as an error', async () => {
    const { asker } = connect({
      full: () => {
        throw new Problem('spool-unavailable', 'no room');
      },
      broken: () => {
        throw new TypeError('a bug');
      },
    });
    await expect(asker.ask('full')).rejects.toMatchObject({
      name: 'Problem',
      code: 'spool-unavailable',
      message: 'no room',
    });
    await expect(asker.ask('broken')).rejects.toThrow('a bug');
    await expect(asker.ask('unheard-of')).rejects.toThrow('unheard-of');
  });

  it('reports news that could not be dealt with, and goes on', async () => {
    const { asker, faults } = connect({
      news: () => {
        throw new Error('not this one');
      },
      done: () => true,
    });
    asker.tell('news');
    expect(await asker.ask('done')).toBe(true);
    expect(faults).toMatchObject([{ message: 'not this one' }]);
  });

  it('leaves a question open when the other side is gone: nobody knows whether it was done', async () => {
    const { promise: asked, resolve: noteAsked } = Promise.withResolvers<void>();
    const { asker, answerer, ended } = connect({
      store: () => {
        noteAsked();
        return new Promise(() => undefined);
      },
    });
    let settled = false;
    void asker.ask('store').then(
      () => (settled = true),
      () => (settled = true),
    );
    await asked;
    await answerer.finish();
    while (!ended.includes('asker')) await turn();
    await turn();
    expect(settled).toBe(false);
    asker.tell('into the void');
  });
});
