// The version of the package, from its own package.json: src/ and dist/ both stand right under it.

import { readFileSync } from 'node:fs';

/** As in package.json: "0.1.0". */
export function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
