// An SMTP reply as a value (RFC 5321 §4.2) and its lines on the wire (RFC 2034: the enhanced code stands on each line).
// Which replies this server can send is in replies.ts; who sends them is not its business.

/** One reply. `enhanced` is RFC 3463's code ("2.1.0") or '' for replies that carry none; lines of `text` are parted by "\n". */
export interface Reply {
  readonly code: number;
  readonly enhanced: string;
  readonly text: string;
}

/** The text of each line: enhanced code first, control characters made harmless, no reply code and no line end. */
export function replyLines(reply: Reply): string[] {
  const prefix = reply.enhanced === '' ? '' : `${reply.enhanced} `;
  return reply.text.split('\n').map((line) => prefix + withoutControls(line));
}

/** Hardly any reply has one, and to look is quicker than to replace nothing. */
function withoutControls(line: string): string {
  return /\p{Cc}/u.test(line) ? line.replaceAll(/\p{Cc}/gu, ' ') : line;
}

/** The reply as it goes over the wire, CRLFs included. */
export function formatReplyOctets(reply: Reply): string {
  const lines = replyLines(reply);
  return lines.map((line, index) => `${reply.code}${index < lines.length - 1 ? '-' : ' '}${line}\r\n`).join('');
}

/** The reply for a client that was not offered ENHANCEDSTATUSCODES (RFC 2034 §4). */
export function withoutEnhancedCode(reply: Reply): Reply {
  return { ...reply, enhanced: '' };
}

/** The reply as a person reads it in a log or a queue: "550 5.7.1 Unable to relay". */
export function formatReply(reply: Reply): string {
  return `${reply.code} ${replyLines(reply).join(' ')}`.trimEnd();
}

/** True for 2xx: the server took responsibility or did as asked. */
export function isPositive(reply: Reply): boolean {
  return reply.code >= 200 && reply.code < 300;
}

/** True when the client broke the protocol, or asked for what is not done here. */
export function isProtocolError(reply: Reply): boolean {
  return [500, 501, 502, 503, 504, 555].includes(reply.code);
}
