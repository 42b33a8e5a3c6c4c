// Fills the spool of a server that is not running: `node bench/queue-fill.ts FOLDER COUNT DEAD_DOMAIN LIVE_ADDRESS`. In the
// middle of the messages for the dead domain stands one for the live address. Every second of the others was tried before.

import { randomUUID } from 'node:crypto';
import { SystemClock } from '../src/clock.ts';
import { silentLog } from '../src/log.ts';
import { SPOOL_BACKENDS } from '../src/spool/backends.ts';
import type { Envelope, Spool } from '../src/spool/spool.ts';

const [folder = '', count = '0', deadDomain = '', liveAddress = ''] = process.argv.slice(2);
const WORKERS = 200;
const HOUR_MS = 3_600_000;
const TRACE = Buffer.from('Received: from a.example by b.example with ESMTP; Thu, 1 Jan 2026 00:00:00 +0000\r\n');
const BODY = Buffer.from(`Subject: bench\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(56)}`);

function makeEnvelope(address: string): Envelope {
  const now = Date.now();
  return {
    reversePath: 'sender@bench.test',
    recipients: [{ address }],
    eightBit: false,
    smtpUtf8: false,
    messageId: `<${randomUUID()}@bench.test>`,
    networkMessageId: randomUUID(),
    subject: 'bench',
    source: 'SMTP:Bench',
    receivedAt: new Date(now),
    expiresAt: new Date(now + 48 * HOUR_MS),
    hopCount: 1,
  };
}

async function store(spool: Spool, index: number, total: number): Promise<void> {
  const isLive = index === Math.floor(total / 2);
  const writer = spool.receive();
  await writer.write(BODY);
  const { id } = await writer.commit(makeEnvelope(isLive ? liveAddress : `user${index}@${deadDomain}`), TRACE);
  if (isLive || index % 2 === 0) return;
  const recipients = [
    { index: 0, status: 'pending' as const, lastError: '451 4.4.0 the bench says that it was tried' },
  ];
  await spool.settle(id, { attempts: 1, nextAttemptAt: new Date(), recipients });
}

const [backend] = SPOOL_BACKENDS;
if (!backend) throw new Error('there is no spool backend');
const spool = await backend.open({ folder, log: silentLog(), clock: new SystemClock() });
const total = Number(count) + 1;
let next = 0;
await Promise.all(
  Array.from({ length: WORKERS }, async () => {
    while (next < total) await store(spool, next++, total);
  }),
);
await spool.close();
