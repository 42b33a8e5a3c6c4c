// Everything that can happen to TLS on the way between two servers, as faults of the fault box. To add one, add it here: it becomes
// a row of every matrix.

import type { FaultInput } from '../meddle/meddler.ts';
import { TLS_VERSIONS, type TlsVersion } from '../tls/tls-terms.ts';

export interface WireEvent {
  readonly id: string;
  /** What happens, as the head of a row. */
  readonly title: string;
  readonly faults: readonly FaultInput[];
  /** What the rules of trust see of it. */
  readonly seenAs: SeenAs;
  /** Where the server's best is too little for some: the highest of our minimum versions that is content with it. */
  readonly highestFloor?: TlsVersion;
  /** The message has waited once already: its second attempt counts. */
  readonly hasWaited?: boolean;
}

/** `shown` says whose certificate it was. */
export type SeenAs =
  | { readonly kind: 'established'; readonly shown: 'current' | 'unknown' }
  | { readonly kind: 'not-offered' }
  | { readonly kind: 'refused'; readonly reply: { readonly code: number } }
  | { readonly kind: 'failed'; readonly cause: 'alert' | 'protocol' | 'reset' | 'closed' | 'timeout' };

type Terminate = Extract<FaultInput, { do: 'terminate' }>;

/** TLS ended on the way, by somebody who shows another certificate. */
function impostor(toClient: Terminate['toClient'] = {}): readonly FaultInput[] {
  return [{ at: 'STARTTLS', do: 'terminate', toClient }];
}

const UNKNOWN = { kind: 'established', shown: 'unknown' } as const;
const broken = (cause: 'alert' | 'protocol' | 'reset' | 'closed' | 'timeout') => ({ kind: 'failed', cause }) as const;

