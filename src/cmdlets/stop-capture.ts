// Stop-Capture: ends what Start-Capture began; the files stay.

import { captureRecord, describeDanger } from './capture-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const stopCapture = defineCmdlet({
  name: 'Stop-Capture',
  roles: ['hub', 'edge'],
  synopsis: 'End the capture that runs, and complete its files',
  description: 'Sessions under way go on, and are not recorded any further. Remove-Capture deletes the files.',
  examples: ['Stop-Capture'],
  parameters: {},
  table: ['State', 'Folder', 'Sessions', 'Size'],
  view: 'list',
  changes: true,
  run({ captureControl }: ServerContext) {
    captureControl.stop();
    return { records: [captureRecord(captureControl)], warnings: [describeDanger(captureControl)] };
  },
});
