// How long it takes until a pair of `relaypair/testing` can be used: what is built is loaded once, then pairs are started one after
// the other, each with a letter each way. `npm run bench:fixture -- 20` starts twenty.

import { availableParallelism, loadavg } from 'node:os';

const COUNT = Number(process.argv[2] ?? 10);

const startMs = performance.now();
const { assertTravelledEncrypted, createPair } = await import('relaypair/testing');
print('the program is loaded after', performance.now() - startMs);

const starts: number[] = [];
const letters: number[] = [];
for (let number = 1; number <= COUNT; number++) {
  const beginMs = performance.now();
  await using pair = await createPair();
  const readyMs = performance.now();
  for (const direction of ['out', 'in'] as const) {
    assertTravelledEncrypted(await pair.message(await pair.send({ direction })), 'direct-trust');
  }
  starts.push(readyMs - beginMs);
  letters.push(performance.now() - readyMs);
  print(`pair ${number} is ready after`, readyMs - beginMs);
}
print('the middle one of them after', middle(starts));
print('a letter each way, followed to its end, takes', middle(letters));

const cores = availableParallelism();
process.stdout.write(`the machine: ${cores} cores, load ${loadavg()[0]?.toFixed(1) ?? '?'}\n`);

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function print(what: string, ms: number): void {
  process.stdout.write(`${what} ${ms.toFixed(0)} ms\n`);
}
