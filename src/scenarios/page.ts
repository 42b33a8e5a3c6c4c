// The pages of docs/lab/, written from the definitions: one for each scenario, and the list of them. Pure.

import { explainReason } from '../trust/reasons.ts';
import type { LetterStep, Scenario, Step } from './scenario.ts';

/** docs/lab/README.md */
export function formatIndex(scenarios: readonly Scenario[]): string {
  return [
    '# Guided scenarios',
    '',
    'Each plays on a Hub and an Edge of its own, with real certificates, sockets, directories and messages, and checks everything that it',
    'says, on the decision cards of both servers and on the path between them. `relaypair lab list` lists them, `relaypair lab run NAME`',
    'plays one and explains what happens, `--json` tells a program, and `--repeat 50` plays it fifty times and compares the decision cards,',
    'ids, ports, times and thumbprints aside. These pages are written from the same definitions (`src/scenarios/`).',
    '',
    '| scenario | |',
    '| --- | --- |',
    ...scenarios.map(({ name, title }) => `| [${name}](${name}.md) | ${title} |`),
    '',
  ].join('\n');
}

/** docs/lab/NAME.md */
export function formatPage({ name, title, about, steps }: Scenario): string {
  return [
    `# ${title}`,
    '',
    ...about.flatMap((paragraph) => [paragraph, '']),
    `\`relaypair lab run ${name}\` plays it.`,
    '',
    ...steps.flatMap((step, index) => formatStep(step, index + 1)),
  ]
    .join('\n')
    .replace(/\n*$/, '\n');
}

function formatStep({ tells, commands = [], letters = [], facts = [] }: Step, number: number): string[] {
  return [
    `## ${number}`,
    '',
    tells,
    '',
    ...(commands.length === 0 ? [] : ['```', ...commands.map((command) => `relaypair ${command}`), '```', '']),
    ...[...letters.map(formatLetter), ...facts.map(({ says }) => `- ${says}`)],
    ...(letters.length + facts.length === 0 ? [] : ['']),
  ];
}

const WAYS = { out: 'to the world', in: 'from the world' } as const;
const ENDS = { encrypted: 'in TLS', 'in clear': 'in clear', waiting: 'waits' } as const;

function formatLetter({ letter, direction = 'out', through, becomes, reason }: LetterStep): string {
  const way = through === undefined ? WAYS[direction] : `${WAYS[direction]}, by ${through.toUpperCase()}`;
  const why = reason === undefined ? '' : `: \`${reason}\`, ${explainReason(reason)}`;
  return `- the letter "${letter}" ${way}: **${ENDS[becomes]}**${why}`;
}
