// Remove-Capture: deletes the files of captures, and with them the secrets of the sessions.

import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const removeCapture = defineCmdlet({
  name: 'Remove-Capture',
  roles: ['hub', 'edge'],
  synopsis: 'Delete the files of captures and the secrets in them',
  description: 'All files in the folder captures of this server. A capture that runs has to be stopped first.',
  examples: ['Remove-Capture'],
  parameters: {},
  table: [],
  changes: true,
  confirm: () => 'Delete all captures of this server?',
  run({ captureControl }: ServerContext) {
    const count = captureControl.remove();
    return {
      records: [],
      notices: [`${count} ${count === 1 ? 'file' : 'files'} deleted from ${captureControl.folder}`],
    };
  },
});
