// How many messages a second each spool backend takes in and lets go, by number of concurrent committers and size. Prints a
// table, asserts nothing: `node bench/spool.ts [backend]`.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { SystemClock } from '../src/clock.ts';
import { silentLog } from '../src/log.ts';
import { SPOOL_BACKENDS } from '../src/spool/backends.ts';
import type { Envelope, Spool } from '../src/spool/spool.ts';

interface Case {
  readonly name: string;
  readonly sizeBytes: number;
  readonly messages: number;
}

const CASES: readonly Case[] = [
  { name: '4 KiB', sizeBytes: 4096, messages: 8000 },
  { name: '100 KiB', sizeBytes: 100 * 1024, messages: 1000 },
  { name: '5 MiB', sizeBytes: 5 * 1024 * 1024, messages: 60 },
];
const TRACE = Buffer.from('Received: from a.example by b.example with ESMTP; Thu, 1 Jan 1970 00:00:00 +0000\r\n');

function makeEnvelope(): Envelope {
  const now = Date.now();
  return {
    reversePath: 'sender@example.com',
    recipients: [{ address: 'recipient@example.org' }],
    eightBit: false,
    smtpUtf8: false,
    messageId: '<bench@example.com>',
    networkMessageId: randomBytes(16).toString('hex'),
    subject: 'bench',
    source: 'SMTP:Bench',
    receivedAt: new Date(now),
    expiresAt: new Date(now + 172_800_000),
    hopCount: 1,
  };
}

async function runConcurrently(total: number, workers: number, step: () => Promise<void>): Promise<number> {
  let left = total;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: workers }, async () => {
      while (left > 0) {
        left -= 1;
        await step();
      }
    }),
  );
  return total / ((performance.now() - started) / 1000);
}

async function takeIn(spool: Spool, body: Buffer): Promise<void> {
  const writer = spool.receive();
  for (let offset = 0; offset < body.length; offset += 65_536)
    await writer.write(body.subarray(offset, offset + 65_536));
  await writer.commit(makeEnvelope(), TRACE);
}

async function letGo(spool: Spool): Promise<void> {
  const [message] = await spool.claim({ owner: 'bench', limit: 1, leaseMs: 60_000 });
  if (!message) return;
  for await (const chunk of spool.openBody(message)) void chunk;
  await spool.settle(message.id, { recipients: [{ index: 0, status: 'relayed' }] });
}

async function measure(spool: Spool, { sizeBytes, messages }: Case, workers: number): Promise<string[]> {
  const body = randomBytes(sizeBytes);
  const total = workers === 1 ? Math.ceil(messages / 4) : messages;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  const taken = await runConcurrently(total, workers, () => takeIn(spool, body));
  const gone = await runConcurrently(total, workers, () => letGo(spool));
  const { user, system } = process.cpuUsage(cpu);
  return [taken.toFixed(0), gone.toFixed(0), ((user + system) / 1000 / total).toFixed(2), (delay.max / 1e6).toFixed(1)];
}

async function main(): Promise<void> {
  const backends = SPOOL_BACKENDS.filter(({ name }) => process.argv[2] === undefined || process.argv[2] === name);
  console.log(['backend', 'size', 'workers', 'in/s', 'out/s', 'CPU ms each', 'longest pause ms'].join('\t'));
  for (const backend of backends) {
    for (const entry of CASES) {
      for (const workers of [1, 10, 100]) {
        const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'relaypair-bench-'));
        const spool = await backend.open({ folder: join(folder, 'spool'), log: silentLog(), clock: new SystemClock() });
        console.log([backend.name, entry.name, workers, ...(await measure(spool, entry, workers))].join('\t'));
        await spool.close();
        rmSync(folder, { recursive: true });
      }
    }
  }
}

await main();
