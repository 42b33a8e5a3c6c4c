// Plays a scenario: opens the pair that it wants, does what its steps say and looks whether everything is as they say. The first
// thing that is not ends the playing. Whoever watches is told as it happens; printing is telling.ts's.

import { createHash } from 'node:crypto';
import type { LabServer } from '../lab/lab-server.ts';
import type { LetterOptions, Sent } from '../lab/letter.ts';
import {
  type Check,
  checkFellBack,
  checkTravelledEncrypted,
  checkUnaltered,
  checkWaits,
} from '../lab/message-checks.ts';
import { Pair } from '../lab/pair.ts';
import type { TracedMessage } from '../lab/traced-message.ts';
import { messageOf } from '../problem.ts';
import { comesToHold } from './facts.ts';
import type { Fact, LetterStep, Scenario, Scene, Step } from './scenario.ts';
import { type ComparableCard, comparableCards } from './comparable-card.ts';

/** Hears of everything while it happens. */
export interface Audience {
  onStep?(step: Step, number: number): void;
  /** What a letter has come to, as it should. */
  onLetter?(step: LetterStep, message: TracedMessage): void;
  onFact?(fact: Fact): void;
}

/** How it went. */
export interface Playing {
  readonly scenario: string;
  /** The first thing that was not as told; undefined when everything was. */
  readonly broken: string | undefined;
  readonly durationMs: number;
  /** What is the same each time: ids, ports, times and thumbprints aside. */
  readonly cards: readonly ComparableCard[];
}

/** Never rejects for what the pair does. `signal` ends it between two steps. */
export async function playScenario(
  scenario: Scenario,
  audience: Audience = {},
  signal?: AbortSignal,
): Promise<Playing> {
  const startMs = performance.now();
  const letters = new Map<string, Sent>();
  let broken: string | undefined;
  let cards: readonly ComparableCard[] = [];
  try {
    await using pair = await Pair.open(scenario.pair);
    const scene = setScene(pair, letters);
    try {
      for (const [index, step] of scenario.steps.entries()) {
        signal?.throwIfAborted();
        audience.onStep?.(step, index + 1);
        await playStep(step, scene, audience);
      }
    } catch (error) {
      broken = messageOf(error);
    }
    cards = await comparableCards(pair, scene.others, letters);
  } catch (error) {
    broken ??= messageOf(error);
  }
  return { scenario: scenario.name, broken, durationMs: performance.now() - startMs, cards };
}

/** The names of the letters stand in the letters too, so that a person finds them in a log. */
function setScene(pair: Pair, letters: Map<string, Sent>): Scene {
  return {
    pair,
    letters,
    others: new Map<string, LabServer>(),
    send: async (letter: string, options: LetterOptions) => {
      const sent = await pair.send({ subject: letter, text: bodyOf(letter), ...options });
      if (!sent.isAccepted)
        throw new Error(`the letter "${letter}" was refused: ${sent.reply.code} ${sent.reply.text}`);
      letters.set(letter, sent);
    },
  };
}

/** Dots at the beginning of lines, and a line that is in no other letter: what must arrive as it was. */
function bodyOf(letter: string): string {
  const mark = createHash('sha256').update(letter).digest('hex');
  return ['Good morning,', '', '.a line that begins with a dot', '..and one with two', '.', mark, '', 'Regards'].join(
    '\n',
  );
}

async function playStep({ act, letters = [], facts = [] }: Step, scene: Scene, audience: Audience): Promise<void> {
  await act?.(scene);
  for (const step of letters) {
    const message = await playLetter(step, scene);
    audience.onLetter?.(step, message);
  }
  for (const fact of facts) {
    if (!(await comesToHold(fact, scene))) throw new Error(`it is not so that ${fact.says}`);
    audience.onFact?.(fact);
  }
}

async function playLetter(step: LetterStep, scene: Scene): Promise<TracedMessage> {
  const { letter, direction, through, becomes, reason } = step;
  if (!scene.letters.has(letter)) {
    const entrance = through === undefined ? undefined : scene.others.get(through);
    await scene.send(letter, { ...(direction && { direction }), ...(entrance && { through: entrance }) });
  }
  const sent = scene.letters.get(letter);
  if (!sent) throw new Error(`the letter "${letter}" was not handed in`);
  const message = await scene.pair.message(sent, becomes === 'waiting' ? 'waiting' : 'delivered');
  if (becomes === 'waiting') insist(letter, checkWaits(message, reason));
  else {
    insist(letter, becomes === 'encrypted' ? checkTravelledEncrypted(message, reason) : checkFellBack(message, reason));
    insist(letter, checkUnaltered(message));
  }
  return message;
}

function insist(letter: string, { holds, sentence }: Check): void {
  if (!holds) throw new Error(`the letter "${letter}": ${sentence}`);
}
