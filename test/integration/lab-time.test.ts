// What follows a laboratory's clock when it runs faster or stands still, and what does not.

import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Pair } from '../../src/lab/pair.ts';
import { Conversation } from '../helpers/submit.ts';
import { waitUntil } from '../helpers/wait.ts';

const LIMIT = { timeout: 180_000 };
const HOUR_MS = 3_600_000;

it('EdgeSync, retries and delay notices follow a clock that runs 3600 times as fast', LIMIT, async () => {
  await using pair = await Pair.open();
  await pair.ask('hub', 'New-AcceptedDomain', { Name: 'Woodgrove', DomainName: 'woodgrove.test' });
  await pair.clock.run(3600);
  await waitUntil('a round of EdgeSync that nobody asked for', async () => {
    const domains = await pair.ask('edge', 'Get-AcceptedDomain');
    return domains.some(({ DomainName: name }) => name === 'woodgrove.test');
  });

  await pair.renew('edge', { isMadeKnown: false });
  const sent = await pair.send();
  const told = await waitUntil('a delay notice, four hours after the letter', async () => {
    const [notice] = await pair.ask('hub', 'Get-MessageTrackingLog', { EventId: 'DSN' });
    return notice;
  });
  await pair.clock.run(1);
  const received = await pair.ask('hub', 'Get-MessageTrackingLog', { EventId: 'RECEIVE', MessageId: sent.id });
  const waitedMs = dateOf(told).getTime() - dateOf(received[0]).getTime();
  // The letter was received some milliseconds before that was written down, each of which is 3.6 seconds here.
  expect(waitedMs).toBeGreaterThan(3.5 * HOUR_MS);
  const { hop, cards } = await pair.message(sent);
  expect(hop.attempts.length).toBeGreaterThan(1);
  // The last attempt may have come after the clock was slowed down.
  expect(cards.hub.map(({ clockOffset }) => clockOffset)).toContainEqual(
    expect.stringMatching(/at 3600 times the speed$/),
  );
});

function dateOf(record: Readonly<Record<string, unknown>> | undefined): Date {
  const time = record?.['Timestamp'];
  if (!(time instanceof Date)) throw new Error('a tracking record has no time');
  return time;
}

it('the timeouts of SMTP are real time, whether the clock runs or stands', LIMIT, async () => {
  await using pair = await Pair.open({
    isSubscribed: false,
    settings: { hub: { limits: { idleTimeout: '0s', commandTimeout: '1s' } } },
  });
  await pair.clock.run(3600);
  const client = await Conversation.open(pair.hub.smtp.port);
  expect(await client.reply()).toMatch(/^220 .*\(clock moved .*, at 3600 times the speed\)$/);
  // Six minutes and more of the laboratory's, less than a second of the client's.
  await pause(100);
  expect(await client.say('NOOP')).toMatch(/^250 /);

  await pair.clock.run(0);
  const stood = pair.clock.now();
  // The clock does not move, and the client is told to go all the same.
  expect(await client.reply()).toMatch(/^421 /);
  expect(Math.abs(pair.clock.now().getTime() - stood.getTime())).toBeLessThan(10);
  client.close();
});
