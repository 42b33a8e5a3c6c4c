// The guided scenarios for whoever looks at a laboratory from a page: their texts, and one played on a pair of its own while its steps
// and what both servers wrote down are told as they happen.

import { type Cmdlet, defineCmdlet } from '../cmdlets/cmdlet.ts';
import type { OutputRecord } from '../cmdlets/output.ts';
import { ROLES } from '../config.ts';
import type { Laboratory } from '../lab/laboratory.ts';
import { recordsOf } from '../lab/message-records.ts';
import { explainReason } from '../trust/reasons.ts';
import { playScenario } from './playing.ts';
import type { LetterStep, Scenario, Step } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';

const getLabScenario = defineCmdlet({
  name: 'Get-LabScenario',
  roles: ROLES,
  synopsis: 'List the guided scenarios, with what they tell',
  parameters: {},
  table: ['Name', 'Title'],
  changes: false,
  run: (_laboratory: Laboratory) => ({ records: SCENARIOS.map(describeScenario) }),
});

const startLabScenario = defineCmdlet({
  name: 'Start-LabScenario',
  roles: ROLES,
  synopsis: 'Play a guided scenario on a pair of its own',
  description: 'The steps are told while they happen, each with a record: Kind is step, letter or fact.',
  examples: ['Start-LabScenario edge-expired'],
  parameters: {
    Name: {
      type: 'enum',
      choices: SCENARIOS.map(({ name }) => name),
      required: true,
      help: 'The scenario',
    },
  },
  positional: ['Name'],
  table: ['Name', 'IsAsTold', 'Broken'],
  changes: true,
  async run(laboratory: Laboratory, { Name }, call) {
    const scenario = SCENARIOS.find(({ name }) => name === Name);
    if (!scenario) throw new Error(`there is no scenario ${Name}`);
    return laboratory.alone('the scenarios', async () => {
      const { broken, durationMs } = await playScenario(
        scenario,
        {
          onStep: (step, number) => call.progress(step.tells, describeStep(step, number)),
          onLetter: (letter, message) =>
            call.progress(describeEnd(letter), { ...describeLetter(letter), Records: recordsOf(message) }),
          onFact: ({ says }) => call.progress(says, { Kind: 'fact', Says: says }),
        },
        call.signal,
      );
      const record = {
        Name,
        IsAsTold: broken === undefined,
        Broken: broken ?? null,
        DurationMs: Math.round(durationMs),
      };
      return { records: [record], failures: broken === undefined ? [] : [broken] };
    });
  },
});

export const SCENARIO_CMDLETS: readonly Cmdlet<Laboratory>[] = [getLabScenario, startLabScenario];

function describeScenario({ name, title, about, steps }: Scenario): OutputRecord {
  return {
    Name: name,
    Title: title,
    About: about,
    Steps: steps.map((step, index) => ({
      ...describeStep(step, index + 1),
      Letters: (step.letters ?? []).map(describeLetter),
      Facts: (step.facts ?? []).map(({ says }) => says),
    })),
  };
}

function describeStep({ tells, commands = [] }: Step, number: number): OutputRecord {
  return { Kind: 'step', Number: number, Tells: tells, Commands: commands };
}

function describeLetter({ letter, direction = 'out', becomes, reason }: LetterStep): OutputRecord {
  return {
    Kind: 'letter',
    Letter: letter,
    Direction: direction,
    Becomes: becomes,
    Reason: reason ?? null,
    Explanation: reason === undefined ? null : explainReason(reason),
  };
}

function describeEnd({ letter, becomes, reason }: LetterStep): string {
  const end = { encrypted: 'went in TLS', 'in clear': 'went in clear', waiting: 'waits' }[becomes];
  return `The letter "${letter}" ${end}${reason === undefined ? '' : `: ${reason}`}.`;
}
