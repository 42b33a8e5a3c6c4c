// Secrets of TLS sessions as lines of text, one secret a line: the key log that NSS defined (SSLKEYLOGFILE) and that captures
// carry. Pure.

/** A label, the client's random of the session, the secret. */
const LINE = /^([A-Z][A-Z0-9_]*) ([0-9a-f]{64}) ([0-9a-f]+)$/i;

/** Secrets by session: the client's random in lower case hex, and the lines of it, each once and in order. */
export type KeyLog = ReadonlyMap<string, ReadonlySet<string>>;

/** Reads any number of key logs as one; undefined when a line is neither a secret nor a comment. */
export function readKeyLogs(texts: readonly string[]): KeyLog | undefined {
  const found = new Map<string, Set<string>>();
  for (const line of texts.flatMap((text) => text.split(/\r?\n/))) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const random = LINE.exec(line)?.[2]?.toLowerCase();
    if (random === undefined) return undefined;
    const known = found.get(random) ?? new Set();
    found.set(random, known.add(line));
  }
  return found;
}

/** The lines of the sessions that `isWanted`, as a key log. */
export function formatKeyLog(keyLog: KeyLog, isWanted: (random: string) => boolean): Buffer {
  const lines = [...keyLog].flatMap(([random, secrets]) => (isWanted(random) ? [...secrets] : []));
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}
