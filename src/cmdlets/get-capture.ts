// Get-Capture: whether sessions are recorded now, until when, and which files there are.

import { captureRecord } from './capture-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const getCapture = defineCmdlet({
  name: 'Get-Capture',
  roles: ['hub', 'edge'],
  synopsis: 'Show whether sessions are recorded, and the files of those that were',
  description:
    'OpenSessions are those whose files are not complete yet: a session that is over waits up to five seconds for the decision card of its message. StopCause says why the last capture ended: asked, size, time, disk or shutdown. Which file belongs to which message is on its decision card (Captures).',
  examples: ['Get-Capture', 'Get-Capture --json'],
  parameters: {},
  table: ['State', 'Folder', 'Sessions', 'OpenSessions', 'Size', 'MaxSize', 'EndsAt', 'StopCause', 'Files'],
  view: 'list',
  changes: false,
  run: ({ captureControl }: ServerContext) => ({ records: [captureRecord(captureControl)] }),
});
