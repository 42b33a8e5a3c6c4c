// Events of TLS that a connector allows although it can be broken: ids 30350 to 30359.

import { define } from './event.ts';

/** By symbolic name. */
export const TLS_EVENTS = {
  WeakTlsAllowed: define<{ connector: string; weakness: string }>({
    id: 30_350,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `The connector "${facts.connector}" allows TLS that can be broken: ${facts.weakness}. That is for tests of packets. Set TlsMinimumVersion to Tls12 and TlsCipherSuites to $null on the connector to end it (IntraOrgTlsMinimumVersion and IntraOrgTlsCipherSuites of Set-TransportConfig for the hidden one).`,
    key: (facts) => `${facts.connector} ${facts.weakness}`,
  }),
};
