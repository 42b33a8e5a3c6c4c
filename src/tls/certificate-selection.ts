// Which of a server's certificates answers an inbound STARTTLS: a pure question over the candidates. The name decides first,
// then, for the server's own name, what was published for direct trust, then the date. Exchange's rules, with SNI in front.

import { type Certificate, namesServer, validityAt } from './certificate.ts';

export interface SelectionQuestion {
  /** The name that the client asked for by SNI, if any. */
  servername?: string | undefined;
  /** The FQDN of the Receive connector. */
  connectorFqdn: string;
  /** The FQDN of this server; its first label is the NetBIOS name. */
  serverFqdn: string;
  /** The name alone decides, also for the server's own: who asks has no certificate on record. */
  byNameAlone?: boolean | undefined;
  now: Date;
}

const NETBIOS_LENGTH = 15;

/**
 * The best of `candidates` (enabled for SMTP, with their keys), or undefined when none is made out to the name asked: then
 * STARTTLS is not offered. An expired certificate can be the answer; whether it is used is the caller's rule.
 */
export function selectCertificate<Candidate extends { readonly certificate: Certificate }>(
  candidates: readonly Candidate[],
  published: Candidate | undefined,
  question: SelectionQuestion,
): Candidate | undefined {
  const { servername, connectorFqdn, byNameAlone = false } = question;
  const naming = (name: string): Candidate[] => candidates.filter(({ certificate }) => namesServer(certificate, name));
  const bySni = servername === undefined ? [] : naming(servername);
  const [name, eligible] =
    servername !== undefined && bySni.length > 0 ? [servername, bySni] : [connectorFqdn, naming(connectorFqdn)];
  // Direct trust compares with what was published: a newer certificate for the same name is not on the peer's record.
  const isForPair = !byNameAlone && isServersOwnName(name, question.serverFqdn);
  if (isForPair && published !== undefined && eligible.includes(published)) return published;
  return eligible.toSorted((a, b) => compare(a.certificate, b.certificate, question.now))[0];
}

function isServersOwnName(name: string, serverFqdn: string): boolean {
  const asked = name.toLowerCase().replace(/\.$/, '');
  const fqdn = serverFqdn.toLowerCase();
  const [host = fqdn] = fqdn.split('.');
  return asked === fqdn || asked === host || asked === host.slice(0, NETBIOS_LENGTH);
}

/** In date before out of date, issued by an authority before self-signed, then the newest. */
function compare(a: Certificate, b: Certificate, now: Date): number {
  const outOfDate = (certificate: Certificate): number => (validityAt(certificate, now) === 'valid' ? 0 : 1);
  const selfSigned = (certificate: Certificate): number => (certificate.selfSigned ? 1 : 0);
  const byMerit = outOfDate(a) - outOfDate(b) || selfSigned(a) - selfSigned(b);
  return byMerit || b.notBefore.getTime() - a.notBefore.getTime();
}
