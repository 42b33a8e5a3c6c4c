// Executes a cmdlet for any door, and turns what went wrong into what the caller may read: a Problem's own sentence, or, for
// a bug or a broken disk, a generic one whose reference leads to the log.

import { randomBytes } from 'node:crypto';
import { bindParameters, type CmdletRequest, findCmdlet } from '../cmdlets/binding.ts';
import type { Cmdlet, CmdletCall } from '../cmdlets/cmdlet.ts';
import type { CmdletOutput } from '../cmdlets/output.ts';
import type { Log } from '../log.ts';
import { isProblem } from '../problem.ts';

/** What a door shows when a cmdlet did not succeed. */
export interface Refusal {
  readonly code: string;
  readonly sentence: string;
}

const NOBODY_WAITS: CmdletCall = { progress: () => {}, signal: new AbortController().signal };

/** Finds, checks and runs the cmdlet that `request` names; throws Problem for everything the caller can put right. */
export async function executeCmdlet<Context>(
  cmdlets: readonly Cmdlet<Context>[],
  context: Context,
  request: CmdletRequest,
  call: CmdletCall = NOBODY_WAITS,
): Promise<CmdletOutput> {
  const cmdlet = findCmdlet(cmdlets, request.cmdlet);
  return cmdlet.run(context, bindParameters(cmdlet, request), call);
}

/** The refusal to show; what is no Problem is logged with its stack. `cmdlet` is named, its parameters never are. */
export function refusalOf(error: unknown, log: Log, cmdlet: string): Refusal {
  if (isProblem(error)) return { code: error.code, sentence: error.message };
  const reference = randomBytes(4).toString('hex');
  log.error({ err: error, cmdlet, reference }, 'a cmdlet failed unexpectedly');
  return {
    code: 'internal-error',
    sentence: `the server met an unexpected error; its log has the details under ${reference}`,
  };
}
