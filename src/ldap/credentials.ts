// Which binds reach the directory: versions, methods and empty names and passwords that RFC 4513 §5.1 and §5.2.3 decide
// without asking anybody are dealt with here.

import type { BindCredentials } from './handler.ts';
import type { BindRequest } from './request.ts';
import { fault } from './result.ts';

/** What the handler shall judge; undefined for an anonymous bind. Throws LdapFault for what is refused unasked (RFC 4513 §5.1). */
export function readCredentials({ version, dn, authentication }: BindRequest): BindCredentials | undefined {
  if (version !== 3) throw fault('protocolError', 'only version 3 of LDAP is spoken here');
  if (authentication.kind === 'sasl') {
    const { mechanism, credentials } = authentication;
    if (mechanism !== 'EXTERNAL') throw fault('authMethodNotSupported', 'EXTERNAL is the only SASL mechanism here');
    return { kind: 'external', ...(credentials?.length ? { authzId: credentials.toString('utf8') } : {}) };
  }
  const { password } = authentication;
  if (dn === '' && password.length === 0) return undefined;
  if (dn === '') throw fault('invalidCredentials', 'a password came without a name');
  if (password.length === 0) throw fault('unwillingToPerform', 'a name came without a password');
  return { kind: 'simple', dn, password };
}
