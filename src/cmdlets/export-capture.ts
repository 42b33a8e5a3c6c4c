// Export-Capture: the file of one session, as Start-Capture recorded it. Whoever has it reads the session, so every door asks for more
// than the right to look.

import { createReadStream } from 'node:fs';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const exportCapture = defineCmdlet({
  name: 'Export-Capture',
  roles: ['hub', 'edge'],
  synopsis: 'Write the recorded session of a capture into a file',
  description:
    'Only in a laboratory. The names are those of Get-Capture, and of Captures on a decision card. Wireshark and tshark read the file without a key; it holds the secrets of the session.',
  examples: ['Export-Capture 3-smtp-out.pcapng -FileName session.pcapng'],
  parameters: {
    Identity: { type: 'string', required: true, help: 'The name of the file' },
    FileName: { type: 'outputFile', help: 'The file to write; it is printed when absent' },
  },
  positional: ['Identity'],
  table: [],
  changes: false,
  run({ captureControl }: ServerContext, { Identity, FileName }) {
    const path = captureControl.find(Identity);
    return {
      records: [],
      stream: { parameter: 'FileName', content: createReadStream(path) },
      ...(FileName !== undefined && { notices: [`${FileName} holds ${Identity} and the secrets of its session.`] }),
    };
  },
});
