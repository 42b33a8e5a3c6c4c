// Where the package stands, and what stands in it. The one file that asks for its own place: src/ is right under the package's
// folder, and so is dist/, in which all files that run lie flat, whatever room their source is in (vite.program.config.ts).

import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json, with a slash at the end. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../', import.meta.url));

/** A program of the package's own beside this file, built or not: `worker` is src/worker.ts or dist/worker.js. */
export function ownProgram(name: string): string {
  return fileURLToPath(new URL(`${name}${extname(import.meta.url)}`, import.meta.url));
}
