// PEM text (RFC 7468) taken apart: labels and bodies, nothing about what is in them. Two readings: strict, where nothing but
// blank space may stand outside the blocks, and the one for files that people bring, where tools leave their own remarks.

/** One `-----BEGIN label-----` block. */
export interface PemBlock {
  readonly label: string;
  /** The block as it was written, for readers that need its headers (an encrypted PKCS#1 key). */
  readonly text: string;
  /** The bytes; undefined when the body is not plain base64 (RFC 1421 headers, or garbage). */
  readonly der: Buffer | undefined;
}

export interface PemFile {
  readonly blocks: readonly PemBlock[];
  /** True when something besides blank space stands outside the blocks. */
  readonly hasOtherText: boolean;
}

const BEGIN = /-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n/g;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Every block of a text, in order. Never throws; a text without a block gives none. */
export function readPem(text: string): PemFile {
  const blocks: PemBlock[] = [];
  let outside = '';
  let position = 0;
  for (const { 0: begin, 1: label = '', index } of text.matchAll(BEGIN)) {
    const bodyStart = index + begin.length;
    // Up to the next five dashes, whatever they begin: a text full of beginnings is read once, not once for each.
    const bodyEnd = text.indexOf('-----', bodyStart);
    const end = `-----END ${label}-----`;
    if (index < position || bodyEnd < 0 || !text.startsWith(end, bodyEnd)) continue;
    outside += text.slice(position, index);
    position = bodyEnd + end.length;
    blocks.push({ label, text: `${text.slice(index, position)}\n`, der: decodeBase64(text.slice(bodyStart, bodyEnd)) });
  }
  return { blocks, hasOtherText: (outside + text.slice(position)).trim() !== '' };
}

/** A block as OpenSSL writes it: 64 characters a line. */
export function formatPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function decodeBase64(body: string): Buffer | undefined {
  const compact = body.replaceAll(/\s/g, '');
  // Node's own decoder skips what is not base64; here that would be a second spelling of one certificate.
  if (compact.length % 4 !== 0 || !BASE64.test(compact)) return undefined;
  const der = Buffer.from(compact, 'base64');
  return der.toString('base64') === compact ? der : undefined;
}