export const WIRE_EVENTS: readonly WireEvent[] = [
  { id: 'clean', title: 'nothing', faults: [], seenAs: { kind: 'established', shown: 'current' } },
  {
    id: 'split',
    title: 'ClientHello in single octets',
    faults: [{ at: 'ClientHello', do: 'split' }],
    seenAs: { kind: 'established', shown: 'current' },
  },
  {
    id: 'stripped',
    title: 'STARTTLS not offered: taken out of EHLO',
    faults: [{ at: 'EHLO reply', do: 'strip' }],
    seenAs: { kind: 'not-offered' },
  },
  {
    id: 'masked',
    title: 'STARTTLS not offered: written over with X',
    faults: [{ at: 'EHLO reply', do: 'strip', how: 'mask' }],
    seenAs: { kind: 'not-offered' },
  },
  {
    id: 'refused-454',
    title: 'STARTTLS answered with 454',
    faults: [{ at: 'STARTTLS', do: 'answer', text: '454 4.7.0 TLS not available due to temporary reason' }],
    seenAs: { kind: 'refused', reply: { code: 454 } },
  },
  {
    id: 'refused-502',
    title: 'STARTTLS answered with 502',
    faults: [{ at: 'STARTTLS', do: 'answer', text: '502 5.5.1 Command not implemented' }],
    seenAs: { kind: 'refused', reply: { code: 502 } },
  },
  {
    id: 'refused-554',
    title: 'STARTTLS answered with 554',
    faults: [{ at: 'STARTTLS', do: 'answer', text: '554 5.7.3 Unable to initialize security subsystem' }],
    seenAs: { kind: 'refused', reply: { code: 554 } },
  },
  {
    id: 'injected',
    title: 'text injected behind the 220',
    faults: [{ at: 'STARTTLS reply', do: 'inject', text: '250 2.0.0 Injected\r\n' }],
    seenAs: broken('protocol'),
  },
  {
    id: 'garbage',
    title: 'handshake answered with a sentence',
    faults: [{ at: 'ClientHello', do: 'answer', text: 'this is not TLS at all\r\n' }],
    seenAs: broken('protocol'),
  },
  {
    id: 'corrupt',
    title: 'ServerHello with a wrong octet',
    // The length of the session id, so that nothing behind it is where it should be.
    faults: [{ at: 'ServerHello', do: 'corrupt', offset: 43, mask: 255 }],
    seenAs: broken('protocol'),
  },
  {
    id: 'alert',
    title: 'handshake answered with an alert',
    faults: [{ at: 'ClientHello', do: 'alert' }],
    seenAs: broken('alert'),
  },
  ...(['first attempt', 'after waiting'] as const).flatMap((attempt): WireEvent[] => {
    const hasWaited = attempt === 'after waiting';
    const again = hasWaited ? '-again' : '';
    return [
      {
        id: `cut${again}`,
        title: `connection closed at ClientHello, ${attempt}`,
        faults: [{ at: 'ClientHello', do: 'cut' }],
        seenAs: broken('closed'),
        hasWaited,
      },
      {
        id: `reset${again}`,
        title: `connection reset at ClientHello, ${attempt}`,
        faults: [{ at: 'ClientHello', do: 'reset' }],
        seenAs: broken('reset'),
        hasWaited,
      },
      {
        id: `cut-server-hello${again}`,
        title: `connection closed behind ServerHello, ${attempt}`,
        faults: [{ at: 'ServerHello', do: 'cut', place: 'after' }],
        seenAs: broken('closed'),
        hasWaited,
      },
      {
        id: `stalled${again}`,
        title: `silence from ClientHello on, ${attempt}`,
        faults: [{ at: 'ClientHello', do: 'stall' }],
        seenAs: broken('timeout'),
        hasWaited,
      },
    ];
  }),
  { id: 'unknown', title: 'another certificate: another key, all else the same', faults: impostor(), seenAs: UNKNOWN },
  {
    id: 'unknown-expired',
    title: 'another certificate, expired',
    faults: impostor({ certificate: { dates: 'expired' } }),
    seenAs: UNKNOWN,
  },
  {
    id: 'unknown-not-yet-valid',
    title: 'another certificate, not yet valid',
    faults: impostor({ certificate: { dates: 'not-yet-valid' } }),
    seenAs: UNKNOWN,
  },
  {
    id: 'other-name',
    title: 'another certificate, for another name',
    faults: impostor({ certificate: { names: ['elsewhere.test'] } }),
    seenAs: UNKNOWN,
  },
  {
    id: 'other-kind',
    title: 'another certificate, ECDSA',
    faults: impostor({ certificate: { key: 'ecdsa' } }),
    seenAs: UNKNOWN,
  },
  {
    id: 'tls-1.2',
    title: 'another certificate, TLS 1.2 alone',
    faults: impostor({ maxVersion: 'TLSv1.2' }),
    seenAs: UNKNOWN,
    highestFloor: 'Tls12',
  },
  {
    id: 'tls-1.1',
    title: 'TLS 1.1 alone',
    faults: impostor({ maxVersion: 'TLSv1.1' }),
    seenAs: UNKNOWN,
    highestFloor: 'Tls11',
  },
  {
    id: 'tls-1.0',
    title: 'TLS 1.0 alone',
    faults: impostor({ maxVersion: 'TLSv1' }),
    seenAs: UNKNOWN,
    highestFloor: 'Tls10',
  },
  {
    id: 'weak-cipher',
    title: 'a cipher without forward secrecy alone',
    faults: impostor({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA', certificate: { key: 'rsa' } }),
    seenAs: UNKNOWN,
    // What is older than TLS 1.2 has nothing better, so that those suites come with it.
    highestFloor: 'Tls11',
  },
];

/** What the rules see of it where TLS below `floor` is refused: the server has nothing that both can speak. */
export function seenAbove(
  floor: TlsVersion,
  { seenAs, highestFloor = 'Tls13' }: Pick<WireEvent, 'seenAs' | 'highestFloor'>,
): SeenAs {
  const isContent = TLS_VERSIONS.indexOf(floor) <= TLS_VERSIONS.indexOf(highestFloor);
  return isContent ? seenAs : broken('alert');
}

/** The same done to X-ANONYMOUSTLS. */
export function anonymousTlsFaults(faults: readonly FaultInput[]): readonly FaultInput[] {
  return faults.map((fault) => ({
    ...fault,
    at: fault.at.replace('STARTTLS', 'X-ANONYMOUSTLS'),
    ...(fault.do === 'strip' && { keyword: 'X-ANONYMOUSTLS' }),
  }));
}
