// A process of its own around a spool, to be killed or disturbed: node spool-child.ts BACKEND FOLDER MODE. Every line on
// stdout tells of something that is already durable. Modes:
//   open    opens the spool and stays
//   fill    stores messages of all sizes, several at a time, for ever; the subject is the SHA-256 of the body
//   bounce  claims everything and settles it as failed, each with a DSN whose subject names the message; says so and stays
//   repair  puts the spool right as Test-Spool -Offline -Repair does, says how many messages are whole, and ends
//   serve   does as each line on stdin says: "5000 300000" stores messages of so many octets, all at once; "relay 3",
//           "defer 3", "bounce 3" settle message 3; "close" closes the spool and ends

import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { isProblem } from '../../src/problem.ts';
import type { EmbeddedSpoolOptions } from '../../src/spool/embedded-spool.ts';
import type { Spool, SpooledMessage } from '../../src/spool/spool.ts';
import { claimAll, makeEnvelope, sha256, spoolOptions, storeMessage, TRACE_FIELDS } from './spool-fixtures.ts';
import { TESTED_SPOOLS } from './spool-backends.ts';

const KIB = 1024;
const SIZES = [
  () => randomInt(8 * KIB),
  () => randomInt(8 * KIB),
  () => randomInt(100 * KIB),
  () => randomInt(700 * KIB),
];

/** writeSync: the line is in the pipe before anything else happens. */
function say(...words: (string | number)[]): void {
  writeSync(1, `${words.join(' ')}\n`);
}

async function storeOne(spool: Spool, sizeBytes: number): Promise<void> {
  const body = randomBytes(sizeBytes);
  const networkMessageId = randomUUID();
  const message = await storeMessage(spool, body, makeEnvelope({ networkMessageId, subject: sha256(body) }));
  say('stored', message.id, networkMessageId, sha256(body));
}

async function fill(spool: Spool): Promise<void> {
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (;;) await storeOne(spool, SIZES[randomInt(SIZES.length)]?.() ?? 0);
    }),
  );
}

/** The report's subject names the message, its Message-ID the SHA-256 of its body. */
async function bounceOne(spool: Spool, { id, envelope }: SpooledMessage): Promise<void> {
  const subject = envelope.networkMessageId;
  const body = randomBytes(randomInt(4) === 0 ? 300 * KIB : 1000);
  const own = { reversePath: '', source: 'DSN', subject, networkMessageId: randomUUID(), messageId: sha256(body) };
  const failed = { recipients: [{ index: 0, status: 'failed' as const, lastError: '550 5.1.1 no such user' }] };
  await spool.settle(id, failed, [{ envelope: makeEnvelope(own), traceFields: TRACE_FIELDS, body }]);
  say('settled', subject);
}

async function bounce(spool: Spool): Promise<void> {
  const waiting = (await claimAll(spool)).filter(({ envelope }) => envelope.source !== 'DSN');
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let message = waiting.pop(); message; message = waiting.pop()) await bounceOne(spool, message);
    }),
  );
  say('all settled');
}

async function settleOne(spool: Spool, verb: string, id: number): Promise<void> {
  say('begun', verb, id);
  const message = await spool.get(id);
  if (verb === 'bounce' && message) await bounceOne(spool, message);
  if (verb === 'relay') await spool.settle(id, { recipients: [{ index: 0, status: 'relayed' }] });
  if (verb === 'defer') await spool.settle(id, { attempts: 1, recipients: [{ index: 0, status: 'pending' }] });
  say('done', verb, id);
}

async function serve(spool: Spool): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const [, verb, id] = /^(relay|defer|bounce) (\d+)$/.exec(line) ?? [];
    const sizes = line.split(' ').map(Number);
    try {
      if (line === 'close') await spool.close();
      else if (verb !== undefined) await settleOne(spool, verb, Number(id));
      else await Promise.all(sizes.map((size) => storeOne(spool, size)));
    } catch (error) {
      say('refused', isProblem(error) ? error.code : String(error));
    }
    if (line === 'close') process.exit();
  }
}

// When stdin ends, whoever started it is gone: nothing may outlive a test.
process.stdin.on('end', () => process.exit());
const [name, folder = '', mode] = process.argv.slice(2);
const backend = TESTED_SPOOLS.find((each) => each.name === name);
if (!backend) throw new Error(`no spool backend ${name}`);
say('starting');
try {
  if (mode === 'repair') {
    const { messages } = await backend.examine({ ...spoolOptions(folder), repair: true });
    say('repaired', messages);
    process.exit(0);
  }
  // A short journal: it is moved into the database often enough to be met doing so.
  const options: EmbeddedSpoolOptions = { ...spoolOptions(folder), journalPages: 1000 };
  const spool = await backend.open(options);
  say('open');
  if (mode !== 'serve') process.stdin.resume();
  if (mode === 'fill') await fill(spool);
  if (mode === 'bounce') await bounce(spool);
  if (mode === 'serve') await serve(spool);
} catch (error) {
  if (!isProblem(error)) throw error;
  writeSync(2, `${error.message}\n`);
  process.exit(3);
}
