// A cmdlet that takes its time, for a component: what it has told so far, and how it ended.

import { useState } from 'preact/hooks';
import type { Api, ApiRecord, Line, Parameters } from './api.ts';
import { asProblem } from './ask.ts';

export interface Running {
  readonly lines: readonly Line[];
  readonly isRunning: boolean;
  /** Whether it came to its end, and nothing failed. */
  readonly isDone: boolean;
  /** The sentences of what was refused or did not come about. */
  readonly problems: readonly string[];
  /** What to know about it although it came to its end. */
  readonly warnings: readonly string[];
  readonly run: (api: Api, cmdlet: string, parameters: Parameters) => Promise<void>;
}

const NOTHING = { lines: [] as readonly Line[], isRunning: false };

export function useRunning(): Running {
  const [state, setState] = useState(NOTHING);
  const add = (line: Line): void => setState((last) => ({ ...last, lines: [...last.lines, line] }));
  const run = async (api: Api, cmdlet: string, parameters: Parameters): Promise<void> => {
    setState({ lines: [], isRunning: true });
    try {
      await api.follow(cmdlet, parameters, add);
    } catch (error) {
      const { code, message } = asProblem(error);
      add({ kind: 'error', problem: { code, detail: message } });
    }
    setState((last) => ({ ...last, isRunning: false }));
  };
  const problems = state.lines.flatMap((line) => {
    if (line.kind === 'error') return [line.problem.detail];
    return line.kind === 'failure' ? [line.text] : [];
  });
  const warnings = state.lines.flatMap((line) => (line.kind === 'warning' ? [line.text] : []));
  const isDone = problems.length === 0 && state.lines.some(({ kind }) => kind === 'done');
  return { ...state, isDone, problems, warnings, run };
}

/** The record of a line that has one. */
export function recordOf(line: Line): ApiRecord | undefined {
  return line.kind === 'progress' || line.kind === 'record' ? line.record : undefined;
}
