// Names that people give a new certificate: a subject as one line, and DNS names. They become node-forge's fields here and
// nowhere else, in the string types that RFC 5280 §4.1.2.4 asks for.

import { domainToASCII } from 'node:url';
import forge from 'node-forge';
import { Problem } from '../problem.ts';

const ATTRIBUTES = {
  CN: 'commonName',
  O: 'organizationName',
  OU: 'organizationalUnitName',
  L: 'localityName',
  S: 'stateOrProvinceName',
  ST: 'stateOrProvinceName',
  C: 'countryName',
  E: 'emailAddress',
  EMAILADDRESS: 'emailAddress',
  DC: 'domainComponent',
} as const;

const DOMAIN_COMPONENT = '0.9.2342.19200300.100.1.25';
const MAX_VALUE_LENGTH = 64;
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i;

/**
 * The fields of "CN=mail.contoso.com, O=Contoso, C=US", general ones first as X.500 encodes them. Commas inside a value are
 * written `\,`. Throws Problem `subject-unreadable`.
 */
export function parseSubjectName(text: string): forge.pki.CertificateField[] {
  const parts = text.match(/(?:[^,\\]|\\.)+/g) ?? [];
  const fields = parts.map((part) => parseAttribute(part, text));
  if (fields.length === 0) throw unreadableSubject(text);
  return fields.toReversed();
}

function parseAttribute(part: string, whole: string): forge.pki.CertificateField {
  const [, type = '', written = ''] = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
  const name = ATTRIBUTES[type.toUpperCase() as keyof typeof ATTRIBUTES] as string | undefined;
  const value = written.replaceAll(/\\(.)/g, '$1');
  if (name === undefined || value === '' || value.length > MAX_VALUE_LENGTH) throw unreadableSubject(whole);
  if (name === 'countryName' && !/^[A-Za-z]{2}$/.test(value)) throw unreadableSubject(whole);
  const identity = name === 'domainComponent' ? { type: DOMAIN_COMPONENT } : { name };
  return { ...identity, value, valueTagClass: stringType(name, value) };
}

/** A subject of a common name alone. Throws Problem `subject-unreadable` when it is empty or longer than X.520 allows. */
export function commonName(value: string): forge.pki.CertificateField[] {
  return parseSubjectName(`CN=${value.replaceAll(/[\\,]/g, '\\$&')}`);
}

function stringType(name: string, value: string): forge.asn1.Class {
  const { IA5STRING, PRINTABLESTRING, UTF8 } = forge.asn1.Type;
  const isMailName = name === 'emailAddress' || name === 'domainComponent';
  const type = isMailName ? IA5STRING : /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value) ? PRINTABLESTRING : UTF8;
  // @types/node-forge declares this field by the wrong one of forge's two enums.
  return type as unknown as forge.asn1.Class;
}

/** DNS names for a SAN: IDNA in its ASCII form, each once, in order. Throws Problem `domain-name-invalid`. */
export function normalizeDomains(names: readonly string[]): readonly string[] {
  const found = new Map<string, string>();
  for (const name of names) {
    const ascii = /[^\x20-\x7e]/.test(name) ? domainToASCII(name) : name;
    if (!isDomainName(ascii))
      throw new Problem('domain-name-invalid', `"${name}" is not a domain name that a certificate can hold`);
    if (!found.has(ascii.toLowerCase())) found.set(ascii.toLowerCase(), ascii);
  }
  return [...found.values()];
}

function isDomainName(name: string): boolean {
  const labels = (name.startsWith('*.') ? name.slice(2) : name).split('.');
  return name.length <= 253 && labels.every((label) => LABEL.test(label));
}

function unreadableSubject(text: string): Problem {
  return new Problem(
    'subject-unreadable',
    `"${text}" is not a subject name; write it as "CN=mail.contoso.com, O=Contoso, C=US", each value at most ${MAX_VALUE_LENGTH} characters`,
  );
}
