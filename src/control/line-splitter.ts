// Cuts a byte stream into lines and refuses to gather more than it was allowed to.

const LF = 0x0a;

export class LineTooLong extends Error {}

/** A function that takes the next chunk and returns the lines it completed; throws LineTooLong beyond `maxBytes`. */
export function createLineSplitter(maxBytes: number): (chunk: Buffer) => Buffer[] {
  let pieces: Buffer[] = [];
  let gathered = 0;
  return (chunk) => {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      const line = Buffer.concat([...pieces, chunk.subarray(start, end)]);
      if (line.length > maxBytes) throw new LineTooLong();
      lines.push(line);
      pieces = [];
      gathered = 0;
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    gathered += rest.length;
    if (gathered > maxBytes) throw new LineTooLong();
    if (rest.length > 0) pieces.push(rest);
    return lines;
  };
}
