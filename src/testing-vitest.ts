// `import 'relaypair/testing/vitest'`: vitest's expect learns what can be claimed of a message. The one file that knows vitest, which
// whoever imports it has.

import { expect } from 'vitest';
import { pairMatchers } from './testing.ts';
import type { Reason } from './trust/reasons.ts';

declare module 'vitest' {
  // The names of the parameters are vitest's own, or the two declarations would not be one.
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    /** It came across in TLS by both servers' cards, and nobody on the path could read it. */
    toHaveTravelledEncrypted(reason?: Reason): R;
    /** It came across in clear by both servers' cards, and on the path it could be read. */
    toHaveFallenBack(reason?: Reason): R;
    /** It waits on the server that it came to first. */
    toBeWaiting(reason?: Reason): R;
    /** It arrived once and octet for octet. */
    toHaveArrivedUnaltered(): R;
  }
}

expect.extend(pairMatchers);
