// What the wire does to STARTTLS in the trust cases, as faults for the product's own fault box.

import type { FaultInput } from '../../src/meddle/meddler.ts';
import type { Wire } from './trust-cases.ts';

export const WIRE_FAULTS: Readonly<Record<Wire, readonly FaultInput[]>> = {
  clean: [],
  stripped: [{ at: 'EHLO reply', do: 'strip' }],
  'refused-454': [{ at: 'STARTTLS', do: 'answer', text: '454 4.7.0 TLS not available due to temporary reason' }],
  'refused-502': [{ at: 'STARTTLS', do: 'answer', text: '502 5.5.1 Command not implemented' }],
  garbage: [{ at: 'ClientHello', do: 'answer', text: 'this is not TLS at all, it is a sentence\r\n' }],
  alert: [{ at: 'ClientHello', do: 'alert', code: 40 }],
  reset: [{ at: 'ClientHello', do: 'reset' }],
  silent: [{ at: 'ClientHello', do: 'stall' }],
};
