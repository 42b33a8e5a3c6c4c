// What a session knows of its client, as the conversation changes it; the policy sees the same object, read-only.

import type { SmtpSession } from './session-policy.ts';

export type SessionFacts = { -readonly [K in keyof SmtpSession]: SmtpSession[K] };

type EndpointName =
  | 'id'
  | 'remoteAddress'
  | 'remotePort'
  | 'via'
  | 'localAddress'
  | 'localPort'
  | 'service'
  | 'capture';
export type SessionEndpoints = Pick<SmtpSession, EndpointName>;

/** Before anything was said. */
export function beginFacts(endpoints: SessionEndpoints): SessionFacts {
  return {
    ...endpoints,
    helo: undefined,
    extended: false,
    tls: undefined,
    authentication: undefined,
    startTlsOffered: false,
    tlsVerb: undefined,
  };
}

/** After a handshake (RFC 3207 §4.2) or XCLIENT nothing that was said before counts any more. */
export function forgetGreeting(facts: SessionFacts): void {
  facts.helo = undefined;
  facts.extended = false;
  facts.authentication = undefined;
}

/** The same client by somebody else's word. */
export function speakFor(
  facts: SessionFacts,
  claim: { readonly address?: string | undefined; readonly port?: number | undefined },
): void {
  // The first word about it is the connection's own.
  facts.via = { protocol: 'XCLIENT', address: facts.via?.address ?? facts.remoteAddress };
  facts.remoteAddress = claim.address ?? facts.remoteAddress;
  facts.remotePort = claim.port ?? 0;
  forgetGreeting(facts);
}
