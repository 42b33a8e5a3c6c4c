// How long a client is borne with that gets nowhere: its protocol errors, and each command that carries no mail beyond the first
// hundred, which counts as one (as Postfix's smtpd_junk_command_limit has it). A message that is taken makes good for all of it.

import { isProtocolError, type Reply } from './reply.ts';

const WITHOUT_MAIL: ReadonlySet<string> = new Set(['NOOP', 'RSET', 'VRFY', 'EXPN', 'HELP', 'EHLO', 'HELO']);
const MAX_WITHOUT_MAIL = 100;

export class Forbearance {
  #errorCount = 0;
  #withoutMailCount = 0;

  /** Whatever the client said; what is no command counts by its reply. */
  noteCommand(verb: string): void {
    if (!WITHOUT_MAIL.has(verb)) return;
    this.#withoutMailCount += 1;
    if (this.#withoutMailCount > MAX_WITHOUT_MAIL) this.#errorCount += 1;
  }

  noteReply(reply: Reply): void {
    if (isProtocolError(reply)) this.#errorCount += 1;
  }

  isOver(maxErrors: number): boolean {
    return this.#errorCount >= maxErrors;
  }

  makeGood(): void {
    this.#errorCount = 0;
    this.#withoutMailCount = 0;
  }
}
