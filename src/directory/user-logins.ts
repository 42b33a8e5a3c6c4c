// Mail users who log in to hand in mail: an address of the user, or its name, with its password. Checked against the verifier
// in the directory by scrypt, which runs beside the event loop; a name that nobody has costs the same time.

import type { Clock } from '../clock.ts';
import { isProblem, Problem } from '../problem.ts';
import { BindAttempts } from './bind-attempts.ts';
import { derivePasswordVerifier, verifyPassword } from './password-verifier.ts';
import { addressesOf, primaryAddressOf, type Recipient } from './recipient.ts';
import type { Recipients } from './recipients.ts';

/** What a client says at a log-in. */
export interface Login {
  readonly user: string;
  readonly password: string;
  readonly remoteAddress: string;
}

/** `busy`: not looked at, since too many were, from everywhere or wrongly from that address. */
export type LoginAnswer =
  | { readonly kind: 'accepted'; readonly identity: string }
  | { readonly kind: 'refused' | 'busy' };

/** RFC 4013 in spirit: one password however it was typed. */
const prepare = (password: string): string => password.normalize('NFKC');

const MIN_CHARACTERS = 8;
/** RFC 4616 §2: every client can send so much. */
const MAX_OCTETS = 255;

/** What the directory keeps of a new password; throws Problem `bad-password`, which quotes nothing. */
export async function makeUserPassword(password: string): Promise<string> {
  const prepared = prepare(password);
  const isSound = Array.from(prepared).length >= MIN_CHARACTERS && Buffer.byteLength(prepared) <= MAX_OCTETS;
  if (!isSound || /\p{Cc}/u.test(prepared)) {
    throw new Problem(
      'bad-password',
      `the password must have ${MIN_CHARACTERS} characters at least, ${MAX_OCTETS} octets at most, and be one line of text`,
    );
  }
  return derivePasswordVerifier(prepared);
}

/** Owns the count of failures. */
export class UserLogins {
  readonly #recipients: Pick<Recipients, 'find'>;
  readonly #attempts: BindAttempts;

  constructor(recipients: Pick<Recipients, 'find'>, clock: Clock) {
    this.#recipients = recipients;
    this.#attempts = new BindAttempts(clock);
  }

  /** Throws Problem when the directory cannot be asked. */
  async check({ user, password, remoteAddress }: Login): Promise<LoginAnswer> {
    if (!this.#attempts.mayTry(remoteAddress)) return { kind: 'busy' };
    const found = await this.#find(user);
    const isRight = await this.#attempts.check(remoteAddress, () =>
      verifyPassword(prepare(password), found?.passwordVerifier),
    );
    if (isRight === undefined) return { kind: 'busy' };
    return isRight && found ? { kind: 'accepted', identity: primaryAddressOf(found) } : { kind: 'refused' };
  }

  /** Of a user who may log in now; undefined once there is no such user. Throws Problem when the directory cannot be asked. */
  async addressesOf(identity: string): Promise<readonly string[] | undefined> {
    const found = await this.#find(identity);
    return found?.passwordVerifier === undefined ? undefined : addressesOf(found);
  }

  async #find(identity: string): Promise<Recipient | undefined> {
    try {
      return await this.#recipients.find(identity);
    } catch (error) {
      if (isProblem(error, 'not-found')) return undefined;
      throw error;
    }
  }
}
