// Update-Configuration: reads the server's config file again, as SIGHUP does.

import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const updateConfiguration = defineCmdlet({
  name: 'Update-Configuration',
  roles: ['hub', 'edge'],
  synopsis: 'Read the config file of this server again',
  description:
    'hosts, dns, deliver, retry, limits, backPressure and log.level change at once, for new work; other settings are named and need a restart. A file that is no config is refused, and the one in force stays. SIGHUP does the same.',
  examples: ['Update-Configuration'],
  parameters: {},
  table: ['Setting', 'State'],
  changes: true,
  run(context: ServerContext) {
    const { applied, needsRestart } = context.reloadConfig();
    const { path } = context.config;
    return {
      records: [
        ...applied.map((setting) => ({ Setting: setting, State: 'InForce' })),
        ...needsRestart.map((setting) => ({ Setting: setting, State: 'NeedsRestart' })),
      ],
      notices: [
        describe(path, needsRestart),
        ...(applied.length === 0 ? ['Nothing changed in the running server.'] : []),
      ],
    };
  },
});

function describe(path: string, needsRestart: readonly string[]): string {
  if (needsRestart.length === 0) return `${path} was read again.`;
  return `${path} was read again; restart the server to change ${needsRestart.join(', ')}.`;
}
