// Which server a command means: --config FILE, else --dir DIR, else RELAYPAIR_DIR, else the current folder, else /etc/relaypair.
// Where there is a folder, the file in it is named for the role.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Role } from '../config.ts';
import { Problem } from '../problem.ts';
import type { ShellOptions } from './shell-options.ts';
import type { Terminal } from './terminal.ts';

const SYSTEM_FOLDER = '/etc/relaypair';

/** The configuration file of the server that is meant; throws Problem `config-not-found`. */
export function locateConfig(role: Role, options: ShellOptions, terminal: Pick<Terminal, 'env' | 'folder'>): string {
  const named = nameConfig(role, options, terminal);
  if (named !== undefined) {
    if (existsSync(named)) return named;
    throw new Problem(
      'config-not-found',
      `there is no ${named}; name the configuration file of the ${role} with --config FILE`,
    );
  }
  const file = `${role}.yaml`;
  const places = [join(terminal.folder, file), join(SYSTEM_FOLDER, file)];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new Problem(
    'config-not-found',
    `no ${file} in ${terminal.folder} or ${SYSTEM_FOLDER}; name it with --config FILE or --dir DIR`,
  );
}

/** The file that was named outright, existing or not; undefined when the usual places are to be searched. */
export function nameConfig(
  role: Role,
  options: ShellOptions,
  terminal: Pick<Terminal, 'env' | 'folder'>,
): string | undefined {
  if (options.config !== undefined) return resolve(terminal.folder, options.config);
  const folder = options.dir ?? terminal.env['RELAYPAIR_DIR'];
  return folder === undefined || folder === '' ? undefined : resolve(terminal.folder, folder, `${role}.yaml`);
}
