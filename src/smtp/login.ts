// SASL LOGIN (draft-murchison-sasl-login), the server's side: user name and password each on a line of its own. No standard,
// and what many mail programs speak. Some send the user name with AUTH.

import type { PasswordCheck, SaslServer, SaslStep } from './sasl.ts';
import { isCredential } from './sasl-text.ts';
import { decodeUtf8 } from './utf8.ts';

/** What clients wait for, some of them letter by letter. */
const USER_PROMPT = Buffer.from('Username:');
const PASSWORD_PROMPT = Buffer.from('Password:');

export class LoginServer implements SaslServer {
  readonly mechanism = 'LOGIN';
  readonly #check: PasswordCheck;
  #state: 'start' | 'user' | 'password' | 'over' = 'start';
  #user: string | undefined;

  constructor(check: PasswordCheck) {
    this.#check = check;
  }

  async step(response: Buffer | undefined): Promise<SaslStep> {
    if (this.#state === 'start' && response === undefined) {
      this.#state = 'user';
      return { kind: 'challenge', data: USER_PROMPT };
    }
    const text = response && decodeUtf8(response);
    if (this.#state === 'start' || this.#state === 'user') {
      // A name that is none is refused with the password, as a name that nobody has is.
      this.#user = text;
      this.#state = 'password';
      return { kind: 'challenge', data: PASSWORD_PROMPT };
    }
    const isOver = this.#state === 'over';
    this.#state = 'over';
    const user = this.#user;
    if (isOver || user === undefined || text === undefined || !isCredential(user) || !isCredential(text))
      return { kind: 'failure' };
    return this.#check(user, text);
  }
}
