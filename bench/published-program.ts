// What the benches start.

/** What is published, and not the sources: a program that reads TypeScript needs 30 MiB for that alone. */
export const PROGRAM = new URL('../dist/main.js', import.meta.url).pathname;
