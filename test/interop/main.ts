// npm run interop: runs the interop tests of SMTP and writes what they have seen, with the versions of the programs and the date,
// into docs/interop.md. When a test fails the page stays as it was, and the exit code is 1.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type InteropFact, REPORT_VARIABLE } from '../helpers/interop-report.ts';
import { peerPath } from '../helpers/peers.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const PAGE = join(ROOT, 'docs', 'interop.md');
const TESTS = ['exim', 'peers', 'submission', 'python', 'openssl', 'tls-floor', 'scanners'];

/** How each program tells its version, and where in what it says. */
const VERSIONS: Readonly<Record<string, { readonly command: readonly string[]; readonly version: RegExp }>> = {
  Exim: { command: ['exim4', '-bV'], version: /Exim version (\S+)/ },
  Postfix: { command: ['postconf', '-h', 'mail_version'], version: /(\S+)/ },
  swaks: { command: ['swaks', '--version'], version: /version (\S+)/ },
  msmtp: { command: ['msmtp', '--version'], version: /version (\S+)/ },
  "Python's smtplib": { command: ['/usr/bin/python3', '-V'], version: /Python (\S+)/ },
  aiosmtpd: { command: ['/usr/bin/python3', '-c', 'import aiosmtpd; print(aiosmtpd.__version__)'], version: /(\S+)/ },
  OpenSSL: { command: ['openssl', 'version'], version: /OpenSSL (\S+)/ },
  nmap: { command: ['nmap', '--version'], version: /version (\S+)/ },
  sslscan: { command: ['sslscan', '--version'], version: /(\d+\.\d+\.\d+)/ },
};

function versionOf(peer: string): string {
  const known = VERSIONS[peer];
  if (!known) throw new Error(`nobody knows how to ask ${peer} for its version`);
  const [program = '', ...parameters] = known.command;
  const { stdout, stderr } = spawnSync(peerPath(program), parameters, { encoding: 'utf8' });
  return known.version.exec(`${stdout}${stderr}`)?.[1] ?? 'unknown';
}

function formatPage(facts: readonly InteropFact[]): string {
  const peers = [...new Set(facts.map(({ peer }) => peer))].toSorted();
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = facts.map(({ peer, as, what, result }) => `| ${[peer, as, what, result].map(cell).join(' | ')} |`);
  const outputs = facts.flatMap(({ peer, what, output }) =>
    output === undefined ? [] : [`### ${peer}: ${what}\n\n\`\`\`\n${output.trim()}\n\`\`\`\n`],
  );
  return `# Other people's programs

Written by \`npm run interop\` on ${new Date().toISOString().slice(0, 10)}: each line stands for a test in \`test/interop/\` that passed, each
of which asserts what the line says. \`.ci/install-peers\` installs the programs. That nmap lists its ten guesses as users of the Edge is no
find: without recipient validation (\`Set-RecipientFilterConfig\`) every name is taken, so that nobody is told who is there.

| program | version |
| --- | --- |
${peers.map((peer) => `| ${peer} | ${versionOf(peer)} |`).join('\n')}

| program | as | what | result |
| --- | --- | --- | --- |
${rows.join('\n')}

## What the scanners print

${outputs.join('\n')}`;
}

const folder = mkdtempSync(join(tmpdir(), 'relaypair-interop-'));
try {
  const file = join(folder, 'facts');
  writeFileSync(file, '');
  const tests = TESTS.map((name) => `test/interop/${name}.test.ts`);
  const ran = spawnSync('npx', ['vitest', 'run', '--no-file-parallelism', ...tests], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, [REPORT_VARIABLE]: file, RELAYPAIR_PEERS: 'required' },
  });
  if (ran.status === 0) {
    // What is done with each number of workers says the same.
    const facts = [...new Set(readFileSync(file, 'utf8').split('\n').filter(Boolean))];
    writeFileSync(PAGE, formatPage(facts.map((line) => JSON.parse(line) as InteropFact)));
  }
  process.exitCode = ran.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
