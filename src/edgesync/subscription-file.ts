// The Edge Subscription file, in Exchange's format: what the Edge tells a Hub about itself, its certificate, the bootstrap
// account and how long that lives. Written by the Edge, carried by hand, read here without storing anything. Whether the
// certificate is the right one is for the person who imports it; what becomes of the data is the cmdlet's business.

import { isProblem, messageOf, Problem } from '../problem.ts';
import { type Certificate, parseCertificate } from '../tls/certificate.ts';
import { readSubscriptionXml } from './subscription-reader.ts';
import {
  problem,
  quote,
  type SubscriptionElement,
  type SubscriptionField,
  writeSubscriptionXml,
} from './subscription-xml.ts';
import { dateToTicks, durationToTicks, MAX_TICKS, ticksToDate, ticksToDurationMs } from './ticks.ts';

export { MAX_SUBSCRIPTION_SIZE_BYTES } from './subscription-reader.ts';

export interface SubscriptionData {
  /** The NetBIOS name, which the subscription in AD takes. */
  readonly edgeServerName: string;
  readonly edgeServerFqdn: string;
  readonly certificate: Certificate;
  /** The bootstrap account; Exchange calls it ESRA here although it is the ESBRA. */
  readonly esraUsername: string;
  /** In clear: the file is a secret until the account has been replaced. */
  readonly esraPassword: string;
  readonly effectiveDate: Date;
  readonly durationMs: number;
  readonly adamSslPort: number;
  readonly serverType: string;
  readonly productId: string;
  readonly versionNumber: number;
  /** "Version 8.1 (Build 30240.6)" */
  readonly serialNumber: string;
  /** What the Edge's ADAM shows where that is not the Edge itself: slapd's own certificate. Our own, Exchange has no such element. */
  readonly adamCertificate?: Certificate | undefined;
}

/** How far in the future the export may lie: two clocks never agree. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;
/** New-EdgeSubscription gives the bootstrap account no more; a file that says so was changed. */
const MAX_DURATION_TICKS = durationToTicks(86_400_000);
const MAX_INT32 = 2_147_483_647n;
const MAX_TEXT_LENGTH = 1024;

/** The file's text; throws Problem `subscription-unwritable` when it could not be read back as the same data. */
export function writeSubscription(data: SubscriptionData): string {
  const text = compose(data);
  try {
    if (compose(readSubscription(Buffer.from(text))) === text) return text;
  } catch (error) {
    throw unwritable(messageOf(error), error);
  }
  throw unwritable('a text in it cannot be carried by XML');
}

function unwritable(why: string, cause?: unknown): Problem {
  return new Problem('subscription-unwritable', `no Edge Subscription file can be made of this server's data: ${why}`, {
    cause,
  });
}

function compose(data: SubscriptionData): string {
  return writeSubscriptionXml({
    EdgeServerName: data.edgeServerName,
    EdgeServerFQDN: data.edgeServerFqdn,
    EdgeCertificateBlob: data.certificate.der.toString('base64'),
    PfxKPKCertificateBlob: '',
    ESRAUsername: data.esraUsername,
    ESRAPassword: data.esraPassword,
    EffectiveDate: dateToTicks(data.effectiveDate).toString(),
    Duration: durationToTicks(data.durationMs).toString(),
    AdamSslPort: data.adamSslPort.toString(),
    ServerType: data.serverType,
    ProductID: data.productId,
    VersionNumber: data.versionNumber.toString(),
    SerialNumber: data.serialNumber,
    AdamCertificateBlob: data.adamCertificate?.der.toString('base64') ?? '',
  });
}

/** Reads a file whole and strictly; throws Problem `subscription-…` for everything that is not as it should be. */
export function readSubscription(content: Buffer): SubscriptionData {
  const fields = readSubscriptionXml(content);
  const field = (name: SubscriptionElement): SubscriptionField => fields.get(name) ?? { name, text: '', line: 0 };
  // Not used by this product, but no place to hide something else.
  readBase64(field('PfxKPKCertificateBlob'));
  return {
    edgeServerName: readName(field('EdgeServerName')),
    edgeServerFqdn: readFqdn(field('EdgeServerFQDN')),
    certificate: readCertificate(field('EdgeCertificateBlob')),
    esraUsername: readText(field('ESRAUsername'), { isRequired: true }),
    esraPassword: readPassword(field('ESRAPassword')),
    ...readWindow(field('EffectiveDate'), field('Duration')),
    adamSslPort: Number(readInteger(field('AdamSslPort'), { min: 1n, max: 65_535n, what: 'a port from 1 to 65535' })),
    serverType: readText(field('ServerType')),
    productId: readText(field('ProductID')),
    versionNumber: Number(readInteger(field('VersionNumber'), { min: 0n, max: MAX_INT32, what: 'a whole number' })),
    serialNumber: readText(field('SerialNumber')),
    adamCertificate:
      field('AdamCertificateBlob').text === '' ? undefined : readCertificate(field('AdamCertificateBlob')),
  };
}

