// The TLS parameters that connectors of both kinds share, what they change, and what is said aloud of terms that can be broken.

import { findWeakTls, TLS_VERBS, type TlsSettings } from '../directory/tls-settings.ts';
import { intraOrgTls, type TransportConfig } from '../directory/transport-config.ts';
import { findSuite, TLS_VERSIONS, type TlsTerms } from '../tls/tls-terms.ts';
import type { GivenChanges } from './given-changes.ts';
import type { OutputRecord } from './output.ts';
import type { Arguments, Parameters } from './parameters.ts';
import { INTRA_ORG_CONNECTOR } from '../transport/route.ts';

export const TLS_PARAMETERS = {
  TlsMinimumVersion: {
    type: 'enum',
    choices: TLS_VERSIONS,
    help: 'The lowest TLS version; what is below Tls12 can be broken and is for tests of packets',
  },
  TlsCipherSuites: {
    type: 'strings',
    help: "OpenSSL's names of the cipher suites, the most wanted first; $null for those with forward secrecy and AEAD",
  },
} as const satisfies Parameters;

/** For the parameter -TlsVerb, whose help differs. */
export const TLS_VERB = { type: 'enum', choices: TLS_VERBS } as const;

type Given = Partial<Arguments<typeof TLS_PARAMETERS>> & { readonly TlsVerb?: TlsSettings['tlsVerb'] | undefined };

export function tlsChanges(given: Given): GivenChanges<TlsSettings> {
  return {
    tlsVerb: given.TlsVerb,
    tlsMinimumVersion: given.TlsMinimumVersion,
    tlsCipherSuites: given.TlsCipherSuites?.map((name) => findSuite(name) ?? name),
  };
}

export function describeTlsSettings(settings: TlsSettings): OutputRecord {
  return {
    TlsCipherSuites: settings.tlsCipherSuites,
    TlsMinimumVersion: settings.tlsMinimumVersion,
    TlsVerb: settings.tlsVerb,
  };
}

/** One for each connector that allows what can be broken, as often as it is looked at. */
export function weakTlsWarnings(connectors: readonly (TlsTerms & { readonly name: string })[]): readonly string[] {
  return findWeakTls(connectors).map(
    ({ connector, weakness }) =>
      `"${connector}" allows TLS that can be broken: ${weakness}. Whoever is on the way may read and change mail. This is for tests of packets.`,
  );
}

/** The same for the one that only Get- and Set-TransportConfig reach. */
export function hiddenConnectorWarnings(config: TransportConfig): readonly string[] {
  return weakTlsWarnings([{ name: INTRA_ORG_CONNECTOR, ...intraOrgTls(config) }]);
}
