// Programs that others wrote and that the interop tests talk to. Where one is not installed its tests are skipped by name; in
// CI, which says RELAYPAIR_PEERS=required, its absence is a failure.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where .ci/install-peers puts what cannot be installed beside the others. */
const UNPACKED = new URL('../../.ci/peers', import.meta.url).pathname;
const POSTGRES_VERSIONS = '/usr/lib/postgresql';
/** Debian keeps servers outside an ordinary user's PATH, and each version of PostgreSQL in a folder of its own. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', UNPACKED, ...postgresFolders()];

/** Where the program is; the name alone when nobody knows. */
export function peerPath(command: string): string {
  const folder = FOLDERS.find((each) => isExecutable(join(each, command)));
  return folder === undefined ? command : join(folder, command);
}

/** True when the program is installed; for `describe.skipIf(!requirePeer('swaks'))`. Throws when it has to be. */
export function requirePeer(command: string): boolean {
  return demand(
    FOLDERS.some((folder) => isExecutable(join(folder, command))),
    command,
  );
}

/** True when the tests run as root, which Postfix and captures need. Throws when they have to. */
export function requireRoot(): boolean {
  return demand(process.getuid?.() === 0, 'root');
}

/** True when Debian's Python has the module; throws when it has to. */
export function requirePythonModule(module: string): boolean {
  const ran = spawnSync('/usr/bin/python3', ['-c', `import ${module}`], { stdio: 'ignore' });
  return demand(ran.status === 0, `python3-${module}`);
}

/** `isThere`; throws when it has to be there and is not. */
export function demand(isThere: boolean, what: string): boolean {
  if (!isThere && process.env['RELAYPAIR_PEERS'] === 'required') {
    throw new Error(`${what} is missing here, and RELAYPAIR_PEERS=required says that it must not be`);
  }
  return isThere;
}

/** The newest first. */
function postgresFolders(): string[] {
  if (!existsSync(POSTGRES_VERSIONS)) return [];
  const versions = readdirSync(POSTGRES_VERSIONS).toSorted((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(POSTGRES_VERSIONS, version, 'bin'));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
