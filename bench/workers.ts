// What worker processes bring: a Hub that takes mail in and passes it on to a sink, with 0, 1 and 2 workers. Prints messages a
// second and CPU by process, asserts nothing: `npm run bench:workers`. Source and sink are processes of their own on the same
// machine and want CPU as well: with few cores look at the CPU, which says what more cores would bring.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as secure } from 'node:tls';
import { callCmdlet } from '../src/control/client.ts';
import { controlSocketPath } from '../src/control/socket-path.ts';

interface Case {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sessions: number;
  readonly messages: number;
  /** A connection with STARTTLS and a full handshake for each message, instead of kept sessions in clear. */
  readonly isHandshakeEach: boolean;
}

const CASES: readonly Case[] = [
  { name: '4 KiB, 10 sessions kept', sizeBytes: 4096, sessions: 10, messages: 6000, isHandshakeEach: false },
  { name: '100 KiB, 10 sessions kept', sizeBytes: 102_400, sessions: 10, messages: 1500, isHandshakeEach: false },
  { name: '4 KiB, handshake each, 50 at once', sizeBytes: 4096, sessions: 50, messages: 2000, isHandshakeEach: true },
];
const LAUNCHER = new URL('../bin/relaypair.js', import.meta.url).pathname;
const CLOCK_TICKS = 100;
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
/** Part of the messages of each case: less for a quick look. */
const SCALE = Number(process.env['SCALE'] ?? 1);

/** Reads replies off a connection and says lines on it. */
class Client {
  #socket: Socket;
  #input = '';
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static async open(port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    const client = new Client(socket);
    await client.replies(1);
    await client.say('EHLO bench.test\r\n', 1);
    return client;
  }

  async startTls(): Promise<void> {
    await this.say('STARTTLS\r\n', 1);
    this.#socket.removeAllListeners('data');
    this.#socket = secure({ socket: this.#socket, rejectUnauthorized: false });
    await once(this.#socket, 'secureConnect');
    this.#listen();
    await this.say('EHLO bench.test\r\n', 1);
  }

  async send(body: Buffer): Promise<void> {
    await this.say('MAIL FROM:<a@bench.test>\r\nRCPT TO:<b@bench.test>\r\nDATA\r\n', 3);
    this.#socket.write(body);
    await this.replies(1);
  }

  say(text: string, count: number): Promise<void> {
    this.#socket.write(text);
    return this.replies(count);
  }

  /** Waits for so many whole replies, each positive. */
  async replies(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      const [reply] = /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/.exec(this.#input) ?? [];
      if (reply === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else {
        if (!/^[23]/.test(reply)) throw new Error(reply);
        this.#input = this.#input.slice(reply.length);
        left -= 1;
      }
    }
  }

  close(): void {
    this.#socket.end('QUIT\r\n');
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#input += chunk.toString('latin1');
      this.#wake?.();
    });
    this.#socket.on('error', () => undefined);
  }
}

async function source(port: number, { sizeBytes, sessions, messages, isHandshakeEach }: Case): Promise<void> {
  const line = `${'x'.repeat(76)}\r\n`;
  const text = line.repeat(Math.ceil(sizeBytes / line.length));
  const body = Buffer.from(`Subject: bench\r\n\r\n${text}.\r\n`);
  let left = messages;
  await Promise.all(
    Array.from({ length: sessions }, async () => {
      let client = isHandshakeEach ? undefined : await Client.open(port);
      while (left > 0) {
        left -= 1;
        if (isHandshakeEach) {
          client = await Client.open(port);
          await client.startTls();
        }
        await client?.send(body);
        if (isHandshakeEach) client?.close();
      }
      client?.close();
    }),
  );
  process.send?.('done');
}

