// A button that changes something: for those whose token may, after a question where it cannot be undone.

import { useRef, useState } from 'preact/hooks';
import type { Parameters } from './api.ts';
import { asProblem } from './ask.ts';
import { Notice, safe } from './said.tsx';
import type { Server } from './server.ts';
import { texts } from './texts.ts';

export interface Action {
  readonly label: string;
  readonly cmdlet: string;
  readonly parameters: Parameters;
  /** What is asked first; nothing where the action is harmless. */
  readonly question?: string;
}

interface ActionButtonProps {
  readonly server: Server;
  /** Of several the first decides; its question offers them all. */
  readonly actions: readonly [Action, ...Action[]];
  /** What the button says, where that is not the first action's label. */
  readonly label?: string;
  readonly onDone: () => void;
}

export function ActionButton({ server, actions, onDone, label }: ActionButtonProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [failure, setFailure] = useState('');
  const [isRunning, setIsRunning] = useState(false);
  const [first] = actions;
  const run = async ({ cmdlet, parameters }: Action): Promise<void> => {
    setIsRunning(true);
    setFailure('');
    try {
      const { failures } = await server.api.call(cmdlet, parameters);
      setFailure(failures.join(' '));
      if (failures.length === 0) dialog.current?.close();
    } catch (error) {
      setFailure(asProblem(error).message);
    }
    setIsRunning(false);
    onDone();
  };
  const refusal = failure === '' ? null : <Notice tone="bad">{safe(failure)}</Notice>;
  return (
    <>
      <button
        type="button"
        class="small"
        disabled={!server.mayWrite || isRunning}
        title={server.mayWrite ? undefined : texts.token.missing}
        onClick={() => (first.question === undefined ? void run(first) : dialog.current?.showModal())}
      >
        {label ?? first.label}
      </button>
      {first.question === undefined && refusal}
      {first.question !== undefined && (
        <dialog ref={dialog} class="dialog" aria-label={first.label}>
          <p>{first.question}</p>
          {refusal}
          <div class="buttons">
            {actions.map((action) => (
              <button
                key={action.label}
                type="button"
                class="primary"
                disabled={isRunning}
                onClick={() => void run(action)}
              >
                {action.label}
              </button>
            ))}
            <button type="button" onClick={() => dialog.current?.close()}>
              {texts.actions.cancel}
            </button>
          </div>
        </dialog>
      )}
    </>
  );
}
