// How many of something, in English.

/** "1 message", "2,000 messages". */
export function count(number: number, one: string, many: string): string {
  return `${number.toLocaleString('en-GB')} ${number === 1 ? one : many}`;
}
