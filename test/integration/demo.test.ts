import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { relaypair } from '../helpers/pair.ts';
import { isAlive, waitUntil } from '../helpers/wait.ts';

const LAUNCHER = new URL('../../bin/relaypair.js', import.meta.url).pathname;

/** Where the demo makes its temporary folder, so that what it leaves behind is seen. */
let temporary = '';

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'demo-test-'));
});

afterEach(() => {
  rmSync(temporary, { recursive: true, force: true });
});

interface Told {
  readonly code: number | null;
  readonly text: string;
  /** Of the servers it started. */
  readonly pids: readonly number[];
}

/** Runs the demo to its end; `onLine` may meddle. */
function runDemo(
  options: {
    parameters?: readonly string[];
    env?: Record<string, string>;
    onLine?: (line: string, demo: ChildProcess) => void;
  } = {},
): Promise<Told> {
  const demo = spawn(process.execPath, [LAUNCHER, 'demo', ...(options.parameters ?? [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: '', LC_ALL: 'C.UTF-8', TMPDIR: temporary, ...options.env },
  });
  const lines: string[] = [];
  createInterface({ input: demo.stdout }).on('line', (line) => {
    lines.push(line);
    options.onLine?.(line, demo);
  });
  return new Promise((resolve) => {
    demo.once('close', (code) => {
      const text = lines.join('\n');
      const pids = [...text.matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid));
      resolve({ code, text, pids });
    });
  });
}

/** Which lines the story must have, in this order; what they say has been checked by the demo itself. */
const KEY_LINES = [
  '1. Two servers, two fresh certificates',
  '$ relaypair edge --config edge.yaml',
  "$ relaypair edge 'Get-ExchangeCertificate | fl ",
  '2. Mail before the subscription',
  'LastError    : ',
  'WAITS  from inside to outside',
  ': 550 5.7.1 ',
  '3. Export, import, synchronize',
  '$ relaypair edge New-EdgeSubscription -FileName edge.xml',
  '$ relaypair hub New-EdgeSubscription -FileName edge.xml -Site Default-First-Site-Name',
  '$ relaypair hub Start-EdgeSynchronization',
  '$ relaypair edge Get-SendConnector',
  'IgnoreSTARTTLS : False',
  '4. Mail both ways over mutually trusted TLS',
  '🔒 TLS       Hub  → Edge  TLSv1.3  direct-trust  <',
  '🔒 TLS       Edge → Hub   TLSv1.3  direct-trust  <',
  '8 of 8 arrived octet for octet',
  '5. A year and a day later',
  'EdgeSync went on for 36',
  '$ relaypair edge Set-LabClock -Offset +36',
  'STARTTLS is gone from EHLO on both',
  '🔓 IN CLEAR  Hub  → Edge  own-certificate-expired  <',
  '🔓 IN CLEAR  Edge → Hub   own-certificate-expired  <',
  '(in clear, reason=own-certificate-expired)',
  'Protection           : authenticated-not-protected',
  '12016 Error',
  '12015 Warning',
  '12019 Information',
  '6. A new Edge certificate',
  '🔓 IN CLEAR  Hub  → Edge  certificate-expired  <',
  '$ relaypair edge New-ExchangeCertificate',
  'certificate-not-trusted',
  'WAITS  in both directions',
  '$ relaypair hub New-EdgeSubscription -FileName edge-renewed.xml',
  '🔒 TLS       Hub  → Edge  TLSv1.3  direct-trust  <',
  '🔒 TLS       Edge → Hub   TLSv1.3  direct-trust  <',
  '7. A new Hub certificate',
  '$ relaypair hub New-ExchangeCertificate',
  'WAITS  in both directions',
  '$ relaypair hub Start-EdgeSynchronization',
  '🔒 TLS       Hub  → Edge  TLSv1.3  direct-trust  <',
  '🔒 TLS       Edge → Hub   TLSv1.3  direct-trust  <',
  'both offer STARTTLS',
  'That is the whole story',
];

/** The first of `wanted` that does not follow the ones before it in `text`. */
function firstMissing(text: string, wanted: readonly string[]): string | undefined {
  let position = 0;
  return wanted.find((line) => {
    const found = text.indexOf(line, position);
    position = found + line.length;
    return found < 0;
  });
}

describe('relaypair demo', () => {
  it('tells the whole story, ends with 0 and leaves nothing behind', { timeout: 540_000 }, async () => {
    const { code, text, pids } = await runDemo();
    expect(text).not.toContain('NOT AS EXPECTED');
    expect(firstMissing(text, KEY_LINES)).toBeUndefined();
    expect(code).toBe(0);
    expect(pids).toHaveLength(2);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('says so and ends with 1 when something is not as it says, here a Hub that dies', {
    timeout: 180_000,
  }, async () => {
    const { code, text, pids } = await runDemo({
      env: { LC_ALL: 'C' },
      onLine: (line) => {
        const [, pid] = /^ {2}\{"event":"ready","role":"hub","pid":(\d+)/.exec(line) ?? [];
        if (pid !== undefined) process.kill(Number(pid), 'SIGKILL');
      },
    });
    expect(text).toContain('NO NOT AS EXPECTED: ');
    expect(text).not.toMatch(/[^\n\x20-\x7e]/);
    expect(code).toBe(1);
    await waitUntil('both servers are gone', () => !pids.some(isAlive));
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('stops its servers and removes its folder on Ctrl-C', { timeout: 180_000 }, async () => {
    const { code, text, pids } = await runDemo({
      onLine: (line, demo) => {
        if (line.startsWith('2. ')) demo.kill('SIGINT');
      },
    });
    expect(text).toContain('Stopped');
    expect(text).not.toContain('4. ');
    expect(code).toBe(130);
    expect(pids).toHaveLength(2);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('leaves no server behind when it is killed', { timeout: 180_000 }, async () => {
    const { pids } = await runDemo({
      onLine: (line, demo) => {
        if (line.startsWith('2. ')) demo.kill('SIGKILL');
      },
    });
    expect(pids).toHaveLength(2);
    await waitUntil('both servers are gone', () => !pids.some(isAlive));
  });

  it('refuses a folder in which servers live already', async () => {
    writeFileSync(join(temporary, 'hub.yaml'), 'role: hub\n');
    const { code, stderr } = await relaypair(['demo', '--dir', temporary]);
    expect(code).toBe(1);
    expect(stderr).toContain('already holds a hub.yaml');
    expect(existsSync(join(temporary, 'edge.yaml'))).toBe(false);
  });
});
