// Why the spool does not do what it is asked, where that is nobody's fault.

import { Problem } from '../problem.ts';

/** Problem `spool-closed`. */
export function closedProblem(): Problem {
  return new Problem('spool-closed', 'the spool is closed, the server is stopping');
}

/** Problem `message-gone`. */
export function goneProblem(id: number): Problem {
  return new Problem('message-gone', `message ${id} is no longer in the spool`);
}