/** Throws Problem `subscription-expired` or `subscription-not-yet-valid` when the account in the file is of no use at `now`. */
export function checkSubscriptionTimes(data: SubscriptionData, now: Date): void {
  const effectiveMs = data.effectiveDate.getTime();
  const expires = new Date(effectiveMs + data.durationMs);
  if (now.getTime() >= expires.getTime()) {
    const dates = `was made on ${stamp(data.effectiveDate)} and expired on ${stamp(expires)}; here it is ${stamp(now)}`;
    throw problem(
      'expired',
      `of ${data.edgeServerFqdn} ${dates}`,
      'export it again with New-EdgeSubscription on the Edge',
    );
  }
  if (effectiveMs > now.getTime() + CLOCK_TOLERANCE_MS) {
    const dates = `was made on ${stamp(data.effectiveDate)}, which is in the future: here it is ${stamp(now)}`;
    throw problem('not-yet-valid', `of ${data.edgeServerFqdn} ${dates}`, 'compare the clocks of the two servers');
  }
}

function stamp(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function readName(field: SubscriptionField): string {
  const name = field.text.trim();
  if (/^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/.test(name)) return name;
  throw wrongValue(field, 'a computer name (letters, digits, hyphens)');
}

function readFqdn(field: SubscriptionField): string {
  const name = field.text.trim();
  const label = '(?!-)[A-Za-z0-9-]{1,63}(?<!-)';
  const isName = name.length <= 253 && new RegExp(`^${label}(?:\\.${label})+$`).test(name);
  // A last label of digits alone is an address.
  if (isName && !/\.\d+$/.test(name)) return name;
  throw wrongValue(field, 'a fully qualified name such as edge01.contoso.com');
}

function readCertificate(field: SubscriptionField): Certificate {
  const der = readBase64(field);
  try {
    const certificate = parseCertificate(der);
    if (certificate.der.equals(der)) return refuseChanged(certificate, field);
  } catch (error) {
    if (isProblem(error, 'subscription-certificate')) throw error;
    throw problem(
      'certificate',
      `(line ${field.line}) has no usable certificate in <${field.name}> (${messageOf(error)})`,
      undefined,
      error,
    );
  }
  throw problem('certificate', `(line ${field.line}) has something else than one DER certificate in <${field.name}>`);
}

/** One that names itself as its issuer and whose signature its own key did not make is not as it left the Edge. */
function refuseChanged(certificate: Certificate, field: SubscriptionField): Certificate {
  if (certificate.subject !== certificate.issuer || certificate.selfSigned) return certificate;
  const what = `(line ${field.line}) has a certificate in <${field.name}> that was changed: its own signature does not fit`;
  throw problem('certificate', what, 'export it again with New-EdgeSubscription on the Edge');
}

function readBase64(field: SubscriptionField): Buffer {
  const text = field.text.replaceAll(/[ \t\r\n]/g, '');
  const bytes = Buffer.from(text, 'base64');
  // Node forgives what is not base64; only what encodes to the same text was.
  if (bytes.toString('base64') === text) return bytes;
  throw wrongValue(field, 'base64');
}

function readWindow(
  effective: SubscriptionField,
  duration: SubscriptionField,
): { effectiveDate: Date; durationMs: number } {
  const effectiveTicks = readInteger(effective, { min: 1n, max: MAX_TICKS, what: 'a date in ticks' });
  const left = MAX_TICKS - effectiveTicks;
  const durationTicks = readInteger(duration, {
    min: 10_000n,
    max: left < MAX_DURATION_TICKS ? left : MAX_DURATION_TICKS,
    what: 'a duration in ticks of at most 24 hours',
  });
  return { effectiveDate: ticksToDate(effectiveTicks), durationMs: ticksToDurationMs(durationTicks) };
}

function readInteger(field: SubscriptionField, range: { min: bigint; max: bigint; what: string }): bigint {
  const text = field.text.trim();
  const value = /^(?:0|[1-9]\d{0,18})$/.test(text) ? BigInt(text) : undefined;
  if (value !== undefined && value >= range.min && value <= range.max) return value;
  throw wrongValue(field, range.what);
}

function readText(field: SubscriptionField, { isRequired = false } = {}): string {
  const text = field.text.trim();
  if (isPlain(text) && (text !== '' || !isRequired)) return text;
  throw wrongValue(field, `${isRequired ? 'one to' : 'at most'} ${MAX_TEXT_LENGTH} printable characters`);
}

/** Taken as it stands, spaces at the ends included, and never repeated in a sentence. */
function readPassword(field: SubscriptionField): string {
  if (isPlain(field.text) && field.text !== '') return field.text;
  throw problem('value', `(line ${field.line}) has no usable password in <${field.name}>`);
}

function isPlain(text: string): boolean {
  return text.length <= MAX_TEXT_LENGTH && !/\p{Cc}|\p{Cs}/u.test(text);
}

function wrongValue(field: SubscriptionField, expected: string): Problem {
  return problem(
    'value',
    `(line ${field.line}) has "${quote(field.text.trim())}" in <${field.name}> where ${expected} belongs`,
  );
}
