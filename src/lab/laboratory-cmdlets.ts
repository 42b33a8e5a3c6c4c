// What can be done to a laboratory of two servers, declared as cmdlets are, so that its door, its description and its page follow from
// that. They run in whoever started the two, not in a server.

import { z } from 'zod';
import { MAX_CLOCK_SPEED } from '../clock.ts';
import { type Cmdlet, defineCmdlet } from '../cmdlets/cmdlet.ts';
import type { OutputRecord } from '../cmdlets/output.ts';
import { type Role, ROLES } from '../config.ts';
import { parseClockOffset } from '../duration.ts';
import { describeFault, type FaultInput, readFaults } from '../meddle/fault.ts';
import { Problem } from '../problem.ts';
import type { Laboratory } from './laboratory.ts';
import { SAMPLE_FAULTS } from './sample-faults.ts';

const NO_FAULT = 'none';
const MAX_LETTERS = 500;

const getLabClock = defineCmdlet({
  name: 'Get-LabClock',
  roles: ROLES,
  synopsis: 'Show the clocks of both servers',
  parameters: {},
  table: ['Server', 'Clock', 'Speed', 'UtcNow', 'MachineUtcNow'],
  changes: false,
  run: async (laboratory: Laboratory) => ({ records: await laboratory.clocks() }),
});

const setLabClock = defineCmdlet({
  name: 'Set-LabClock',
  roles: ROLES,
  synopsis: 'Move the clocks of both servers together, so that what is due on the way happens',
  examples: ['Set-LabClock -Offset +400d', 'Set-LabClock -Speed 3600'],
  parameters: {
    Offset: { type: 'string', help: 'From the clock of the machine: +400d, -2h, or a date' },
    Speed: { type: 'integer', minimum: 0, maximum: MAX_CLOCK_SPEED, help: 'How many times as fast as that clock' },
  },
  table: ['Server', 'Clock', 'Speed', 'UtcNow', 'MachineUtcNow'],
  changes: true,
  async run(laboratory: Laboratory, { Offset, Speed }, call) {
    if (Offset === undefined && Speed === undefined)
      throw new Problem('missing-value', 'say where the clocks are to go: give -Offset, -Speed or both');
    const toMs = Offset === undefined ? undefined : parseClockOffset(Offset, new Date());
    const failures = await laboratory.moveClocks({ toMs, speed: Speed }, (text) => call.progress(text));
    return { records: await laboratory.clocks(), warnings: failures.map((sentence) => `EdgeSync: ${sentence}`) };
  },
});

const getLabFault = defineCmdlet({
  name: 'Get-LabFault',
  roles: ROLES,
  synopsis: 'Show what is done to mail on the path to each server, and what can be',
  parameters: {},
  table: ['Server', 'Name', 'Says'],
  changes: false,
  run: (laboratory: Laboratory) => ({ records: ROLES.map((role) => describePath(laboratory, role)) }),
});

const setLabFault = defineCmdlet({
  name: 'Set-LabFault',
  roles: ROLES,
  synopsis: 'Put the fault box on the path to a server, or take it away',
  description:
    'From the next connection on; one that is open stays until it has carried nothing for two seconds. "none" takes the box away.',
  examples: ['Set-LabFault edge strip-starttls', 'Set-LabFault edge none'],
  parameters: {
    Server: { type: 'enum', choices: ROLES, required: true, help: 'The server that the mail is for' },
    Name: {
      type: 'enum',
      choices: [NO_FAULT, ...SAMPLE_FAULTS.map(({ name }) => name)],
      help: 'What is done to it',
    },
    Definition: { type: 'string', help: 'The same as a JSON list of faults (docs/meddle.md)' },
  },
  positional: ['Server', 'Name'],
  table: ['Server', 'Name', 'Says'],
  changes: true,
  async run(laboratory: Laboratory, { Server, Name, Definition }) {
    if ((Name === undefined) === (Definition === undefined))
      throw new Problem('missing-value', 'say what is done to the mail: give either -Name or -Definition');
    const sample = SAMPLE_FAULTS.find(({ name }) => name === Name)?.faults ?? [];
    await laboratory.setFaults(Server, Definition === undefined ? sample : readDefinition(Definition));
    return { records: [describePath(laboratory, Server)] };
  },
});

const sendLabMessage = defineCmdlet({
  name: 'Send-LabMessage',
  roles: ROLES,
  synopsis: 'Hand letters in at the Hub, as people inside do, or at the Edge, as the world does',
  examples: ['Send-LabMessage', 'Send-LabMessage -Direction in -Subject "Good morning" -Count 5'],
  parameters: {
    Direction: { type: 'enum', choices: ['out', 'in'], default: 'out', help: 'To the world, or from it' },
    From: { type: 'string', help: 'Address of the sender; somebody at that end when absent' },
    To: { type: 'string', help: 'Address of the recipient; somebody at the other end when absent' },
    Subject: { type: 'string', help: 'What stands in the Subject field' },
    Text: { type: 'string', help: 'The body, a line' },
    Count: { type: 'integer', minimum: 1, maximum: MAX_LETTERS, default: '1', help: 'So many, one after the other' },
  },
  table: ['MessageId', 'From', 'To', 'Reply'],
  changes: true,
  async run(laboratory: Laboratory, { Direction, From, To, Subject, Text, Count }, call) {
    const records: OutputRecord[] = [];
    const failures: string[] = [];
    for (let number = 1; number <= Count && !call.signal.aborted; number++) {
      const sent = await laboratory.send({
        direction: Direction,
        ...(From !== undefined && { from: From }),
        ...(To !== undefined && { to: To }),
        ...(Subject !== undefined && { subject: Subject }),
        ...(Text !== undefined && { text: Text }),
      });
      const { code, enhanced, text } = sent.reply;
      const reply = `${code} ${enhanced ?? ''} ${text}`.replaceAll(/\s+/g, ' ');
      records.push({ MessageId: sent.id, From: sent.from, To: sent.to, Accepted: code === 250, Reply: reply });
      if (code !== 250) failures.push(`${sent.id}: ${reply}`);
    }
    return { records, failures };
  },
});

/** In the order in which a person meets them. */
export const LABORATORY_CMDLETS: readonly Cmdlet<Laboratory>[] = [
  getLabClock,
  setLabClock,
  getLabFault,
  setLabFault,
  sendLabMessage,
];

function describePath(laboratory: Laboratory, role: Role): OutputRecord {
  const faults = laboratory.faultsOf(role);
  const sample = SAMPLE_FAULTS.find((each) => each.faults === faults);
  const says = faults.length === 0 ? 'Everything passes.' : readFaults(faults).map(describeFault).join('; ');
  return {
    Server: role,
    Name: faults.length === 0 ? NO_FAULT : (sample?.name ?? 'other'),
    Says: sample?.says ?? says,
    Choices: SAMPLE_FAULTS.map(({ name, says: meaning }) => ({ Name: name, Says: meaning })),
  };
}

/** Throws Problem `bad-value`; what the faults mean is checked by the box. */
function readDefinition(text: string): readonly FaultInput[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const list = z
    .array(z.looseObject({ at: z.string(), do: z.string() }))
    .max(100)
    .safeParse(value);
  if (!list.success)
    throw new Problem('bad-value', '-Definition: not a JSON list such as [{"at": "EHLO reply", "do": "strip"}]');
  return list.data as unknown as readonly FaultInput[];
}
