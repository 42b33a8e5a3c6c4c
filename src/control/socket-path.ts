// Where a server's control socket is: in its private data folder, or, where that path is longer than a Unix socket's name may
// be, under a hashed name in a folder of the temporary directory that belongs to the same owner. Server and client compute
// the same path from the data folder alone, and both check that nobody else could have put a socket there.

import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Problem } from '../problem.ts';

/** sun_path holds 108 bytes with its final NUL (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;

/** The socket of the server that keeps its data in `dataFolder`, which must exist; throws Problem `server-not-running` if not. */
export function controlSocketPath(dataFolder: string): string {
  const folder = resolveFolder(dataFolder);
  const direct = join(folder, 'control.sock');
  if (Buffer.byteLength(direct) <= MAX_SOCKET_PATH_BYTES) return direct;
  const name = `${createHash('sha256').update(folder).digest('hex').slice(0, 16)}.sock`;
  const hashed = join(tmpdir(), `relaypair-${statSync(folder).uid}`, name);
  if (Buffer.byteLength(hashed) <= MAX_SOCKET_PATH_BYTES) return hashed;
  throw new Problem('socket-path-too-long', `${hashed} is too long for a Unix socket: set TMPDIR to a shorter folder`);
}

/** The real path, so that every spelling of a folder leads to one socket. */
function resolveFolder(dataFolder: string): string {
  try {
    return realpathSync(dataFolder);
  } catch {
    throw new Problem(
      'server-not-running',
      `the server's data folder ${dataFolder} is not there: the server was never started, or cannot be seen by you`,
    );
  }
}

/** Makes the socket's folder if it is missing, then insists that it is private; throws Problem `folder-not-private`. */
export function prepareSocketFolder(socketPath: string): void {
  mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
  refuseSharedFolder(socketPath);
}

/** Throws Problem `folder-not-private` if anyone but the server's user could have placed the socket. */
export function refuseSharedFolder(socketPath: string): void {
  const folder = dirname(socketPath);
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return;
  // Anyone may make a folder of that name in the temporary directory: its owner must be the one in its name.
  const [, ownerId] = /^relaypair-(\d+)$/.exec(basename(folder)) ?? [];
  const isForeign = ownerId !== undefined && found.uid !== Number(ownerId);
  if (found.isDirectory() && !isForeign && (found.mode & 0o077) === 0) return;
  throw new Problem(
    'folder-not-private',
    `${folder} must be a folder of the server's own user that nobody else can enter: chmod 700 it, or remove it`,
  );
}
