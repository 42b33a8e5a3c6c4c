import { once } from 'node:events';
import { existsSync, linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CmdletRequest } from '../../../src/cmdlets/binding.ts';
import { callCmdlet } from '../../../src/control/client.ts';
import { encodeRequest, MAX_REQUEST_BYTES } from '../../../src/control/protocol.ts';
import { ControlServer } from '../../../src/control/server.ts';
import { FAKE_CMDLETS, type Shelf, stockedShelf } from '../cmdlets/fake-cmdlets.ts';

let folder: string;
let path: string;
let shelf: Shelf;
let logged: string;
const servers: ControlServer<Shelf>[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  path = join(folder, 'control.sock');
  shelf = stockedShelf();
  logged = '';
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  rmSync(folder, { recursive: true });
});

async function openServer(caution?: () => string | undefined): Promise<ControlServer<Shelf>> {
  const log = pino({ level: 'info' }, { write: (line: string) => void (logged += line) });
  const server = await ControlServer.open({
    path,
    cmdlets: FAKE_CMDLETS,
    context: shelf,
    log,
    ...(caution && { caution }),
  });
  servers.push(server);
  return server;
}

const startCommand = 'relaypair hub --config /etc/relaypair/hub.yaml';

function call(cmdlet: string, parameters: CmdletRequest['parameters'] = {}, onProgress?: (text: string) => void) {
  return callCmdlet(path, { cmdlet, parameters }, { startCommand, ...(onProgress && { onProgress }) });
}

/** Holds every Get-Book open until the returned function is called. */
function closeGate(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  shelf.gate = promise;
  return resolve;
}

async function readLines(socket: Socket, count: number): Promise<{ kind: string; code?: string }[]> {
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.split('\n').length > count) break;
  }
  return text
    .split('\n')
    .slice(0, count)
    .map((line) => JSON.parse(line) as { kind: string });
}

describe('a call over the control socket', () => {
  it('is warned of what is so at that moment, beside what it asked for', async () => {
    const cautions = ['the clock is moved', undefined];
    await openServer(() => cautions.shift());
    expect(await call('Get-Book')).toMatchObject({ warnings: ['the clock is moved'] });
    expect(await call('Get-Book')).toMatchObject({ warnings: [] });
  });

  it('brings back records with their dates and sizes, and shows progress on the way', async () => {
    await openServer();
    const seen: string[] = [];
    const output = await call('get-book', { identity: ['Emma'] }, (text) => seen.push(text));
    expect(output.records).toEqual([
      expect.objectContaining({
        Name: 'Emma',
        Size: { $size: 2000 },
        Since: new Date(Date.UTC(2026, 10, 22, 10, 30)),
        Reader: null,
      }),
    ]);
    expect(seen).toEqual(['looking along the shelf']);
  });

  it('carries files there and back', async () => {
    await openServer();
    const content = Buffer.alloc(4 * 1024 * 1024, 0xfe);
    const request = { cmdlet: 'New-Book', parameters: { Name: ['Big'], SlipFile: ['slip'], Content: ['big.bin'] } };
    const output = await callCmdlet(
      path,
      { ...request, files: { Content: { name: 'big.bin', content } } },
      { startCommand },
    );
    expect(shelf.books.at(-1)).toEqual({ name: 'Big', sizeBytes: content.length, tags: [] });
    expect(output).toEqual({
      records: [],
      notices: ['Big is on the shelf, bound; its slip is slip'],
      warnings: [],
      failures: [],
      files: [{ parameter: 'SlipFile', content: Buffer.from('slip of Big\n') }],
    });
  });

  it('brings back ten thousand records', async () => {
    shelf.books.push(
      ...Array.from({ length: 10_000 }, (_, index) => ({ name: `b${index}`, sizeBytes: index, tags: ['many'] })),
    );
    await openServer();
    const { records } = await call('Get-Book', { Tag: ['many'], ResultSize: ['unlimited'] });
    expect(records).toHaveLength(10_000);
    expect(records.at(-1)).toMatchObject({ Name: 'b9999' });
  });

  it("throws the server's Problem with its code", async () => {
    await openServer();
    await expect(call('Remove-Book', { Identity: ['x'] })).rejects.toMatchObject({
      code: 'not-found',
      message: 'there is no book "x"',
    });
    await expect(call('Remove-Bok')).rejects.toMatchObject({ code: 'unknown-cmdlet' });
    await expect(call('Remove-Book')).rejects.toMatchObject({ code: 'missing-parameter' });
  });

  it('hides a bug behind a reference that the log explains', async () => {
    await openServer();
    const error = await call('Remove-Book', { Identity: ['bug'] }).catch((thrown: unknown) => thrown as Error);
    const [, reference] = /details under ([0-9a-f]{8})$/.exec((error as Error).message) ?? [];
    expect(error).toMatchObject({ code: 'internal-error', message: expect.not.stringContaining('hunter2') });
    expect(logged).toContain(reference);
    expect(logged).toContain('shelf is not iterable');
  });

  it('logs the cmdlet and never its parameters', async () => {
    await openServer();
    await call('New-Book', { Name: ['Diary'], SlipFile: ['s'], Password: ['hunter2'] });
    expect(shelf.secrets).toEqual(['hunter2']);
    expect(logged).toContain('New-Book');
    expect(logged).not.toContain('hunter2');
  });

  it('is answered while another one waits', async () => {
    await openServer();
    const open = closeGate();
    const slow = call('Get-Book');
    await expect(call('Remove-Book', { Identity: ['x'] })).rejects.toMatchObject({ code: 'not-found' });
    open();
    expect((await slow).records).toHaveLength(2);
  });

  it('tells the cmdlet when the caller has gone', async () => {
    await openServer();
    const open = closeGate();
    const socket = connect(path);
    socket.write(encodeRequest({ cmdlet: 'Get-Book', parameters: {} }));
    await once(socket, 'data');
    expect(shelf.lastSignal?.aborted).toBe(false);
    const aborted = once(shelf.lastSignal as AbortSignal, 'abort');
    socket.destroy();
    await aborted;
    open();
  });

  it('says what is uncertain when the server dies in the middle', async () => {
    const dying = createServer((socket) => socket.once('data', () => socket.destroy())).listen(path);
    await once(dying, 'listening');
    await expect(call('Remove-Book', { Identity: ['x'] })).rejects.toMatchObject({
      code: 'server-gone',
      message: expect.stringContaining('look whether Remove-Book was carried out'),
    });
    dying.close();
  });

  it('says how to start a server that is not running', async () => {
    await expect(call('Get-Book')).rejects.toMatchObject({
      code: 'server-not-running',
      message: `the server is not running; start it with: ${startCommand}`,
    });
    const server = await openServer();
    await server.close();
    await expect(call('Get-Book')).rejects.toMatchObject({ code: 'server-not-running' });
  });
});

