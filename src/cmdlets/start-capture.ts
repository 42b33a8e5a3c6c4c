// Start-Capture: from now on each SMTP and LDAPS session of this server gets a pcapng file that decrypts itself. In a
// laboratory alone, and never without an end.

import { DEFAULT_CAPTURE_LIMITS } from '../capture/capture-control.ts';
import { Problem } from '../problem.ts';
import { captureRecord, describeDanger } from './capture-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const startCapture = defineCmdlet({
  name: 'Start-Capture',
  roles: ['hub', 'edge'],
  synopsis: 'Record each session that begins into a pcapng file that decrypts itself',
  description:
    'Only in a server that was started with --lab or by "relaypair up". Each SMTP and LDAPS session that begins from now on gets a file of its own in the folder captures, with the secrets of its TLS and, as comments, the decision cards of its messages; Wireshark and tshark read it without a key file. Sessions under way are not recorded. It ends by Stop-Capture, at -MaxSize, or after -MaxDuration, whichever is first.',
  examples: ['Start-Capture', 'Start-Capture -MaxSize 10MB -MaxDuration 5m'],
  parameters: {
    MaxSize: { type: 'size', help: 'Of all files together, at which it ends', default: '100MB' },
    MaxDuration: { type: 'duration', help: "By the machine's clock, after which it ends", default: '1h' },
  },
  table: ['State', 'Folder', 'EndsAt', 'MaxSize'],
  view: 'list',
  changes: true,
  run({ captureControl }: ServerContext, { MaxSize, MaxDuration }) {
    if (MaxSize === 'unlimited' || MaxSize === 0) throw withoutEnd('MaxSize');
    if (MaxDuration === 0 || MaxDuration > MAX_DURATION_MS) throw withoutEnd('MaxDuration');
    captureControl.start({ maxSizeBytes: MaxSize, maxDurationMs: MaxDuration });
    return { records: [captureRecord(captureControl)], warnings: [describeDanger(captureControl)] };
  },
});

/** What holds secrets must not be forgotten. */
const MAX_DURATION_MS = 24 * DEFAULT_CAPTURE_LIMITS.maxDurationMs;

function withoutEnd(parameter: string): Problem {
  return new Problem('bad-value', `a capture has an end: give -${parameter} a value above 0, and at most 24 hours`);
}
