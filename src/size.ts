// Sizes as people type them and as Exchange prints them: 512KB, 1.5 GB, 1048576, "35 MB (36,700,160 bytes)".

import { Problem } from './problem.ts';

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** Octets; throws Problem `bad-size`. */
export function parseSize(text: string): number {
  const printed = /\(([\d,]+) bytes\)\s*$/.exec(text);
  const [, amount, unit] =
    /^(\d+(?:\.\d+)?)\s*([kmgt]?b)?$/i.exec(printed?.[1]?.replaceAll(',', '') ?? text.trim()) ?? [];
  const bytes = Math.round(Number(amount) * (UNITS[(unit ?? 'B').toUpperCase()] ?? 1));
  if (amount !== undefined && Number.isSafeInteger(bytes)) return bytes;
  throw new Problem('bad-size', `"${text}" is not a size; write it as 512KB, 10MB or 1GB`);
}
