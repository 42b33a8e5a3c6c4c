// A real pair for the directory bench: `relaypair up` in a folder of its own, its cmdlets through the binary, and what the
// kernel says of the Edge's memory.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const LAUNCHER = new URL('../bin/relaypair.js', import.meta.url).pathname;
/** Two rounds by themselves within a measurement would spoil it. */
const NEVER = ['-ConfigurationSyncInterval', '20d', '-RecipientSyncInterval', '20d'];

const GREETING_PAUSE_MS = 50;

export type Answer = Readonly<Record<string, unknown>>;

interface Ready {
  readonly edge: { readonly pid: number; readonly smtp: string };
}

/** Owns its processes and its folder. */
export class BenchPair {
  readonly folder: string;
  readonly #process: ChildProcess;
  readonly #ready: Ready;

  private constructor(folder: string, process: ChildProcess, ready: Ready) {
    this.folder = folder;
    this.#process = process;
    this.#ready = ready;
  }

  /** A new pair; in the folder of one that was stopped, that one again. */
  static async up(folder = mkdtempSync(join(tmpdir(), 'relaypair-bench-'))): Promise<BenchPair> {
    const child = spawn(
      process.execPath,
      [
        LAUNCHER,
        'up',
        '--dir',
        folder,
        '--hub',
        '127.0.0.1:0',
        '--edge',
        '127.0.0.1:0',
        '--smart-host',
        '127.0.0.1:9',
        '--accepted-domain',
        'corp.test',
      ],
      { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, RELAYPAIR_WATCH_STDIN: '1' } },
    );
    const pair = new BenchPair(folder, child, await readReady(child));
    await pair.run('hub', 'Set-EdgeSyncServiceConfig', ...NEVER);
    return pair;
  }

  get edgePid(): number {
    return this.#ready.edge.pid;
  }

  /** A cmdlet's records; throws what it says when it is refused. */
  run(role: 'hub' | 'edge', ...words: string[]): Promise<Answer[]> {
    const parameters = [LAUNCHER, role, ...words, '--dir', this.folder, '--json'];
    return new Promise((resolve, reject) => {
      execFile(process.execPath, parameters, { cwd: this.folder, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        if (error) reject(new Error(`${words.join(' ')}: ${stderr}`));
        else resolve(stdout.trim() === '' ? [] : (JSON.parse(stdout) as Answer[]));
      });
    });
  }

  /** Import-Recipient of these lines; seconds. */
  async importLines(lines: readonly string[]): Promise<number> {
    writeFileSync(join(this.folder, 'people.csv'), ['PrimarySmtpAddress,EmailAddresses', ...lines, ''].join('\n'));
    const started = performance.now();
    await this.run('hub', 'Import-Recipient', '-FileName', 'people.csv');
    return (performance.now() - started) / 1000;
  }

  /** A round; how long its recipients took, in seconds by the Hub's clock, and its report. */
  async synchronize(...words: string[]): Promise<{ seconds: number; report: Answer }> {
    const reports = await this.run('hub', 'Start-EdgeSynchronization', ...words);
    const report = reports.find(({ Type }) => Type === 'Recipients') ?? {};
    if (report['Result'] !== 'Success') throw new Error(`the round failed: ${String(report['FailureDetails'])}`);
    const [start, end] = ['StartUTC', 'EndUTC'].map((name) => Date.parse(String(report[name])));
    return { seconds: ((end ?? 0) - (start ?? 0)) / 1000, report };
  }

  /** Resident memory of the Edge now, in MB. */
  get residentMb(): number {
    return this.#status('VmRSS');
  }

  /** The most since `forgetPeak`, in MB. */
  get peakMb(): number {
    return this.#status('VmHWM');
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.edgePid}/clear_refs`, '5');
  }

  #status(name: string): number {
    const status = readFileSync(`/proc/${this.edgePid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  }

  /** Runs `work`, and gives the longest wait of a client for the Edge's greeting meanwhile, in ms, with what it gave. */
  async greetDuring<T>(work: () => Promise<T>): Promise<{ value: T; longestMs: number }> {
    let isOver = false;
    const value = work().finally(() => (isOver = true));
    let longestMs = 0;
    while (!isOver) {
      const started = performance.now();
      (await SmtpTimer.open(this.#smtpPort)).close();
      longestMs = Math.max(longestMs, performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, GREETING_PAUSE_MS));
    }
    return { value: await value, longestMs };
  }

  get #smtpPort(): number {
    return Number(this.#ready.edge.smtp.replace(/^.*:/, ''));
  }

  /** Microseconds for each RCPT, `recipients` named one after the other, a hundred to a transaction. */
  async timeRecipients(recipients: readonly string[]): Promise<number> {
    const client = await SmtpTimer.open(this.#smtpPort);
    try {
      let totalMs = 0;
      for (let start = 0; start < recipients.length; start += 100) {
        await client.say('MAIL FROM:<stranger@elsewhere.test>');
        const started = performance.now();
        for (const recipient of recipients.slice(start, start + 100)) {
          const reply = await client.say(`RCPT TO:<${recipient}>`);
          if (!reply.startsWith('250')) throw new Error(`${recipient}: ${reply}`);
        }
        totalMs += performance.now() - started;
        await client.say('RSET');
      }
      return (totalMs * 1000) / recipients.length;
    } finally {
      client.close();
    }
  }

  /** Stops both servers, and keeps the folder for the next `up`. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    await ended;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function readReady(child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`relaypair up ended with ${code}`)));
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"event":"ready"')) resolve(JSON.parse(line) as Ready);
    });
  });
}

/** One command at a time, so that what is measured is the answer and not the pipeline. */
class SmtpTimer {
  readonly #socket: Socket;
  #input = '';
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#input += chunk.toString('latin1');
      this.#wake();
    });
  }

  static async open(port: number): Promise<SmtpTimer> {
    const client = new SmtpTimer(connect(port, '127.0.0.1'));
    await client.#reply();
    await client.say('EHLO bench.test');
    return client;
  }

  say(line: string): Promise<string> {
    this.#socket.write(`${line}\r\n`);
    return this.#reply();
  }

  async #reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/.exec(this.#input);
      if (match) {
        this.#input = this.#input.slice(match[0].length);
        return match[0].trimEnd();
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}
