// SASL PLAIN (RFC 4616), the server's side: authorization identity, user name and password in one message, parted by NUL. For
// channels that nobody else can read. Whether the password is right is judged above.

import type { PasswordCheck, SaslServer, SaslStep } from './sasl.ts';
import { isCredential } from './sasl-text.ts';
import { decodeUtf8 } from './utf8.ts';

export class PlainServer implements SaslServer {
  readonly mechanism = 'PLAIN';
  readonly #check: PasswordCheck;
  #state: 'start' | 'asked' | 'over' = 'start';

  constructor(check: PasswordCheck) {
    this.#check = check;
  }

  async step(response: Buffer | undefined): Promise<SaslStep> {
    if (this.#state === 'start' && response === undefined) {
      this.#state = 'asked';
      return { kind: 'challenge', data: Buffer.alloc(0) };
    }
    const isOver = this.#state === 'over';
    this.#state = 'over';
    const message = isOver || response === undefined ? undefined : parsePlainMessage(response);
    if (!message) return { kind: 'failure' };
    const step = await this.#check(message.user, message.password);
    return step.kind === 'success' && !isAllowed(message, step.identity) ? { kind: 'failure' } : step;
  }
}

interface PlainMessage {
  /** Whom the client wants to act for; '' is itself. */
  readonly authorizationId: string;
  readonly user: string;
  readonly password: string;
}

/** undefined for what breaks the grammar of RFC 4616 §2. */
function parsePlainMessage(octets: Buffer): PlainMessage | undefined {
  const parts = decodeUtf8(octets)?.split('\0') ?? [];
  const [authorizationId, user, password] = parts;
  if (parts.length !== 3 || authorizationId === undefined || user === undefined || password === undefined)
    return undefined;
  const isSound =
    isCredential(user) && isCredential(password) && (authorizationId === '' || isCredential(authorizationId));
  return isSound ? { authorizationId, user, password } : undefined;
}

/** Nobody acts for somebody else here. */
function isAllowed({ authorizationId, user }: PlainMessage, identity: string): boolean {
  return authorizationId === '' || authorizationId === user || authorizationId === identity;
}
