import { beforeEach, describe, expect, it } from 'vitest';
import { REPLIES } from '../../../src/smtp/replies.ts';
import type { SmtpSession } from '../../../src/smtp/session-policy.ts';
import { ConnectionCounts, type Counts } from '../../../src/transport/connection-counts.ts';
import { Crowd } from '../../../src/transport/crowd.ts';
import { receiveConnector } from './organisation-fixtures.ts';

const OPEN = { maxInboundConnectionPerSource: undefined, maxInboundConnectionPercentagePerSource: 100 };
const connector = receiveConnector({ name: 'Default', ...OPEN });
let ended: string[];
let refusals: string[];

beforeEach(() => {
  ended = [];
  refusals = [];
});

function makeCrowd(maxConnections: number, counts: Counts = new ConnectionCounts()): Crowd {
  return new Crowd({
    counts,
    maxConnections: () => maxConnections,
    onRefusal: ({ what, remoteAddress }) => refusals.push(`${what} ${remoteAddress}`),
  });
}

function session(id: string, remoteAddress = '192.0.2.1'): SmtpSession {
  return { id, remoteAddress } as SmtpSession;
}

describe('a crowd', () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => session(id)) as [
    SmtpSession,
    SmtpSession,
    SmtpSession,
    SmtpSession,
  ];
  const enter = (crowd: Crowd, guest: SmtpSession, at = connector) =>
    crowd.enter(guest, at, (reply) => ended.push(`${guest.id} ${reply.code}`));

  it('turns everybody away while nothing is taken, and counts nobody', async () => {
    let isAccepting = false;
    const counts = new ConnectionCounts();
    const crowd = new Crowd({
      counts,
      maxConnections: () => 1,
      onRefusal: () => undefined,
      isAccepting: () => isAccepting,
    });
    expect(await enter(crowd, a)).toBe(REPLIES.notAccepting);
    expect(crowd.refusal).toMatchObject({ code: 421, enhanced: '4.3.2' });
    isAccepting = true;
    expect(await enter(crowd, b)).toBeUndefined();
    expect(ended).toEqual([]);
  });

  it('lets the one without progress for longest go', async () => {
    const crowd = makeCrowd(2);
    expect([await enter(crowd, a), await enter(crowd, b)]).toEqual([undefined, undefined]);
    crowd.progressed(a);
    expect(await enter(crowd, c)).toBeUndefined();
    expect(ended).toEqual(['b 421']);
    expect(await enter(crowd, d)).toBeUndefined();
    expect(ended).toEqual(['b 421', 'a 421']);
  });

  it('keeps who proved something, and refuses when all did', async () => {
    const crowd = makeCrowd(2);
    for (const guest of [a, b]) await enter(crowd, guest);
    crowd.vouchFor(a, false);
    expect(await enter(crowd, c)).toBeUndefined();
    expect(ended).toEqual(['b 421']);
    crowd.vouchFor(c, true);
    expect(await enter(crowd, d)).toBe(REPLIES.tooManyConnections);
    expect(refusals).toEqual(['server 192.0.2.1']);
    crowd.leave(a);
    expect(await enter(crowd, d)).toBeUndefined();
  });

  it('makes room at a full connector among its own', async () => {
    const crowd = makeCrowd(10);
    const small = receiveConnector({ name: 'Small', ...OPEN, maxInboundConnection: 1 });
    await enter(crowd, a);
    await enter(crowd, b, small);
    expect(await enter(crowd, c, small)).toBeUndefined();
    expect(ended).toEqual(['b 421']);
  });

  it('makes no room for a source that has its places', async () => {
    const crowd = makeCrowd(10);
    const narrow = receiveConnector({ maxInboundConnectionPerSource: 1 });
    await enter(crowd, a, narrow);
    expect(await enter(crowd, b, narrow)).toBe(REPLIES.tooManyFromSource);
    expect([ended, refusals]).toEqual([[], ['source 192.0.2.1']]);
    expect(await enter(crowd, session('e', '192.0.2.2'), narrow)).toBeUndefined();
  });

  it('counts a member of the pair for no source, once it has proved to be one, and for the whole until it leaves', async () => {
    const crowd = makeCrowd(3);
    const narrow = receiveConnector({ ...OPEN, maxInboundConnectionPerSource: 1 });
    await enter(crowd, a, narrow);
    crowd.vouchFor(a, false);
    expect(await enter(crowd, b, narrow)).toBe(REPLIES.tooManyFromSource);
    crowd.vouchFor(a, true);
    crowd.vouchFor(a, true);
    expect(await enter(crowd, b, narrow)).toBeUndefined();
    crowd.vouchFor(b, true);
    expect(await enter(crowd, c, narrow)).toBeUndefined();
    crowd.leave(a);
    expect(await enter(crowd, d, narrow)).toBe(REPLIES.tooManyFromSource);
    crowd.vouchFor(c, true);
    expect(await enter(crowd, d, narrow)).toBeUndefined();
    crowd.vouchFor(d, true);
    expect(await enter(crowd, session('e'), narrow)).toBe(REPLIES.tooManyConnections);
  });

  it('gives back the place of a client that went while it was counted', async () => {
    const real = new ConnectionCounts();
    const answer = Promise.withResolvers<undefined>();
    const slow: Counts = {
      enter: async (claim) => {
        await answer.promise;
        return real.enter(claim);
      },
      leave: (entry) => real.leave(entry),
      vouch: (entry) => real.vouch(entry),
      spend: (spending) => real.spend(spending),
    };
    const crowd = makeCrowd(1, slow);
    const pending = enter(crowd, a);
    crowd.leave(a);
    answer.resolve(undefined);
    await pending;
    expect(await enter(crowd, b)).toBeUndefined();
    expect(ended).toEqual([]);
  });
});
