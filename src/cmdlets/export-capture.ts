// Export-Capture: the file of one session, as Start-Capture recorded it. Whoever has it reads the session, so every door asks for more
// than the right to look. Or what was said in it, line by line, for people.

import { createReadStream } from 'node:fs';
import { readSession } from '../capture/session-octets.ts';
import { transcribe, type TranscriptLine } from '../capture/smtp-transcript.ts';
import { escapeText } from '../unsafe-text.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const exportCapture = defineCmdlet({
  name: 'Export-Capture',
  roles: ['hub', 'edge'],
  synopsis: 'Write the recorded session of a capture into a file',
  description:
    'Only in a laboratory. The names are those of Get-Capture, and of Captures on a decision card. Wireshark and tshark read the file without a key; it holds the secrets of the session. With -Transcript it is the dialogue of an SMTP session as text, TLS 1.3 opened; mail is counted and passwords are left out.',
  examples: [
    'Export-Capture 3-smtp-out.pcapng -FileName session.pcapng',
    'Export-Capture 3-smtp-out.pcapng -Transcript',
  ],
  parameters: {
    Identity: { type: 'string', required: true, help: 'The name of the file' },
    Transcript: { type: 'switch', help: 'What was said, line by line, and not the packets' },
    FileName: { type: 'outputFile', help: 'The file to write; it is printed when absent' },
  },
  positional: ['Identity'],
  table: [],
  changes: false,
  run({ captureControl }: ServerContext, { Identity, FileName, Transcript }) {
    const path = captureControl.find(Identity);
    return {
      records: [],
      stream: { parameter: 'FileName', content: Transcript ? printTranscript(path) : createReadStream(path) },
      ...(FileName !== undefined && {
        notices: [`${FileName} holds ${Identity}${Transcript ? ' as text' : ' and the secrets of its session'}.`],
      }),
    };
  },
});

/** "12:00:00.123 C# EHLO edge01": C the client, S the server, # in TLS; a remark in parentheses. */
async function* printTranscript(path: string): AsyncGenerator<Buffer> {
  for (const line of transcribe(readSession(path))) yield Buffer.from(`${formatLine(line)}\n`);
}

function formatLine({ time, side, isEncrypted, text }: TranscriptLine): string {
  const at = time.toISOString().slice(11, 23);
  if (side === undefined) return `${at}    (${escapeText(text)})`;
  return `${at} ${side === 'client' ? 'C' : 'S'}${isEncrypted ? '#' : ' '} ${escapeText(text)}`;
}
