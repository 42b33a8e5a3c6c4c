// What recording costs: CPU for a body of 10 MiB that arrives in pieces of 64 KiB, with packets, checksums and the file.
// npm run bench:capture

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Captures } from '../src/capture/captures.ts';
import { SystemClock } from '../src/clock.ts';
import { silentLog } from '../src/log.ts';

const MEBIBYTES = 10;
const PIECE = Buffer.alloc(65_536, 'x');

const folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
const captures = new Captures({ server: 'hub01.test', version: '0', clock: new SystemClock(), log: silentLog() });
captures.start({ folder, startedAt: new Date(), maxSizeBytes: 2 ** 30, maxDurationMs: 600_000 });
for (let round = 1; round <= 5; round += 1) {
  const tap = captures.tap({
    protocol: 'smtp',
    role: 'server',
    id: String(round),
    local: { host: '192.0.2.1', port: 25 },
    remote: { host: '198.51.100.9', port: 40_000 },
  });
  const before = process.cpuUsage();
  for (let count = 0; count < MEBIBYTES * 16; count += 1) tap?.received(PIECE);
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(`${((user + system) / 1000 / MEBIBYTES).toFixed(1)} ms of CPU for each MiB\n`);
}
captures.stop('asked');
rmSync(folder, { recursive: true, force: true });
