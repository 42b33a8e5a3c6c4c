// What a bench measured goes into its page of the documentation, between two marks, with the machine, the day and the command.

import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

/** Replaces what stands between the marks of a page in docs/; `command` is how the bench is called, without its parameters. */
export function writeMeasured(name: string, command: string, made: string): void {
  const page = new URL(`../docs/${name}`, import.meta.url);
  const [begin, end] = ['<!-- measured -->', '<!-- end of measured -->'];
  const text = readFileSync(page, 'utf8');
  const machine = `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const called = [`${command} --`, ...process.argv.slice(2)].join(' ');
  const head = `${new Date().toISOString().slice(0, 10)}, ${machine}, Linux ${release()}, Node ${process.versions.node}: \`${called}\``;
  const before = text.slice(0, text.indexOf(begin) + begin.length);
  writeFileSync(page, `${before}\n\n${head}\n\n${made}\n\n${text.slice(text.indexOf(end))}`);
}
