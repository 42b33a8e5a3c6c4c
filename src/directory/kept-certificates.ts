// The certificates of a server of the organization as the last good state of a directory has them, the next one of a staged
// renewal included: when the Hub that serves AD renews its certificate, the hubs that joined it know the new one beforehand.

import { getText } from '../ldap/entry.ts';
import type { Certificate } from '../tls/certificate.ts';
import { certificatesOnRecord } from '../tls/on-record.ts';
import type { KeptState } from './kept-state.ts';
import { isSameName } from './organization.ts';
import { heldBy, transportServerView } from './transport-server.ts';

/** Current and next of the server with that FQDN; none when the state has no such server. The previous one has left the door. */
export function keptCertificatesOf(kept: KeptState, fqdn: string, now: Date): readonly Certificate[] {
  const { objectClass, fields } = transportServerView;
  const entries = kept.namingContext === undefined ? [] : (kept.entriesOf(kept.namingContext) ?? []);
  return entries
    .filter((entry) => isSameName(getText(entry, 'objectClass') ?? '', objectClass))
    .filter((entry) => isSameName(getText(entry, fields.fqdn.attribute) ?? '', fqdn))
    .flatMap((entry) => certificatesOnRecord(heldBy(transportServerView.fromEntry(entry)), now))
    .filter(({ part }) => part !== 'previous')
    .map(({ certificate }) => certificate);
}
