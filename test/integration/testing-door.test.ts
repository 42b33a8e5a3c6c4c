// The fixture as it is published: built, with its types, used by a test of node:test and by a compiler of somebody else's project.

import { execFile } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url).pathname;
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const run = promisify(execFile);

/** Another project, in which the package is installed. */
let project = '';

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'relaypair-project-'));
  const installed = join(project, 'node_modules', 'relaypair');
  mkdirSync(installed, { recursive: true });
  // The program as it was built before all tests, and its declarations.
  cpSync(join(ROOT, 'dist'), join(installed, 'dist'), { recursive: true, filter: (path) => !path.endsWith('.d.ts') });
  await run(process.execPath, [TSC, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')]);
  copyFileSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  symlinkSync(join(ROOT, 'bin'), join(installed, 'bin'));
  // A scope is linked whole, with whatever else is in it.
  for (const name of new Set([...dependencies(), 'vitest', '@types'])) link(name);
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
});

afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

function dependencies(): string[] {
  const { dependencies: named } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return Object.keys(named).map((name) => name.split('/')[0] ?? name);
}

function link(name: string): void {
  symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
}

it('runs the example of node:test on what is built', { timeout: 240_000 }, async () => {
  copyFileSync(join(ROOT, 'test/examples/node-test.example.ts'), join(project, 'example.test.ts'));
  const { stdout } = await run(process.execPath, ['--test', 'example.test.ts'], { cwd: project });
  expect(stdout).toMatch(/pass 1\b/);
  expect(stdout).toMatch(/fail 0\b/);
});

it('has types for whoever compiles against it, the matchers of vitest among them', { timeout: 240_000 }, async () => {
  copyFileSync(join(ROOT, 'test/examples/expiry.test.ts'), join(project, 'expiry.test.ts'));
  const strict = [
    '--strict',
    '--noEmit',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--lib',
    'es2024,esnext.disposable',
  ];
  const options = [...strict, '--types', 'node', '--skipLibCheck', 'true'];
  await run(process.execPath, [TSC, ...options, 'expiry.test.ts'], { cwd: project });
  const wrong = readFileSync(join(project, 'expiry.test.ts'), 'utf8').replace(
    "'certificate-expired'",
    "'no-such-reason'",
  );
  writeFileSync(join(project, 'wrong.test.ts'), wrong);
  const refused = run(process.execPath, [TSC, ...options, 'wrong.test.ts'], { cwd: project });
  await expect(refused).rejects.toMatchObject({ stdout: expect.stringContaining('"no-such-reason"') });
});
