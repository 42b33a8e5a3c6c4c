// A cmdlet that takes its time, for a component: what it has told so far, and how it ended.

import { useState } from 'preact/hooks';
import type { Api, ApiRecord, Line, Parameters, TimedLine } from './api.ts';
import { asProblem } from './ask.ts';
import { wallNow } from './wall-clock.ts';

export interface Running extends Judgement {
  readonly lines: readonly TimedLine[];
  readonly isRunning: boolean;
  readonly run: (api: Api, cmdlet: string, parameters: Parameters) => Promise<void>;
  /** Back to where nothing has been told. */
  readonly forget: () => void;
}

/** How it ended, as far as it has. */
interface Judgement {
  /** Whether it came to its end, and nothing failed. */
  readonly isDone: boolean;
  /** The sentences of what was refused or did not come about. */
  readonly problems: readonly string[];
  /** What to know about it although it came to its end. */
  readonly warnings: readonly string[];
}

const NOTHING = { lines: [] as readonly TimedLine[], isRunning: false };

export function useRunning(): Running {
  const [state, setState] = useState(NOTHING);
  const add = (line: Line): void =>
    setState((last) => ({ ...last, lines: [...last.lines, { ...line, at: wallNow() }] }));
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
  return { ...state, ...judgeLines(state.lines), run, forget: () => setState(NOTHING) };
}

export function judgeLines(lines: readonly Line[]): Judgement {
  const problems = lines.flatMap((line) => {
    if (line.kind === 'error') return [line.problem.detail];
    return line.kind === 'failure' ? [line.text] : [];
  });
  const warnings = lines.flatMap((line) => (line.kind === 'warning' ? [line.text] : []));
  return { isDone: problems.length === 0 && lines.some(({ kind }) => kind === 'done'), problems, warnings };
}

/** The record of a line that has one. */
export function recordOf(line: Line): ApiRecord | undefined {
  return line.kind === 'progress' || line.kind === 'record' ? line.record : undefined;
}
