// A cmdlet's answer for a component: asked when it is shown, again when its parameters change, and when somebody says so.

import { useCallback, useEffect, useState } from 'preact/hooks';
import { type Answer, ApiProblem, type Parameters } from './api.ts';
import type { Server } from './server.ts';

export interface Asked {
  /** The last answer, kept while a new one is under way. */
  readonly answer: Answer | undefined;
  readonly problem: ApiProblem | undefined;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/** Nothing is asked while `server` is undefined. `everyMs` asks again and again. */
export function useCmdlet(
  server: Server | undefined,
  cmdlet: string,
  parameters: Parameters = {},
  everyMs?: number,
): Asked {
  const [asked, setAsked] = useState<Omit<Asked, 'reload'>>({ answer: undefined, problem: undefined, isLoading: true });
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((last) => last + 1), []);
  const key = JSON.stringify(parameters);
  const isOpen = server?.link.value.state === 'open' || server?.isRecorded === true;
  useEffect(() => {
    if (server === undefined || !isOpen) return undefined;
    const gone = new AbortController();
    setAsked((last) => ({ ...last, isLoading: true }));
    server.api.call(cmdlet, JSON.parse(key) as Parameters, gone.signal).then(
      (answer) => setAsked({ answer, problem: undefined, isLoading: false }),
      (error: unknown) => {
        if (!gone.signal.aborted) setAsked((last) => ({ ...last, problem: asProblem(error), isLoading: false }));
      },
    );
    const timer = everyMs === undefined ? undefined : setTimeout(reload, everyMs);
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [server, isOpen, cmdlet, key, turn, everyMs, reload]);
  return { ...asked, reload };
}

export function asProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem('unknown', String(error), 0);
}
