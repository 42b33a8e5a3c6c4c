// BDAT as a value (RFC 3030 §2): how many octets follow, and whether they are the last. Pure.

/** One chunk as it is announced. */
export interface ChunkCommand {
  readonly sizeBytes: number;
  readonly isLast: boolean;
}

/** `argument` is what follows BDAT; undefined when nobody can tell how many octets follow. */
export function parseChunkCommand(argument: string): ChunkCommand | undefined {
  const [, digits, last] = /^(\d{1,15})(?: +(LAST))?$/i.exec(argument) ?? [];
  return digits === undefined ? undefined : { sizeBytes: Number(digits), isLast: last !== undefined };
}
