// `relaypair meddle`: a fault box that does as a scenario file says, tells live what it sees and does, and ends once it knows
// whether everything that the scenario expects held. Without expectations it stays until it is stopped.

import { setTimeout as delay } from 'node:timers/promises';
import { type Endpoint, formatEndpoint, readConfig } from '../config.ts';
import { callCmdlet } from '../control/client.ts';
import { controlSocketPath } from '../control/socket-path.ts';
import { type Expectation, type ExpectedCard, findBroken, findBrokenCard } from '../meddle/expectation.ts';
import { Meddler } from '../meddle/meddler.ts';
import { formatEvent, type MeddleEvent } from '../meddle/observation.ts';
import { readScenario, type Scenario } from '../meddle/scenario.ts';
import { Problem } from '../problem.ts';

export interface MeddleRun {
  readonly scenario: string;
  readonly listen: Endpoint;
  readonly to: Endpoint;
  readonly sender: string | undefined;
  readonly isJson: boolean;
  /** Takes one line, without its end; what peers said stands in it as they said it. */
  readonly onLine: (line: string) => void;
  /** Stops it. */
  readonly signal: AbortSignal;
}

const HELD = 0;
const BROKEN = 1;
/** 128 + SIGINT, as shells have it. */
const STOPPED = 130;
const POLL_MS = 100;

type Card = Readonly<Record<string, unknown>>;

/** Runs the scenario; resolves to the exit code. Throws Problem when it cannot begin. */
export async function runMeddle(run: MeddleRun): Promise<number> {
  const scenario = readScenario(run.scenario);
  const cards = await openCards(scenario, run.sender);
  const print = run.isJson ? (event: MeddleEvent) => run.onLine(JSON.stringify(event)) : printer(run);
  await using meddler = await Meddler.open({
    to: run.to,
    listen: run.listen,
    faults: scenario.faults,
    isImplicitTls: scenario.tls === 'implicit',
    onEvent: print,
  });
  const place = formatEndpoint({ host: run.listen.host, port: meddler.port });
  run.onLine(
    run.isJson ? JSON.stringify({ kind: 'ready', listen: place }) : `${scenario.title}: listening on ${place}`,
  );
  const { expect } = scenario;
  if (!expect) {
    await meddler.waitForEnded(Number.POSITIVE_INFINITY, run.signal);
    return HELD;
  }
  const limit = AbortSignal.any([run.signal, AbortSignal.timeout(expect.within)]);
  const broken = await judge(meddler, expect, { cards, limit });
  tell(run, broken, meddler);
  if (broken.length === 0) return HELD;
  return run.signal.aborted ? STOPPED : BROKEN;
}

async function judge(
  meddler: Meddler,
  expect: Expectation,
  { cards, limit }: { cards: NewCards | undefined; limit: AbortSignal },
): Promise<readonly string[]> {
  await meddler.waitForEnded(expect.connections.length, limit);
  const ofCard = expect.card && cards ? await cards.judge(expect.card, limit) : [];
  return [...findBroken(expect, meddler.observations()), ...ofCard];
}

function printer({ onLine }: MeddleRun): (event: MeddleEvent) => void {
  return (event) => onLine(formatEvent(event));
}

function tell(run: MeddleRun, broken: readonly string[], meddler: Meddler): void {
  if (run.isJson) {
    const observations = meddler.observations().map((seen) => ({ ...seen, events: undefined }));
    return run.onLine(JSON.stringify({ kind: 'result', held: broken.length === 0, broken, observations }));
  }
  for (const sentence of broken) run.onLine(`NOT AS EXPECTED: ${sentence}`);
  if (broken.length === 0) run.onLine('everything that was expected held');
}

/** The decision cards that a server writes from now on. */
interface NewCards {
  judge(expected: ExpectedCard, limit: AbortSignal): Promise<readonly string[]>;
}

async function openCards({ expect }: Scenario, sender: string | undefined): Promise<NewCards | undefined> {
  if (!expect?.card) return undefined;
  if (sender === undefined) {
    throw new Problem('missing-value', 'the scenario expects a decision card: name its server with --sender CONFIG');
  }
  const { folder, role } = readConfig(sender);
  const read = async (): Promise<readonly Card[]> => {
    const { records } = await callCmdlet(
      controlSocketPath(folder),
      { cmdlet: 'Get-DecisionCard', parameters: { Newest: ['100'] } },
      { startCommand: `relaypair ${role} --config ${sender}` },
    );
    return records.map((record) => record['Card'] as Card).filter((card) => card['side'] === 'sender');
  };
  const known = new Set((await read()).map((card) => card['id']));
  return {
    judge: async (expected, limit) => {
      for (;;) {
        const newest = (await read()).find((card) => !known.has(card['id']));
        const broken = findBrokenCard(expected, newest);
        if (broken.length === 0 || limit.aborted) return broken;
        await delay(POLL_MS, undefined, { signal: limit }).catch(() => undefined);
      }
    },
  };
}
