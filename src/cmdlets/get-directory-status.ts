// Get-DirectoryStatus: whether what this server knows of the organization is what its directory says, or the last good state.

import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const getDirectoryStatus = defineCmdlet({
  name: 'Get-DirectoryStatus',
  roles: ['hub', 'edge'],
  synopsis: 'Show where the directory is and whether its state is the last good one',
  description:
    'While the directory cannot be read, mail goes on with the last good state (IsStale is True) and cmdlets that change it are refused.',
  examples: ['Get-DirectoryStatus', 'Get-DirectoryStatus | fl IsStale,StaleSince,StaleReason'],
  parameters: {},
  table: [],
  view: 'list',
  changes: false,
  run(context: ServerContext) {
    const { backend, server, servers, namingContext, lastReadAt, stale } = context.directoryStatus();
    return {
      records: [
        {
          Backend: backend,
          Server: server ?? null,
          Servers: servers,
          NamingContext: namingContext,
          IsStale: stale !== undefined,
          StaleSince: stale?.since ?? null,
          StaleReason: stale?.reason ?? null,
          LastReadTime: lastReadAt ?? null,
        },
      ],
    };
  },
});
