// A message on its way to one hop.

import type { SpooledMessage } from '../spool/spool.ts';

/** A message with those of its recipients that go to this hop. */
export interface Delivery {
  message: SpooledMessage;
  readonly indexes: readonly number[];
  /** Clock time (elapsed) before which it is left alone. */
  dueMs: number;
  /** True once an attempt at it, or at its queue while it stood there, has failed. */
  hasWaited: boolean;
  lastError: string | undefined;
  attempts: number;
}
