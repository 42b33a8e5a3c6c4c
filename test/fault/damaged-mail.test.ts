// Fault: a bit of a stored message flips while its server is stopped. Nothing of it is delivered by the server that has it, it is
// kept in Poison and reported, all other mail arrives whole, and its sender is told once it is removed.

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rows } from '../helpers/cmdlet-context.ts';
import { type Direction, Relaying } from '../helpers/relaying.ts';
import { eventually, type Role } from '../helpers/servers.ts';
import type { Sink } from '../helpers/sink.ts';
import { flipBitOf, LARGE_BYTES, markLetter, type MarkedLetter, SMALL_BYTES } from '../helpers/stored-damage.ts';

const LIMIT = { timeout: 360_000 };
const REASON = 'the checksum of its body is wrong';
const BODY_FILE = /^bodies\/[0-9a-f]{32}\.body$/;

/** The server whose disk it is, and the mail that waits there while the other one is down. */
interface Side {
  readonly role: Role;
  readonly other: Role;
  readonly direction: Direction;
  /** Of the damaged message alone. */
  readonly sender: string;
}

const SIDES: readonly Side[] = [
  { role: 'hub', other: 'edge', direction: 'outbound', sender: 'anna@contoso.test' },
  { role: 'edge', other: 'hub', direction: 'inbound', sender: 'carl@elsewhere.test' },
];

const CASES = SIDES.flatMap((side) => [
  { ...side, what: 'body file', sizeBytes: LARGE_BYTES, place: BODY_FILE },
  { ...side, what: 'database', sizeBytes: SMALL_BYTES, place: /^spool\.db$/ },
]);

function hasAnything(sink: Sink, { messageId }: MarkedLetter): boolean {
  return sink.messages.some(({ content }) => content.includes(messageId));
}

/** The events about damaged messages, by the command line. */
async function damageEvents({ servers }: Relaying, role: Role): Promise<Record<string, unknown>[]> {
  return servers.cmdlet(role, 'Get-EventLog', '-EventId', '30008');
}

/** Waits until the server holds nothing but one message in Poison, or nothing at all. */
async function awaitQueues({ servers }: Relaying, role: Role, isPoisonThere: boolean): Promise<void> {
  const poison = `${role === 'hub' ? 'HUB01' : 'EDGE01'}\\Poison | 1`;
  await eventually(`nothing on the ${role} ${isPoisonThere ? 'but one in Poison' : 'at all'}`, async () => {
    const filled = rows(await servers.ask(role, 'Get-Queue'), 'Identity', 'MessageCount');
    const told = filled.filter((row) => !row.endsWith(' | 0')).join();
    return told === (isPoisonThere ? poison : '') || undefined;
  });
}

it.each(CASES)(
  'sends nothing of a message of the $role after a bit of it has flipped in its $what, and the others whole',
  LIMIT,
  async ({ role, other, direction, sender, sizeBytes, place }) => {
    await using relaying = await Relaying.start();
    const { servers, inside, outside } = relaying;
    await servers.stop(other);
    const damaged = markLetter('damaged', sizeBytes);
    const [before, after] = [
      [markLetter('small before', SMALL_BYTES), markLetter('large before', LARGE_BYTES)],
      [markLetter('small after', SMALL_BYTES), markLetter('large after', LARGE_BYTES)],
    ];
    for (const letter of [...before, damaged, ...after]) {
      const from = letter === damaged ? sender : undefined;
      expect(await relaying.send(direction, letter, from)).toMatchObject({ isAccepted: true });
    }
    await servers.stop(role);
    expect(flipBitOf(damaged.mark, join(servers.folder, role))).toEqual([expect.stringMatching(place)]);
    await Promise.all([servers.start(role), servers.start(other)]);

    for (const letter of [...before, ...after]) await relaying.awaitArrival(direction, letter);
    await awaitQueues(relaying, role, true);
    await awaitQueues(relaying, other, false);
    const kept = await servers.cmdlet(role, 'Get-Message', '-Queue', 'Poison');
    expect(kept).toMatchObject([
      {
        Subject: 'damaged',
        InternetMessageId: damaged.messageId,
        FromAddress: sender,
        Status: 'Suspended',
        LastError: `Set aside as damaged: ${REASON}`,
      },
    ]);
    const identity = String(kept[0]?.['Identity']);
    const told = {
      EntryType: 'Error',
      Message: expect.stringMatching(
        new RegExp(`^Message ${identity.slice(identity.lastIndexOf('\\') + 1)} in the spool is damaged: ${REASON}\\.`),
      ) as unknown,
    };
    expect(await damageEvents(relaying, role)).toMatchObject([told]);

    // A start later nothing has changed, but that it is told of once more.
    await servers.stop(role);
    await servers.start(role);
    expect(await damageEvents(relaying, role)).toMatchObject([told, told]);
    await relaying.exchangeLetters('afterwards');
    await awaitQueues(relaying, role, true);
    expect([inside, outside].map((sink) => hasAnything(sink, damaged))).toEqual([false, false]);
    expect([...before, ...after].map((letter) => relaying.countArrivals(direction, letter))).toEqual([1, 1, 1, 1]);

    const exported = await servers.run(role, 'Export-Message', identity);
    expect(exported).toMatchObject({ code: 0, stderr: expect.stringContaining(`damaged (${REASON})`) as unknown });
    expect(exported.stdout).toContain(`X-Relaypair-Damaged: ${REASON}\r\n`);
    expect(await servers.run(role, 'Remove-Message', identity)).toMatchObject({ code: 0 });
    // Its sender is on the side that the mail came from.
    const report = await (direction === 'outbound' ? inside : outside).messageFor(sender);
    expect([report.reversePath, report.content.toString()]).toEqual(['', expect.stringContaining('QUEUE.Damaged')]);
    expect(report.content.includes('xxxxxxxxxx')).toBe(false);
    expect(await servers.ask(role, 'Get-Message', { Queue: 'Poison' })).toEqual([]);
  },
);
