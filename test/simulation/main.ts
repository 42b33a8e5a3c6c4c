// npm run simulate -- [--seed N] [--runs N] [--nodes N] [--minutes N] [--breach NAME]: the simulation of simulation.ts, for as many
// seeds as there is time for. Exit code 1 when the protocol was broken; the seed that is printed does it again.

import { parseArgs } from 'node:util';
import { BREACHES } from './simulated-node.ts';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '5' },
    nodes: { type: 'string', default: '300' },
    minutes: { type: 'string', default: '10' },
    breach: { type: 'string', default: 'none' },
  },
});
const breach = BREACHES.find((name) => name === values.breach);
const [seed, runs, nodes, minutes] = [values.seed, values.runs, values.nodes, values.minutes].map(Number);
if (
  breach === undefined ||
  ![seed, runs, nodes, minutes].every((number) => Number.isInteger(number) && Number(number) > 0)
) {
  console.error(
    `simulate: --seed, --runs, --nodes and --minutes are whole numbers from 1, --breach one of ${BREACHES.join(', ')}`,
  );
  process.exit(2);
}
for (let run = 0; run < Number(runs); run += 1) {
  const options = { seed: Number(seed) + run, nodes: Number(nodes), minutes: Number(minutes), breach };
  const { breaches, ...counts } = simulate(options);
  const words = Object.entries({ seed: options.seed, nodes: options.nodes, ...counts });
  console.log(words.map(([name, value]) => `${name} ${value}`).join(', '));
  for (const each of breaches) console.log(`  ${each}`);
  if (breaches.length > 0) process.exitCode = 1;
}
