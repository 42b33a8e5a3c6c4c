// What a handshake with a client is to show, as a question of the Receive connector: the verb of direct trust shows the certificate
// that the pair has on record, STARTTLS the one that names the server (exchange: selection of inbound STARTTLS and
// X-ANONYMOUSTLS certificates).

import type { ReceiveConnector } from '../directory/receive-connector.ts';
import type { TlsSettings } from '../directory/tls-settings.ts';
import type { TlsVerb } from '../smtp/tls-verb.ts';

export interface IdentityQuestion {
  readonly verb: TlsVerb;
  /** Asked for by SNI. */
  readonly servername: string | undefined;
  readonly connectorFqdn: string;
  readonly tls: TlsSettings;
}

/** `published`: the certificate of direct trust and no other; `published-first`: that one for the server's own name. */
export type Showing = 'published' | 'published-first' | 'by-name';

/** Where the pair has a verb of its own, STARTTLS is for everybody else. */
export function showingFor({ verb, tls }: Pick<IdentityQuestion, 'verb' | 'tls'>): Showing {
  if (verb === 'X-ANONYMOUSTLS') return 'published';
  return tls.tlsVerb === 'XAnonymousTls' ? 'by-name' : 'published-first';
}

/**
 * Whether it offers X-ANONYMOUSTLS, given a certificate for it. As in Exchange it does so whatever the certificate's dates: the peer
 * has it on record, and judges it by what is set for certificates out of their dates.
 */
export function offersAnonymousTls({ tlsVerb, authMechanism }: ReceiveConnector): boolean {
  return tlsVerb === 'XAnonymousTls' && authMechanism.includes('ExchangeServer');
}
