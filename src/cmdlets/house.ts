// What a door leads to, and what a door is to the server that opened it.

import type { Cmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

/** A server's cmdlets, and what they run in. */
export interface House {
  readonly cmdlets: readonly Cmdlet<ServerContext>[];
  readonly context: ServerContext;
  /** What is said as a warning with every answer, when there is something to say. */
  readonly caution: () => string | undefined;
}

/** A door that is open. */
export interface OpenedDoor {
  /** For the ready line. */
  readonly address: string;
  close(): Promise<void>;
}
