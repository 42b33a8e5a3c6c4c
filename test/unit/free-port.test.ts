import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { findFreePort, quietRanges } from '../../src/free-port.ts';
import { isProblem } from '../../src/problem.ts';

const HOST = '127.0.0.1';
const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map(async (server) => once(server.close(), 'close'))));

async function occupy(port: number): Promise<void> {
  const server = createServer().listen(port, HOST);
  servers.push(server);
  await once(server, 'listening');
}

const isRefused = (error: unknown): boolean => isProblem(error, 'listen-failed');

describe('quietRanges', () => {
  const below = { first: 10_000, last: 32_767 };
  const above = { first: 61_000, last: 65_535 };
  it.each([
    { kernel: '32768\t60999\n', quiet: [below, above] },
    { kernel: '32768 65535', quiet: [below] },
    { kernel: '1024 60999', quiet: [above] },
    { kernel: '1024 9000', quiet: [{ first: 10_000, last: 65_535 }] },
    { kernel: '10000 65535', quiet: [] },
  ])('are what $kernel leaves', ({ kernel, quiet }) => {
    expect(quietRanges(kernel)).toEqual(quiet);
  });

  it('are read from the machine, and hold no port of an outgoing connection', async () => {
    const outgoing = createServer().listen(0, HOST);
    servers.push(outgoing);
    await once(outgoing, 'listening');
    const { port } = outgoing.address() as { port: number };
    expect(quietRanges().some(({ first, last }) => first <= port && port <= last)).toBe(false);
  });
});

describe('findFreePort', () => {
  it('gives what can be listened on, and nothing twice', async () => {
    const ports: number[] = [];
    for (let turn = 0; turn < 5; turn++) ports.push(await findFreePort(HOST));
    expect(new Set(ports).size).toBe(5);
    for (const port of ports) await occupy(port);
  });

  it('passes by what is taken, and says so when that is all', async () => {
    const first = await findConsecutive();
    const range = { first, last: first + 1 };
    await occupy(first);
    expect(await findFreePort(HOST, range)).toBe(first + 1);
    await occupy(first + 1);
    await expect(findFreePort(HOST, range)).rejects.toSatisfy(isRefused);
  });

  it('refuses an address that is none of this machine', async () => {
    await expect(findFreePort('192.0.2.1')).rejects.toSatisfy(isRefused);
  });
});

/** The first of two ports that are free, both never asked for by `findFreePort`. */
async function findConsecutive(): Promise<number> {
  for (let port = 9000; ; port += 2) {
    try {
      await occupy(port);
      await occupy(port + 1);
      await Promise.all(servers.splice(0).map(async (server) => once(server.close(), 'close')));
      return port;
    } catch {
      servers.splice(0).forEach((server) => server.close());
    }
  }
}