/** Takes every message and counts it. */
function sink(): void {
  let taken = 0;
  const server = createServer((socket) => {
    let isBody = false;
    let tail = '';
    socket.on('error', () => undefined);
    socket.write('220 sink\r\n');
    socket.on('data', (chunk: Buffer) => {
      const text = tail + chunk.toString('latin1');
      tail = '';
      if (isBody) {
        tail = text.slice(-5);
        if (!tail.endsWith('\r\n.\r\n')) return;
        tail = '';
        isBody = false;
        taken += 1;
        return void socket.write('250 ok\r\n');
      }
      for (const command of text.split('\r\n').filter(Boolean)) {
        isBody = /^DATA$/i.test(command);
        socket.write(isBody ? '354 go on\r\n' : /^EHLO/i.test(command) ? '250-sink\r\n250 8BITMIME\r\n' : '250 ok\r\n');
      }
    });
  });
  process.on('message', () => process.send?.(taken));
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

/** CPU of a process so far, in milliseconds. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS;
}

function workersOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

interface Measured {
  readonly perSecond: number;
  readonly ownerMs: number;
  readonly workersMs: number;
}

async function measure(entry: Case, workers: number): Promise<Measured> {
  const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'relaypair-bench-'));
  const self = new URL(import.meta.url).pathname;
  const sinkProcess = fork(self, ['sink']);
  const [sinkPort] = (await once(sinkProcess, 'message')) as [number];
  const config = {
    role: 'hub',
    fqdn: 'hub.bench.test',
    folder: join(folder, 'hub'),
    workers,
    listen: { smtp: ['127.0.0.1:0'] },
    deliver: `smtp:127.0.0.1:${sinkPort}`,
    log: { level: 'warn' },
  };
  writeFileSync(join(folder, 'hub.yaml'), JSON.stringify(config));
  const hub = spawn(process.execPath, [LAUNCHER, 'hub', '--config', join(folder, 'hub.yaml')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const ready = JSON.parse(String((await once(hub.stdout, 'data'))[0])) as { smtp: string[]; pid: number };
    const port = Number(ready.smtp[0]?.split(':').at(-1));
    const domain = { Name: ['bench'], DomainName: ['bench.test'] };
    await callCmdlet(
      controlSocketPath(join(folder, 'hub')),
      { cmdlet: 'New-AcceptedDomain', parameters: domain, files: {} },
      { startCommand: '' },
    );
    const children = workersOf(ready.pid);
    await load(self, port, sinkProcess, { ...entry, messages: Math.ceil(entry.messages / 5) });
    const count = (): [number, number] => [cpuMs(ready.pid), children.reduce((sum, pid) => sum + cpuMs(pid), 0)];
    const [owner, own] = count();
    const seconds = await load(self, port, sinkProcess, entry);
    const [ownerAfter, ownAfter] = count();
    return {
      perSecond: entry.messages / seconds,
      ownerMs: (ownerAfter - owner) / entry.messages,
      workersMs: (ownAfter - own) / entry.messages,
    };
  } finally {
    hub.kill('SIGTERM');
    await once(hub, 'exit');
    sinkProcess.kill();
    rmSync(folder, { recursive: true });
  }
}

/** Seconds from the first message until the sink has the last one. */
async function load(self: string, port: number, sinkProcess: ChildProcess, entry: Case): Promise<number> {
  const taken = async (): Promise<number> => {
    sinkProcess.send('count');
    return Number((await once(sinkProcess, 'message'))[0]);
  };
  const wanted = (await taken()) + entry.messages;
  const started = performance.now();
  const sourceProcess = fork(self, ['source', String(port), JSON.stringify(entry)]);
  await once(sourceProcess, 'message');
  while ((await taken()) < wanted) {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 5);
    });
  }
  sourceProcess.kill();
  return (performance.now() - started) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function main(): Promise<void> {
  console.log(`${availableParallelism()} cores, Node.js ${process.versions.node}, median of ${ROUNDS} rounds\n`);
  console.log(
    '| case | workers | messages/s | CPU ms/message: owner | workers | together | owner allows at most, messages/s |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const full of CASES.filter(({ name }) => name.includes(process.env['CASE'] ?? ''))) {
    const entry = { ...full, messages: Math.ceil(full.messages * SCALE) };
    const measured = new Map<number, Measured[]>([0, 1, 2].map((workers) => [workers, []]));
    for (let round = 0; round < ROUNDS; round += 1)
      for (const [workers, list] of measured) list.push(await measure(entry, workers));
    for (const [workers, list] of measured) {
      const of = (read: (one: Measured) => number): number => median(list.map(read));
      const [owner, own] = [of(({ ownerMs }) => ownerMs), of(({ workersMs }) => workersMs)];
      const cells = [
        of(({ perSecond }) => perSecond).toFixed(0),
        owner.toFixed(3),
        own.toFixed(3),
        (owner + own).toFixed(3),
      ];
      console.log(`| ${[entry.name, workers, ...cells, (1000 / owner).toFixed(0)].join(' | ')} |`);
    }
  }
}

const [, , role, port, entry] = process.argv;
if (role === 'source') await source(Number(port), JSON.parse(entry ?? '{}') as Case);
else if (role === 'sink') sink();
else await main();
