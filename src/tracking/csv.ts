// One record of comma-separated values on one line (RFC 4180 §2). Line breaks inside a field are not its business: the
// writer of a log escapes them first, so that a record never spans lines.

/** The fields as one line, quoted where needed. */
export function formatCsvLine(fields: readonly string[]): string {
  return fields.map(formatField).join(',');
}

/** An empty field, of which a record has some, is not searched. */
function formatField(field: string): string {
  if (field === '' || !/[",\r\n]|^\s|\s$/.test(field)) return field;
  return `"${field.replaceAll('"', '""')}"`;
}

/** The fields of one line; undefined when a quote stands where none may. */
export function parseCsvLine(line: string): string[] | undefined {
  const fields: string[] = [];
  const field = /(?:"([^"]*(?:""[^"]*)*)"|([^",]*))(,|$)/gy;
  for (;;) {
    const match = field.exec(line);
    if (!match) return undefined;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') return fields;
  }
}
