// How Get-AccessToken and New-AccessToken list a token: everything but the token.

import type { AccessToken } from './access-tokens.ts';
import type { OutputRecord } from './output.ts';

/** The properties in their order. */
export function describeAccessToken(token: Omit<AccessToken, 'verifier'>, now: Date): OutputRecord {
  const { name, access, createdAt, expiresAt } = token;
  return {
    Name: name,
    Access: access,
    Created: createdAt,
    Expires: expiresAt ?? null,
    IsExpired: expiresAt !== undefined && expiresAt <= now,
  };
}
