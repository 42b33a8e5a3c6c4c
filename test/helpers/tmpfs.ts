// A small disk of a test's own: a tmpfs, which root may mount.

import { spawnSync } from 'node:child_process';
import { demand } from './peers.ts';
import { makeFolder, removeFolder } from './spool-fixtures.ts';

/** Mounts one of `size` ("24m") over the folder, for its owner alone; false when that is not allowed here. */
export function mountTmpfs(folder: string, size: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', folder]).status === 0;
}

export function unmount(folder: string): void {
  spawnSync('umount', [folder]);
}

/** True when a tmpfs may be mounted here. Throws when it has to be. */
export function canMount(): boolean {
  const folder = makeFolder();
  const isMounted = mountTmpfs(folder, '1m');
  if (isMounted) unmount(folder);
  removeFolder(folder);
  return demand(isMounted, 'the right to mount a tmpfs');
}
