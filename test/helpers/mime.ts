// Enough of a MIME reader to read a report back: fields, folded or not, the parts of a multipart, and text decoded.

export interface Part {
  readonly fields: ReadonlyMap<string, string>;
  readonly content: string;
}

function readPart(text: string): Part {
  const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n');
  const header = end < 0 ? text : text.slice(0, end);
  return { fields: readFields(header), content: end < 0 ? '' : text.slice(end === 0 ? 2 : end + 4) };
}

/** By names in lower case; the first of a name counts. */
function readFields(header: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of header.replaceAll(/\r\n(?=[ \t])/g, '').split('\r\n')) {
    const [, name, value] = /^([!-9;-~]+):[ \t]*(.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no field: ${JSON.stringify(line)}`);
    if (!fields.has(name.toLowerCase())) fields.set(name.toLowerCase(), value);
  }
  return fields;
}

/** The parts between the boundaries that the Content-Type names; throws when the closing one is missing. */
function readParts({ fields, content }: Part): Part[] {
  const boundary = /boundary="([^"]+)"/.exec(fields.get('content-type') ?? '')?.[1];
  const [body, ...after] = `\r\n${content}`.split(`\r\n--${boundary}--\r\n`);
  if (boundary === undefined || body === undefined || after.length !== 1) throw new Error('no multipart');
  return body.split(`\r\n--${boundary}\r\n`).slice(1).map(readPart);
}

/** Groups of fields, an empty line between them (RFC 3464 §2.1). */
function readGroups(content: string): Map<string, string>[] {
  return content
    .replace(/(?:\r\n)+$/, '')
    .split('\r\n\r\n')
    .map(readFields);
}

/** A report taken apart. */
export interface ReadReport {
  readonly report: Part;
  /** Decoded. */
  readonly text: string;
  readonly html: string;
  readonly status: Part;
  readonly returned: Part;
  /** Fields of the message, then of each recipient. */
  readonly groups: readonly ReadonlyMap<string, string>[];
}

/** Throws when a part is missing. */
export function readReport(octets: Buffer): ReadReport {
  const report = readPart(octets.toString('latin1'));
  const [human, status, returned] = readParts(report);
  const [text, html] = human ? readParts(human) : [];
  if (!text || !html || !status || !returned) throw new Error('a part is missing');
  return { report, text: decode(text), html: decode(html), status, returned, groups: readGroups(status.content) };
}

/** The text of a part, its encoding and UTF-8 undone. */
export function decode({ fields, content }: Part): string {
  const isQuoted = fields.get('content-transfer-encoding') === 'quoted-printable';
  const octets = isQuoted
    ? content
        .replaceAll('=\r\n', '')
        .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : content;
  return Buffer.from(octets, 'latin1').toString('utf8');
}
