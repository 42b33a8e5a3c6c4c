// What a failover on purpose has shown, as records and in sentences.

import type { DrillCount } from '../spool/spool-drills.ts';
import type { FailoverResult, FailoverStep } from './failover-test.ts';
import { stateOf } from './node-record.ts';
import type { CmdletOutput, OutputRecord } from './output.ts';

export type Verdict = Pick<CmdletOutput, 'notices' | 'warnings' | 'failures'>;

/** For each step a record of all nodes together, and one for each node. */
export function describeFailover({ steps }: FailoverResult): readonly OutputRecord[] {
  return steps.flatMap((step) => [describeAll(step), ...describeNodes(step)]);
}

function describeAll({ name, at, count }: FailoverStep): OutputRecord {
  const { accepted, delivered, waiting, duplicated, lost, unacknowledged } = count;
  const held = count.nodes.reduce((sum, node) => sum + node.held, 0);
  return {
    Step: name,
    Time: at,
    Node: 'all',
    State: null,
    Accepted: accepted,
    Delivered: delivered,
    Held: held,
    Waiting: waiting,
    Duplicated: duplicated,
    Lost: lost,
    Unacknowledged: unacknowledged,
  };
}

/** Those that are there, and those that were and have mail in the count. */
function describeNodes({ name, at, count, nodes }: FailoverStep): readonly OutputRecord[] {
  const names = new Set([...nodes.map((node) => node.name), ...count.nodes.map((node) => node.name)]);
  return [...names].toSorted().map((each) => {
    const node = nodes.find((known) => known.name === each);
    const counted = count.nodes.find((known) => known.name === each);
    return {
      Step: name,
      Time: at,
      Node: each,
      State: node ? stateOf(node) : 'Gone',
      Accepted: counted?.accepted ?? 0,
      Delivered: counted?.delivered ?? 0,
      Held: counted?.held ?? 0,
      Waiting: null,
      Duplicated: null,
      Lost: null,
      Unacknowledged: null,
    };
  });
}

/** It is a failure when a message that was accepted is lost, or waits still, or when a step did not come to its end. */
export function judgeFailover({ steps, stalled }: FailoverResult, victim: string): Verdict {
  const end = steps.at(-1);
  if (!end) return { failures: [stalled ?? 'nothing was seen'] };
  const { count } = end;
  const failures = [
    ...(stalled === undefined ? [] : [`${stalled} in the time that a step may take`]),
    ...(count.lost > 0
      ? [`${messages(count.lost)} that had been accepted ${count.lost === 1 ? 'is' : 'are'} lost`]
      : []),
    ...(count.waiting > 0 ? [`${messages(count.waiting)} that had been accepted did not leave`] : []),
  ];
  const warnings = count.duplicated > 0 ? [`${messages(count.duplicated)} came twice`] : [];
  return {
    notices: [summarise(count, victim)],
    ...(warnings.length > 0 && { warnings }),
    ...(failures.length > 0 && { failures }),
  };
}

function summarise({ accepted, delivered, duplicated, lost }: DrillCount, victim: string): string {
  return `${victim}: ${messages(accepted)} accepted, ${delivered} delivered, ${duplicated} duplicated, ${lost} lost.`;
}

function messages(count: number): string {
  return count === 1 ? '1 message' : `${count.toLocaleString('en-US')} messages`;
}
