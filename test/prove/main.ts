// npm run prove:peers: the proof on the pair and on what others wrote, as servers and as clients, published in docs/prove. A peer that is
// not installed (Debian's Postfix, exim4 on the PATH) is left out by name. Both need root.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { runProve, type ProveRun } from '../../src/prove/prove.ts';
import { readVersion } from '../../src/version.ts';
import { PEERS, type PeerProof } from './peers.ts';

const OUT = fileURLToPath(new URL('../../docs/prove', import.meta.url));

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    event: { type: 'string', multiple: true },
    out: { type: 'string' },
  },
});

for (const [name, open] of Object.entries(PEERS)) {
  if (values.only && !values.only.includes(name)) continue;
  const peer = await open();
  if (typeof peer === 'string') {
    console.log(`${name}: left out, ${peer}`);
    continue;
  }
  const code = await prove(name, peer);
  console.log(`${name}: exit code ${code}`);
}
// Node.js has been seen to wait for ever for a handle that was being closed (24.21, after Haraka as a client).
process.exit();

async function prove(name: string, peer: PeerProof): Promise<number> {
  const report = join(values.out ?? OUT, name);
  const run: ProveRun = {
    subject: peer.subject,
    policies: peer.policies,
    report,
    events: values.event ?? [],
    isJson: false,
    version: readVersion(),
    onLine: console.log,
    onProgress: (text) => console.error(`${name}: ${text}`),
    signal: new AbortController().signal,
  };
  try {
    return await runProve(run);
  } finally {
    await peer.close();
    // Captures hold secrets of sessions, if only of a laboratory's, and are larger than all the rest.
    rmSync(join(report, 'captures'), { recursive: true, force: true });
    compress(join(report, 'report.json'));
  }
}

/** For programs, and a twentieth of the size. */
function compress(file: string): void {
  if (!existsSync(file)) return;
  writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
  rmSync(file);
}
