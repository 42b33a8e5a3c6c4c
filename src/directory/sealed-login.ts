// A name and a password for a smart host, the password sealed to the key of the one server that uses it. Kept as one JSON
// text in one attribute value.

import { z } from 'zod';

export interface SealedLogin {
  readonly userName: string;
  /** As sealed-secret.ts makes it. */
  readonly sealedPassword: Buffer;
}

const schema = z.strictObject({ user: z.string().min(1).max(256), sealed: z.base64().max(8192) });

/** `{"user":"relay","sealed":"…"}`, octets in base64. */
export function formatSealedLogin(login: SealedLogin): string {
  return JSON.stringify({ user: login.userName, sealed: login.sealedPassword.toString('base64') });
}

/** Throws RangeError; its text quotes nothing. */
export function parseSealedLogin(text: string): SealedLogin {
  const parsed = schema.safeParse(readJson(text));
  if (!parsed.success) throw new RangeError('not a sealed login');
  return { userName: parsed.data.user, sealedPassword: Buffer.from(parsed.data.sealed, 'base64') };
}

/** Undefined for a text that is no JSON. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
