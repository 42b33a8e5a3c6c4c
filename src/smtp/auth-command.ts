// AUTH as it was said (RFC 4954 §4): which of the mechanisms on offer it names, or why none.

import { REPLIES } from './replies.ts';
import type { Reply } from './reply.ts';
import type { Offer, SmtpSession } from './session-policy.ts';

export type AuthCommand =
  | { readonly kind: 'refused'; readonly reply: Reply }
  | { readonly kind: 'chosen'; readonly mechanism: string; readonly initialResponse: string | undefined };

export function parseAuthCommand(
  argument: string,
  { mechanisms, mechanismsUnderTls = [] }: Pick<Offer, 'mechanisms' | 'mechanismsUnderTls'>,
  { tls, extended }: Pick<SmtpSession, 'tls' | 'extended'>,
): AuthCommand {
  const [name = '', initialResponse, ...more] = argument.split(/ +/);
  const find = (those: readonly string[]) => those.find((one) => one.toUpperCase() === name.toUpperCase());
  if (!tls && find(mechanismsUnderTls) !== undefined) return refuse(REPLIES.authEncryptionRequired);
  if (mechanisms.length === 0 || !extended) return refuse(REPLIES.authNotOffered);
  if (name === '' || more.length > 0) return refuse(REPLIES.parameterMalformed);
  const mechanism = find(mechanisms);
  return mechanism === undefined ? refuse(REPLIES.authMechanism) : { kind: 'chosen', mechanism, initialResponse };
}

function refuse(reply: Reply): AuthCommand {
  return { kind: 'refused', reply };
}
