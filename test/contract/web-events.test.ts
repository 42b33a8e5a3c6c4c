// What a reader of the live events is promised: everything from where it was, or a word that it is not all there any more; and
// what the server is promised: a reader that does not read costs it nothing but its place.

import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEvent } from '../../src/tracking/events.ts';
import { EventStream } from '../helpers/event-stream.ts';
import { openWebServer, type WebServerFixture } from '../helpers/web-server.ts';
import { waitUntil } from '../helpers/wait.ts';

let hub: WebServerFixture;
let events: string;

beforeAll(async () => {
  hub = await openWebServer();
  events = `${hub.address}/api/v1/events`;
});

afterAll(() => hub.close());

/** A message was received: a line of message tracking. */
function receive(messageId: string, subject = 'hello'): void {
  hub.house.context.tracking.record({ eventId: 'RECEIVE', source: 'SMTP', messageId, messageSubject: subject });
}

async function readIds(stream: EventStream, count: number): Promise<unknown[]> {
  const ids: unknown[] = [];
  while (ids.length < count) ids.push((await stream.next('tracking'))?.data['MessageId']);
  return ids;
}

describe('GET /api/v1/events', () => {
  it('begins with the server and its states, and goes on with what happens', async () => {
    const stream = await EventStream.open(events);
    expect(await stream.next()).toMatchObject({
      event: 'hello',
      data: { Server: 'HUB01', Role: 'hub', Access: 'ReadOnly', IsLaboratory: true },
    });
    const states = [await stream.next(), await stream.next(), await stream.next(), await stream.next()];
    expect(states.map((state) => state?.event)).toEqual(['clock', 'queues', 'load', 'health']);
    expect(states.map((state) => state?.id)).toEqual([undefined, undefined, undefined, undefined]);
    receive('<1@contoso.test>', 'now');
    expect((await stream.next('tracking'))?.data).toMatchObject({
      EventId: 'RECEIVE',
      MessageId: '<1@contoso.test>',
      MessageSubject: 'now',
    });
    hub.house.context.events.record(createEvent('ServerStopped', { server: 'hub02.contoso.test', upForMs: 1 }));
    expect((await stream.next('event'))?.data).toMatchObject({
      EventId: 30_010,
      Facts: { server: 'hub02.contoso.test' },
    });
    stream.close();
  });

  it('has the records that Get-MessageTrackingLog prints', async () => {
    const stream = await EventStream.open(`${events}?kinds=tracking`);
    await stream.next('hello');
    receive('<same@contoso.test>', 'the same');
    const told = (await stream.next('tracking'))?.data;
    const { json } = await hub.ask('/api/v1/cmdlets/Get-MessageTrackingLog?MessageId=same@contoso.test');
    expect([told]).toEqual(json['records']);
    stream.close();
  });

  it('goes on after the last event that the client has had', async () => {
    const first = await EventStream.open(`${events}?kinds=tracking`);
    await first.next('hello');
    for (const number of [1, 2, 3]) receive(`<resume-${number}@contoso.test>`);
    const had = await first.next('tracking');
    expect(had?.data['MessageId']).toBe('<resume-1@contoso.test>');
    first.close();
    receive('<resume-4@contoso.test>');
    const second = await EventStream.open(`${events}?kinds=tracking`, { 'last-event-id': had?.id ?? '' });
    expect(await readIds(second, 3)).toEqual([2, 3, 4].map((number) => `<resume-${number}@contoso.test>`));
    second.close();
  });

  it.each(['00000000-5', 'nonsense', '9'.repeat(500)])(
    'says reset after the id %s, and goes on from now',
    async (id) => {
      const stream = await EventStream.open(`${events}?kinds=tracking`, { 'last-event-id': id });
      await stream.next('hello');
      expect((await stream.next())?.event).toBe('reset');
      receive('<after-reset@contoso.test>');
      expect(await readIds(stream, 1)).toEqual(['<after-reset@contoso.test>']);
      stream.close();
    },
  );

  it('tells of a moved clock', async () => {
    const stream = await EventStream.open(`${events}?kinds=clock`);
    expect((await stream.next('clock'))?.data).toMatchObject({ Offset: null, OffsetMs: 0 });
    hub.clock.move(86_400_000);
    expect((await stream.next('clock'))?.data).toMatchObject({ Offset: '+1d', OffsetMs: 86_400_000 });
    hub.clock.move(-86_400_000);
    stream.close();
  });

  it('leaves out what is beyond perSecond, and says how much', async () => {
    const stream = await EventStream.open(`${events}?kinds=tracking&perSecond=5`);
    await stream.next('hello');
    for (let number = 0; number < 100; number += 1) receive(`<burst-${number}@contoso.test>`);
    const { data } = (await stream.next('skipped')) ?? {};
    expect(data).toEqual({ Count: 95 });
    stream.close();
  });

  it('writes hostile texts as harmless JSON in one line', async () => {
    const stream = await EventStream.open(`${events}?kinds=tracking`);
    await stream.next('hello');
    const subject = 'a\r\n\r\nevent: hello\u001b[2J\u202e</script>\u2028';
    receive('<hostile@contoso.test>', subject);
    expect((await stream.next())?.data['MessageSubject']).toBe(subject);
    const { text } = await hub.ask('/api/v1/cmdlets/Get-MessageTrackingLog?MessageId=hostile@contoso.test');
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    stream.close();
  });

  it.each(['kinds=everything', 'perSecond=0', 'perSecond=x', 'from=1970', 'since=1'])('refuses ?%s', async (query) => {
    const { status, json } = await hub.ask(`/api/v1/events?${query}`);
    expect([status, json['code']]).toEqual([400, 'bad-value']);
  });

  it('ends with a sentence when the token is removed', async () => {
    const { accessTokens } = hub.house.context;
    const token = accessTokens.add({ name: 'short', access: 'ReadOnly', createdAt: new Date() });
    const stream = await EventStream.open(`${events}?kinds=tracking`, { authorization: `Bearer ${token}` });
    await stream.next('hello');
    accessTokens.remove('short');
    expect((await stream.next('cut'))?.data['code']).toBe('token-wrong');
    expect(await stream.next()).toBeUndefined();
  });

  it('cuts a reader that does not read, whose memory is bounded, while another misses nothing', async () => {
    const quick = await EventStream.open(`${events}?kinds=tracking`);
    await quick.next('hello');
    const slow = createConnection(Number(new URL(hub.address).port), '127.0.0.1');
    slow.write('GET /api/v1/events?kinds=tracking HTTP/1.1\r\nHost: localhost\r\n\r\n');
    slow.pause();
    let isCut = false;
    slow.once('close', () => {
      isCut = true;
    });
    const subject = 'x'.repeat(4000);
    let heard = 0;
    // 48 MB in all: more than ring and socket buffers hold together.
    for (let round = 0; round < 120; round += 1) {
      for (let number = 0; number < 100; number += 1) receive(`<${round}-${number}@contoso.test>`, subject);
      heard += (await readIds(quick, 100)).length;
    }
    expect(heard).toBe(12_000);
    await waitUntil('the slow reader is cut', () => {
      slow.resume();
      return isCut;
    });
    quick.close();
  });

  it('has room for so many readers, and says so to the next', async () => {
    const streams: EventStream[] = [];
    let status = 200;
    while (status === 200 && streams.length < 100) {
      const stream = await EventStream.open(events);
      ({ status } = stream);
      streams.push(stream);
    }
    expect(status).toBe(503);
    expect(streams.length).toBe(33);
    for (const stream of streams) stream.close();
    await waitUntil('there is room again', async () => {
      const stream = await EventStream.open(events);
      stream.close();
      return stream.status === 200;
    });
  });
});
