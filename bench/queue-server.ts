// A real Hub with so many messages in its spool for a destination that nobody listens at, and a live one beside it.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../test/helpers/free-port.ts';
import { ServerProcesses } from '../test/helpers/server-processes.ts';
import { CountingSink } from './queue-traffic.ts';
import { PROGRAM } from './published-program.ts';

const LIVE_DOMAIN = 'live.test';
const DEAD_DOMAIN = 'dead.test';
export const LIVE_ADDRESS = `postbox@${LIVE_DOMAIN}`;
const FILL = new URL('queue-fill.ts', import.meta.url).pathname;
const CLOCK_TICKS = 100;

export class QueueServer {
  readonly #servers = new ServerProcesses();
  readonly sink: CountingSink;
  readonly port: number;
  readonly waiting: number;

  private constructor(sink: CountingSink, port: number, waiting: number) {
    this.sink = sink;
    this.port = port;
    this.waiting = waiting;
  }

  /** Sets a Hub up and leaves it stopped, its spool filled. */
  static async prepare(waiting: number): Promise<QueueServer> {
    const server = new QueueServer(await CountingSink.open(), await freePort(), waiting);
    const servers = server.#servers;
    servers.configure('hub', {
      role: 'hub',
      fqdn: 'hub01.bench.test',
      listen: { smtp: [`127.0.0.1:${server.port}`] },
      deliver: `smtp:127.0.0.1:${server.sink.port}`,
    });
    await servers.start('hub');
    await servers.ask('hub', 'New-AcceptedDomain', { Name: LIVE_DOMAIN, DomainName: LIVE_DOMAIN });
    await servers.ask('hub', 'New-SendConnector', {
      Name: 'Dead',
      AddressSpaces: DEAD_DOMAIN,
      DNSRoutingEnabled: '$false',
      SmartHosts: '127.0.0.1',
      Port: String(await freePort()),
    });
    await servers.stop('hub');
    if (waiting > 0) server.#fill();
    return server;
  }

  /** Starts it; resolves to the seconds until the first message for the live address has arrived. */
  async start(): Promise<number> {
    const startedMs = performance.now();
    await this.#servers.start('hub', undefined, { program: PROGRAM });
    if (this.waiting > 0) await this.sink.reached(1);
    return (performance.now() - startedMs) / 1000;
  }

  /** Seconds since `startedMs` until every message has its place in a queue. */
  async sorted(startedMs: number): Promise<number> {
    for (;;) {
      const queues = await this.#servers.ask('hub', 'Get-Queue');
      const dead = queues.find((queue) => queue['NextHopConnector'] === 'Dead');
      if (this.waiting === 0 || dead?.['MessageCount'] === this.waiting) return (performance.now() - startedMs) / 1000;
      await pause(100);
    }
  }

  /** Resident memory in MiB: `VmRSS` now, `VmHWM` at most. */
  residentMib(field: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#servers.pid('hub')}/status`, 'utf8');
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  }

  /** Seconds of processor time so far. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#servers.pid('hub')}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
  }

  async close(): Promise<void> {
    await this.#servers[Symbol.asyncDispose]();
    this.sink.close();
  }

  #fill(): void {
    const spool = join(this.#servers.folder, 'hub', 'spool');
    execFileSync(process.execPath, [FILL, spool, String(this.waiting), DEAD_DOMAIN, LIVE_ADDRESS], {
      stdio: 'inherit',
    });
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
