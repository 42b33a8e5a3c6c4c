// Events of captures that hold secrets: ids 30640 to 30649.

import { define, formatMoment } from './event.ts';

/** By symbolic name. */
export const CAPTURE_EVENTS = {
  CaptureStarted: define<{ folder: string; until: Date; maxMegabytes: number }>({
    id: 30_640,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `Every SMTP and LDAPS session that begins now is captured into ${facts.folder}, with the secrets that decrypt it, until ${formatMoment(facts.until)} by the machine's clock or ${facts.maxMegabytes} MB. Whoever has these files can read the sessions, passwords among them: do this in a laboratory only. Stop-Capture ends it.`,
  }),
  CaptureStopped: define<{ cause: string; sessions: number; sizeBytes: number }>({
    id: 30_641,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `The capture has ended: ${facts.cause}. It has ${facts.sizeBytes} octets of ${facts.sessions} sessions. Remove-Capture deletes the files and the secrets in them.`,
  }),
};
