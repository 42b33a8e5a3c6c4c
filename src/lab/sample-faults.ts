// Faults that are worth showing, by names that a person can choose from: what each does is a list for the fault box (docs/meddle.md).

import type { FaultInput } from '../meddle/meddler.ts';

export interface SampleFault {
  readonly name: string;
  /** What it does, in a sentence for people. */
  readonly says: string;
  readonly faults: readonly FaultInput[];
}

export const SAMPLE_FAULTS: readonly SampleFault[] = [
  {
    name: 'strip-starttls',
    says: 'The offer of STARTTLS is taken out of the answer to EHLO.',
    faults: [{ at: 'EHLO reply', do: 'strip' }],
  },
  {
    name: 'refuse-starttls',
    says: 'STARTTLS is answered with 454: TLS is not available just now.',
    faults: [{ at: 'STARTTLS', do: 'answer', text: '454 4.7.0 TLS is not available\r\n' }],
  },
  {
    name: 'cut-handshake',
    says: 'The connection breaks in the middle of the TLS handshake.',
    faults: [{ at: 'ServerHello', do: 'cut' }],
  },
  {
    name: 'corrupt-handshake',
    says: 'A bit of the TLS handshake is turned over on the way.',
    faults: [{ at: 'ServerHello', do: 'corrupt' }],
  },
  {
    name: 'other-certificate',
    says: 'Somebody on the path ends TLS and shows a certificate of his own.',
    faults: [{ at: 'STARTTLS', do: 'terminate' }],
  },
  {
    name: 'expired-certificate',
    says: 'Somebody on the path ends TLS and shows a certificate that has expired.',
    faults: [{ at: 'STARTTLS', do: 'terminate', toClient: { certificate: { dates: 'expired' } } }],
  },
  {
    name: 'reset-connection',
    says: 'The connection breaks when it comes, before a word is said.',
    faults: [{ at: 'connect', do: 'reset' }],
  },
  {
    name: 'slow-greeting',
    says: 'The greeting comes three seconds late.',
    faults: [{ at: 'greeting', do: 'delay', for: '3s' }],
  },
];
