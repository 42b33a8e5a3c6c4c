// What a person can put right: one clear sentence that names what is wrong, where, and what to do.
// Everything else that is thrown is a bug or a broken disk. The four doors (session, delivery attempt, sync round,
// cmdlet) turn a Problem into a reply or a line on stderr and let the rest be logged with its stack.

/** An expected refusal. `code` is stable and is what programs decide by; the message is for people. */
export class Problem extends Error {
  readonly code: string;

  constructor(code: string, sentence: string, options?: { cause?: unknown }) {
    super(sentence, options);
    this.name = 'Problem';
    this.code = code;
  }
}

/** True when `error` is a Problem, and, if `code` is given, that very one. */
export function isProblem(error: unknown, code?: string): error is Problem {
  return error instanceof Problem && (code === undefined || error.code === code);
}

/** The text of anything that can be thrown, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there already; stop it or choose another port',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not take that port; choose one from 1024 on, or grant CAP_NET_BIND_SERVICE',
};

/** Problem `listen-failed`: why nobody can listen at `place`, an address and port. */
export function listenProblem(place: string, error: NodeJS.ErrnoException): Problem {
  const { code = messageOf(error) } = error;
  const reason = LISTEN_FAULTS[code];
  return new Problem(
    'listen-failed',
    `cannot listen on ${place} (${code})${reason === undefined ? '' : `: ${reason}`}`,
    {
      cause: error,
    },
  );
}
