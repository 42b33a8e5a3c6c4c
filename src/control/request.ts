// Reads a request from the control socket: whatever its sender claims, its shape and sizes are checked before it is used.

import { z } from 'zod';
import type { CmdletRequest } from '../cmdlets/binding.ts';
import { Problem } from '../problem.ts';
import { parseJson, PROTOCOL } from './protocol.ts';

const requestSchema = z.strictObject({
  protocol: z.number(),
  cmdlet: z.string().max(200),
  parameters: z.record(z.string().max(200), z.array(z.string()).max(10_000)),
  files: z.record(z.string().max(200), z.strictObject({ name: z.string(), content: z.base64() })).optional(),
});

/** The request in a line; throws Problem `bad-request` or `protocol-unknown`. */
export function decodeRequest(line: Buffer): CmdletRequest {
  const parsed = requestSchema.safeParse(parseJson(line));
  if (!parsed.success) throw new Problem('bad-request', 'the request on the control socket could not be read');
  const { protocol, cmdlet, parameters, files = {} } = parsed.data;
  if (protocol !== PROTOCOL) {
    throw new Problem(
      'protocol-unknown',
      'the server is of another version than this command: restart the server with the same relaypair',
    );
  }
  const read = Object.entries(files).map(([parameter, file]) => [
    parameter,
    { name: file.name, content: Buffer.from(file.content, 'base64') },
  ]);
  return { cmdlet, parameters, files: Object.fromEntries(read) };
}
