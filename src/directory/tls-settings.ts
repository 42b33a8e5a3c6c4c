// What connectors of either kind say about TLS beside whether it is wanted: by which verb, from which version on, with which
// suites. The hidden connector from Hub to Edge has its own in transport-config.ts.

import { describeWeakness, TLS_VERSIONS, type TlsTerms } from '../tls/tls-terms.ts';
import { choiceField, orderedTextField } from './attribute-field.ts';

export const TLS_VERBS = ['StartTls', 'XAnonymousTls'] as const;
/**
 * On a Send connector to the pair XAnonymousTls prefers X-ANONYMOUSTLS, Exchange's verb for direct trust, to STARTTLS. On a Receive
 * connector it is offered beside STARTTLS, which then shows the certificate of the name alone and asks for none.
 */
export type TlsVerbChoice = (typeof TLS_VERBS)[number];

export interface TlsSettings extends TlsTerms {
  readonly tlsVerb: TlsVerbChoice;
}

export const DEFAULT_TLS_SETTINGS: TlsSettings = {
  tlsVerb: 'StartTls',
  tlsMinimumVersion: 'Tls12',
  tlsCipherSuites: [],
};

/** Those of a connector, without the rest of it. */
export function tlsSettingsOf({ tlsVerb, tlsMinimumVersion, tlsCipherSuites }: TlsSettings): TlsSettings {
  return { tlsVerb, tlsMinimumVersion, tlsCipherSuites };
}

/** The three fields, whose attributes begin with `prefix`. */
export function tlsFields(prefix: string) {
  return {
    tlsVerb: choiceField(`${prefix}TlsVerb`, TLS_VERBS, 'StartTls'),
    tlsMinimumVersion: choiceField(`${prefix}TlsMinimumVersion`, TLS_VERSIONS, 'Tls12'),
    tlsCipherSuites: orderedTextField(`${prefix}TlsCipherSuites`),
  };
}

/** A connector that allows what can be broken, and what that is. */
export interface WeakTls {
  readonly connector: string;
  readonly weakness: string;
}

/** Those of them that do. */
export function findWeakTls(connectors: readonly (TlsTerms & { readonly name: string })[]): readonly WeakTls[] {
  return connectors.flatMap((connector) => {
    const weakness = describeWeakness(connector);
    return weakness === undefined ? [] : [{ connector: connector.name, weakness }];
  });
}
