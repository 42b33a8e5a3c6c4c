// The tokens that open the Admin API, kept as SHA-256 verifiers in one private file: a token is 256 random bits, so nothing
// slower is gained by, and the file gives none of them away. A token itself is known only to whoever New-AccessToken gave it to.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import { writeFileDurably } from '../storage/files.ts';

const FORMAT = 1;
const SECRET_BYTES = 32;
/** So that people, and programs that look for leaked secrets, recognise one. */
const PREFIX = 'rpt_';
const MAX_TOKENS = 100;

export const TOKEN_ACCESS = ['ReadOnly', 'ReadWrite'] as const;
export type TokenAccess = (typeof TOKEN_ACCESS)[number];

/** What is known of a token; never the token. */
export interface AccessToken {
  readonly name: string;
  readonly access: TokenAccess;
  readonly createdAt: Date;
  /** Absent: until it is removed. */
  readonly expiresAt?: Date | undefined;
  /** SHA-256 of the token, hex. */
  readonly verifier: string;
}

const date = z.iso.datetime().transform((text) => new Date(text));
const fileFormat = z.object({
  format: z.int(),
  tokens: z.array(
    z.strictObject({
      name: z.string(),
      access: z.enum(TOKEN_ACCESS),
      createdAt: date,
      expiresAt: date.optional(),
      verifier: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

export class AccessTokens {
  readonly #path: string;
  #tokens: readonly AccessToken[];

  private constructor(path: string, tokens: readonly AccessToken[]) {
    this.#path = path;
    this.#tokens = tokens;
  }

  /** Throws Problem `access-tokens-unreadable` or `format-too-new`. */
  static open(path: string): AccessTokens {
    return new AccessTokens(path, read(path));
  }

  list(): readonly AccessToken[] {
    return this.#tokens;
  }

  /** Makes a token, which is returned once and known nowhere else; throws Problem `already-exists` or `too-many`. */
  add(facts: Omit<AccessToken, 'verifier'>): string {
    if (this.#tokens.some(({ name }) => isSame(name, facts.name)))
      throw new Problem(
        'already-exists',
        `there is an access token "${facts.name}" already: remove it, or choose another name`,
      );
    if (this.#tokens.length >= MAX_TOKENS)
      throw new Problem('too-many', `there are ${MAX_TOKENS} access tokens already: remove those that nobody uses`);
    const token = `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64url')}`;
    this.#write([...this.#tokens, { ...facts, verifier: digest(token).toString('hex') }]);
    return token;
  }

  /** Throws Problem `not-found`. It opens nothing from now on. */
  remove(name: string): void {
    const rest = this.#tokens.filter((token) => !isSame(token.name, name));
    if (rest.length === this.#tokens.length) throw new Problem('not-found', `there is no access token "${name}"`);
    this.#write(rest);
  }

  /** What the token opens at `now`; undefined for one that is none. Takes as long for a wrong token as for a right one. */
  find(token: string, now: Date): AccessToken | undefined {
    const shown = digest(token);
    let found: AccessToken | undefined;
    for (const each of this.#tokens) {
      if (timingSafeEqual(shown, Buffer.from(each.verifier, 'hex'))) found = each;
    }
    return found && (!found.expiresAt || now < found.expiresAt) ? found : undefined;
  }

  #write(tokens: readonly AccessToken[]): void {
    writeFileDurably(this.#path, `${JSON.stringify({ format: FORMAT, tokens }, undefined, 2)}\n`);
    this.#tokens = tokens;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function read(path: string): readonly AccessToken[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable(path);
  }
  const { format } = z.object({ format: z.int() }).safeParse(value).data ?? {};
  if (format !== undefined && format > FORMAT)
    throw new Problem(
      'format-too-new',
      `${path} has format ${format}, this relaypair knows up to ${FORMAT}: start the newer relaypair that wrote it`,
    );
  const parsed = fileFormat.safeParse(value);
  if (!parsed.success) throw unreadable(path);
  return parsed.data.tokens;
}

/** Starting without the tokens would shut out whoever has one, and nobody would be told why. */
function unreadable(path: string): Problem {
  return new Problem(
    'access-tokens-unreadable',
    `${path} cannot be read or is damaged: remove it, and make the access tokens anew with New-AccessToken`,
  );
}
