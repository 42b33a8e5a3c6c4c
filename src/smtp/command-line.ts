// One command line as a value (RFC 5321 §4.1.1): verb and argument, or why it is none. Knows no command by name.

import type { Reply } from './reply.ts';
import { REPLIES } from './replies.ts';
import { decodeUtf8 } from './utf8.ts';

/** The longest command line that is looked at: RFC 5321's 512 octets plus what RFC 3461, 6531 and long addresses add. */
const MAX_COMMAND_OCTETS = 4096;

/** The longest line of an AUTH exchange (RFC 4954 §4). */
export const MAX_AUTH_LINE_OCTETS = 12_288;

export interface CommandLine {
  readonly kind: 'command';
  /** Upper case; '' for a line that begins with no verb. */
  readonly verb: string;
  /** What follows the verb, without the blanks around it. */
  readonly argument: string;
  /** The whole line: what counts in the middle of an AUTH exchange. */
  readonly text: string;
}

/** A line that is no command. `isHostile` asks for the end of the connection. */
export interface RefusedLine {
  readonly kind: 'refused';
  readonly reply: Reply;
  readonly isHostile: boolean;
}

/** Reads a line without its CRLF. `inExchange` is true while an AUTH exchange waits for the client's answer. */
export function parseCommandLine(octets: Buffer, inExchange: boolean): CommandLine | RefusedLine {
  const text = decodeUtf8(octets);
  if (text === undefined || /\p{Cc}/u.test(text)) return refused(REPLIES.badCharacters);
  // A web page that posts to port 25 must not get to the lines that it smuggles in (HTTP has no business here).
  if (/^(?:OPTIONS|GET|HEAD|POST|PUT|DELETE|TRACE|CONNECT|PATCH|PRI) .* HTTP\/\d\.\d$/i.test(text))
    return refused(REPLIES.notSmtp, true);
  const [, verb = '', argument = ''] = /^([A-Za-z][A-Za-z0-9-]*)(?: +(.*?))? *$/u.exec(text) ?? [];
  const isAuth = inExchange || verb.toUpperCase() === 'AUTH';
  if (octets.length > (isAuth ? MAX_AUTH_LINE_OCTETS : MAX_COMMAND_OCTETS)) return refused(REPLIES.lineTooLong);
  return { kind: 'command', verb: verb.toUpperCase(), argument, text };
}

function refused(reply: Reply, isHostile = false): RefusedLine {
  return { kind: 'refused', reply, isHostile };
}
