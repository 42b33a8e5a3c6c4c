// Before all tests: the program built from the source as it is now. The processes that tests start are then what is published,
// and each begins with a quarter less work (RELAYPAIR_BUILT in vitest.config.ts).

import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { PACKAGE_FOLDER } from '../../src/package-folder.ts';

const CONFIG = join(PACKAGE_FOLDER, 'vite.program.config.ts');
/** Says which packages there are, some of which are put into the program. */
const LOCK = join(PACKAGE_FOLDER, 'package-lock.json');
/** Written when all of a build is there; `npm run build` removes it with the folder. */
const STAMP = join(PACKAGE_FOLDER, 'dist/.built-for-tests');

export default async function setup(): Promise<void> {
  if (Math.max(changedAtMs('src'), ...[CONFIG, LOCK].map(writtenAtMs)) < writtenAtMs(STAMP)) return;
  const begunAt = new Date();
  await build({ configFile: CONFIG, logLevel: 'warn' });
  writeFileSync(STAMP, `the source of ${begunAt.toISOString()}\n`);
}

function changedAtMs(folder: string): number {
  const names = readdirSync(join(PACKAGE_FOLDER, folder), { recursive: true, encoding: 'utf8' });
  return Math.max(...names.map((name) => writtenAtMs(join(PACKAGE_FOLDER, folder, name))));
}

function writtenAtMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