describe('ControlServer', () => {
  it('lets nobody but its owner open the socket', async () => {
    await openServer();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('takes the place of a socket that nobody answers', async () => {
    // A listener that is closed removes its socket; linking it first leaves one behind as a killed process does.
    const dead = createServer().listen(`${path}.old`);
    await once(dead, 'listening');
    linkSync(`${path}.old`, path);
    await new Promise((resolve) => dead.close(resolve));
    expect(existsSync(path)).toBe(true);
    await openServer();
    expect((await call('Get-Book')).records).toHaveLength(2);
  });

  it('refuses to start beside a server that answers, and leaves that one alone', async () => {
    await openServer();
    await expect(openServer()).rejects.toMatchObject({ code: 'in-use' });
    expect((await call('Get-Book')).records).toHaveLength(2);
  });

  it('refuses to remove what is not a socket', async () => {
    writeFileSync(path, 'precious');
    await expect(openServer()).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining('not a socket'),
    });
  });

  it('answers the requests of one connection in their order', async () => {
    await openServer();
    const socket = connect(path);
    const bad = encodeRequest({ cmdlet: 'Remove-Book', parameters: { Identity: ['x'] } });
    const good = encodeRequest({ cmdlet: 'Remove-Book', parameters: { Identity: ['Emma'] } });
    socket.write(bad + good + bad);
    const kinds = (await readLines(socket, 3)).map(({ kind }) => kind);
    expect(kinds).toEqual(['error', 'done', 'error']);
  });

  it('refuses what is no request and goes on with the next', async () => {
    await openServer();
    const socket = connect(path);
    socket.write(`GET / HTTP/1.1\n${encodeRequest({ cmdlet: 'Remove-Book', parameters: { Identity: ['Emma'] } })}`);
    expect(await readLines(socket, 2)).toEqual([
      expect.objectContaining({ kind: 'error', code: 'bad-request' }),
      { kind: 'done' },
    ]);
  });

  it('closes a connection that sends more than a request may have', async () => {
    await openServer();
    const socket = connect(path);
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    socket.resume();
    socket.write(Buffer.alloc(MAX_REQUEST_BYTES + 1, 'x'));
    await closed;
    expect((await call('Get-Book')).records).toHaveLength(2);
  });

  it('tells running cmdlets to stop when it closes, and lets them finish', async () => {
    const server = await openServer();
    const open = closeGate();
    let started = (): void => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const answer = call('Get-Book', {}, () => started());
    await running;
    const closed = server.close();
    expect(shelf.lastSignal?.aborted).toBe(true);
    open();
    expect((await answer).records).toHaveLength(2);
    await closed;
    expect(existsSync(path)).toBe(false);
  });
});
