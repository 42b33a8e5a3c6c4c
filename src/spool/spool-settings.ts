// From a server's config to the options of its spool.

import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import type { SpoolOptions } from './spool.ts';

/** What every backend is opened with. */
export function spoolOptions({
  config,
  log,
  clock,
}: {
  readonly config: Pick<Config, 'folder' | 'netbiosName' | 'spool'>;
  readonly log: Log;
  readonly clock: Clock;
}): SpoolOptions {
  const { folder, netbiosName, spool } = config;
  return {
    folder: join(folder, 'spool'),
    log,
    clock,
    name: netbiosName,
    ...(spool.backend === 'postgres' && { postgres: spool }),
  };
}
