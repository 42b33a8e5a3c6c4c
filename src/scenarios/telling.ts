// `relaypair lab run NAME`: a scenario played for a person, with the explanation beside what happens, or for a program, as JSON; and
// played again and again, to show that the same happens each time.

import { Problem } from '../problem.ts';
import { Story } from '../lab/story.ts';
import type { TracedMessage } from '../lab/traced-message.ts';
import { explainReason } from '../trust/reasons.ts';
import { firstDifference } from './comparable-card.ts';
import { type Audience, type Playing, playScenario } from './playing.ts';
import type { LetterStep, Scenario, Step } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';

export interface Telling {
  readonly name: string;
  /** How often it is played; the cards of each playing are compared with those of the first. */
  readonly repeat: number;
  readonly isJson: boolean;
  /** Takes one line, without its end. */
  readonly onText: (text: string) => void;
  readonly onProgress: (text: string) => void;
  /** Ends it between two steps, and everything is tidied up. */
  readonly signal: AbortSignal;
}

const AS_TOLD = 0;
const BROKEN = 1;
/** 128 + SIGINT, as shells have it. */
const STOPPED = 130;

/** Plays it and tells of it; resolves to the exit code. Throws Problem `scenario-unknown`. */
export async function tellScenario(telling: Telling): Promise<number> {
  const scenario = findScenario(telling.name);
  const story = new Story({ onText: telling.onText, env: process.env });
  if (!telling.isJson) tellAbout(scenario, story);
  const first = await playScenario(scenario, telling.isJson ? {} : audienceOf(story), telling.signal);
  const playings = [first, ...(await playAgain(scenario, first, telling))];
  if (telling.signal.aborted) return STOPPED;
  const broken = judge(playings);
  if (telling.isJson) telling.onText(JSON.stringify(describe(scenario, playings, broken), undefined, 2));
  else tellEnd(story, playings, broken);
  return broken === undefined ? AS_TOLD : BROKEN;
}

/** Throws Problem `scenario-unknown`. */
function findScenario(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name.toLowerCase());
  if (scenario) return scenario;
  const names = SCENARIOS.map((each) => each.name).join(', ');
  throw new Problem('scenario-unknown', `there is no scenario "${name}", only ${names}`);
}

async function playAgain(
  scenario: Scenario,
  first: Playing,
  { repeat, onProgress, signal }: Telling,
): Promise<Playing[]> {
  const playings: Playing[] = [];
  let isSame = first.broken === undefined;
  while (isSame && playings.length + 1 < repeat && !signal.aborted) {
    const playing = await playScenario(scenario, {}, signal);
    playings.push(playing);
    isSame = judge([first, playing]) === undefined;
    onProgress(`${playings.length + 1} of ${repeat}: ${(playing.durationMs / 1000).toFixed(2)} s`);
  }
  return playings;
}

/** What was not as told or not as before, in a sentence. */
function judge([first, ...others]: readonly Playing[]): string | undefined {
  if (!first || first.broken !== undefined) return first?.broken;
  for (const [index, { broken, cards }] of others.entries()) {
    const fault = broken ?? firstDifference(first.cards, cards);
    if (fault !== undefined) return `playing ${index + 2} was another one: ${fault}`;
  }
  return undefined;
}

function tellAbout({ title, about }: Scenario, story: Story): void {
  story.title(title);
  for (const paragraph of about) story.paragraph(paragraph);
}

function audienceOf(story: Story): Audience {
  return {
    onStep: ({ tells, commands = [] }, number) => {
      story.chapter(number, '');
      story.paragraph(tells);
      for (const command of commands) story.typed(command);
    },
    onLetter: (step, message) => tellLetter(story, step, message),
    onFact: ({ says }) => story.held(says),
  };
}

function tellLetter(
  story: Story,
  { letter, direction = 'out', becomes, reason }: LetterStep,
  message: TracedMessage,
): void {
  const ways = { out: ['Hub ', 'Edge'], in: ['Edge', 'Hub '] } as const;
  const [from, to] = ways[direction];
  const detail = `${reason ?? 'no way yet'}  "${letter}"`;
  if (becomes === 'waiting') story.waits(`${from} → ${to}  ${detail}`);
  else story.lock({ isTls: becomes === 'encrypted', from, to, detail });
  if (becomes !== 'encrypted' && reason !== undefined) story.say(`${reason}: ${explainReason(reason)}`);
  const hidden = message.wire?.isEncrypted === true;
  if (becomes === 'encrypted') story.say(hidden ? 'on the path nobody could read it' : 'on the path it could be read');
}

function tellEnd(story: Story, playings: readonly Playing[], broken: string | undefined): void {
  if (broken !== undefined) return story.broken(broken);
  const seconds = (playings[0]?.durationMs ?? 0) / 1000;
  const cards = playings[0]?.cards.length ?? 0;
  if (playings.length === 1)
    story.held(`All of it was as told, in ${seconds.toFixed(1)} s, on ${cards} decision cards.`);
  else
    story.held(
      `${playings.length} playings, the same ${cards} decision cards in each: ids, ports, times and thumbprints aside.`,
    );
}

function describe({ name, title, steps }: Scenario, playings: readonly Playing[], broken: string | undefined): object {
  const [first] = playings;
  return {
    scenario: name,
    title,
    isAsTold: broken === undefined,
    ...(broken !== undefined && { broken }),
    playings: playings.length,
    durationMs: playings.map(({ durationMs }) => Math.round(durationMs)),
    steps: steps.map(describeStep),
    cards: first?.cards ?? [],
  };
}

function describeStep({ tells, commands = [], letters = [], facts = [] }: Step): object {
  return { tells, commands, letters, facts: facts.map(({ says }) => says) };
}
