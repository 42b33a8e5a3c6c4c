import { beforeAll, describe, expect, it } from 'vitest';
import type { Certificate } from '../../../src/tls/certificate.ts';
import { selectCertificate } from '../../../src/tls/certificate-selection.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';

interface Candidate {
  readonly label: string;
  readonly certificate: Certificate;
}

let template: Certificate;
beforeAll(async () => {
  const made = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.contoso.com', notBefore: new Date(0) });
  template = made.certificate;
});

const NOW = new Date('2027-06-01T00:00:00Z');
const OWN = ['EDGE01', 'edge01.contoso.com'];
const MAIL = ['mail.contoso.com'];

/** label, names, year it begins in (it lasts one year) */
type Row = [string, readonly string[], number];

const rows: Record<string, Row> = {
  published: ['published', OWN, 2027],
  expired: ['expired', OWN, 2025],
  newer: ['newer', OWN, 2027.2],
  mail: ['mail', MAIL, 2027],
  mailNewer: ['mail newer', MAIL, 2027.2],
  mailFuture: ['mail future', MAIL, 2030],
  mailExpired: ['mail expired', MAIL, 2020],
  wildcard: ['wildcard', ['*.contoso.com'], 2027.1],
};

function make([label, domains, year]: Row): Candidate {
  const start = Date.UTC(2027, 0, 1) + (year - 2027) * 365.25 * 86_400_000;
  const dates = { notBefore: new Date(start), notAfter: new Date(start + 365 * 86_400_000) };
  return { label, certificate: { ...template, domains, ...dates } };
}

interface Case {
  name: string;
  have: readonly (keyof typeof rows)[];
  published?: keyof typeof rows;
  sni?: string;
  connector?: string;
  expected: string | undefined;
}

const cases: Case[] = [
  { name: 'nothing without candidates', have: [], expected: undefined },
  { name: 'nothing when none is made out to the connector', have: ['mail'], expected: undefined },
  { name: 'the one made out to the connector', have: ['mail', 'newer'], expected: 'newer' },
  {
    name: "the published one for the server's FQDN, although another is newer",
    have: ['newer', 'published'],
    published: 'published',
    expected: 'published',
  },
  {
    name: 'the published one for the FQDN in another letter case',
    have: ['newer', 'published'],
    published: 'published',
    connector: 'EDGE01.Contoso.COM',
    expected: 'published',
  },
  {
    name: 'the published one for the NetBIOS name',
    have: ['newer', 'published'],
    published: 'published',
    connector: 'Edge01',
    expected: 'published',
  },
  {
    name: 'the published one when SNI asks for the FQDN',
    have: ['newer', 'published', 'mail'],
    published: 'published',
    sni: 'edge01.contoso.com',
    connector: 'mail.contoso.com',
    expected: 'published',
  },
  {
    name: 'the published one even when it has expired',
    have: ['newer', 'expired'],
    published: 'expired',
    expected: 'expired',
  },
  {
    name: 'another when the published one does not name the server',
    have: ['newer', 'mail'],
    published: 'mail',
    expected: 'newer',
  },
  {
    name: 'another when the published one is not among the candidates',
    have: ['newer'],
    published: 'published',
    expected: 'newer',
  },
  {
    name: "the one that SNI names before the connector's",
    have: ['mail', 'newer'],
    sni: 'mail.contoso.com',
    expected: 'mail',
  },
  { name: "the connector's when SNI names none", have: ['mail', 'newer'], sni: 'other.example', expected: 'newer' },
  {
    name: 'nothing when neither SNI nor connector is named',
    have: ['mail'],
    sni: 'other.example',
    expected: undefined,
  },
  { name: 'the newest', have: ['mail', 'mailNewer'], sni: 'mail.contoso.com', expected: 'mail newer' },
  {
    name: 'one in date before a newer one that has not begun',
    have: ['mailFuture', 'mail'],
    sni: 'mail.contoso.com',
    expected: 'mail',
  },
  {
    name: 'one in date before one that has expired',
    have: ['mailExpired', 'mail'],
    sni: 'mail.contoso.com',
    expected: 'mail',
  },
  {
    name: 'an expired one rather than nothing',
    have: ['mailExpired'],
    sni: 'mail.contoso.com',
    expected: 'mail expired',
  },
  {
    name: 'a wildcard by its date like any other',
    have: ['mail', 'wildcard'],
    sni: 'mail.contoso.com',
    expected: 'wildcard',
  },
  {
    name: "the published one only for the server's own name",
    have: ['wildcard', 'mailNewer'],
    published: 'wildcard',
    sni: 'mail.contoso.com',
    expected: 'mail newer',
  },
];

describe('selectCertificate', () => {
  it.each(cases)('chooses $name', ({ have, published, sni, connector, expected }) => {
    const all = new Map(Object.keys(rows).map((key) => [key, make(rows[key] as Row)]));
    const candidates = have.flatMap((key) => all.get(key) ?? []);
    const question = {
      servername: sni,
      connectorFqdn: connector ?? 'edge01.contoso.com',
      serverFqdn: 'edge01.contoso.com',
      now: NOW,
    };
    const chosen = selectCertificate(candidates, published === undefined ? undefined : all.get(published), question);
    expect(chosen?.label).toBe(expected);
  });
});
