// The kind: what the fault box can do, as a scenario writes it and as a program hands it over. One schema is both the types and
// the check. What a fault does to a unit is plan.ts's.

import { z } from 'zod';
import { duration, size } from '../config-values.ts';
import { Problem } from '../problem.ts';
import { parsePoint, POINT_HELP, TLS_VERBS } from './point.ts';

const point = z.string(`not a point; write ${POINT_HELP}`).transform((text, context) => {
  const parsed = parsePoint(text);
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: `there is no point "${text}"; write ${POINT_HELP}` });
  return z.NEVER;
});

const shared = {
  at: point,
  /** Which connections, counted from 1; all when absent. */
  connections: z.array(z.int().min(1)).min(1).optional(),
};

const octetsToSay = {
  text: z.string().optional(),
  hex: z
    .string()
    .regex(/^(?:[0-9a-f]{2}\s*)+$/i, 'not octets in hexadecimal, two digits each')
    .optional(),
};

/** Before: the unit itself is not passed on, but for its first octets. */
const ending = { place: z.enum(['before', 'after']).default('before'), octets: size.default(0) };

const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

/** The certificate shown in place of the server's own. What is not said is as in the original. */
const certificate = z.strictObject({
  dates: z.enum(['in-date', 'expired', 'not-yet-valid']).optional(),
  key: z.enum(['rsa', 'ecdsa', 'ed25519']).optional(),
  names: z.array(z.string().min(1)).min(1).optional(),
  /** Certificate and key that somebody holds, in place of one made here: PEM files, or their contents. */
  files: z.strictObject({ certificate: z.string().min(1), key: z.string().min(1) }).optional(),
  pem: z.strictObject({ certificate: z.string().min(1), key: z.string().min(1) }).optional(),
});

const tlsSide = z.strictObject({
  certificate: certificate.optional(),
  minVersion: z.enum(VERSIONS).optional(),
  maxVersion: z.enum(VERSIONS).optional(),
  /** OpenSSL's list. */
  ciphers: z.string().min(1).optional(),
});

export const faultSchema = z
  .discriminatedUnion(
    'do',
    [
      z.strictObject({
        ...shared,
        do: z.literal('strip'),
        keyword: z.string().min(1).default('STARTTLS'),
        how: z.enum(['remove', 'mask']).default('remove'),
      }),
      z.strictObject({ ...shared, do: z.literal('answer'), ...octetsToSay }),
      z.strictObject({
        ...shared,
        do: z.literal('inject'),
        ...octetsToSay,
        place: z.enum(['before', 'after']).default('after'),
        /** The receiver of the unit when absent. */
        to: z.enum(['client', 'server']).optional(),
      }),
      z.strictObject({ ...shared, do: z.literal('cut'), ...ending }),
      z.strictObject({ ...shared, do: z.literal('reset'), ...ending }),
      z.strictObject({ ...shared, do: z.literal('stall'), ...ending }),
      z.strictObject({ ...shared, do: z.literal('delay'), for: duration }),
      z.strictObject({
        ...shared,
        do: z.literal('split'),
        octets: size.refine((octets) => octets > 0, 'a piece has at least one octet').default(1),
        pause: duration.default(0),
      }),
      z.strictObject({ ...shared, do: z.literal('throttle'), octetsPerSecond: z.int().min(1) }),
      z.strictObject({
        ...shared,
        do: z.literal('corrupt'),
        /** Which octet, counted from 0, or backwards from -1. */
        offset: z.int().default(-1),
        /** The bits to turn over. */
        mask: z.int().min(1).max(255).default(1),
      }),
      z.strictObject({
        ...shared,
        do: z.literal('alert'),
        /** A number of RFC 8446 §6; 40 is handshake_failure. */
        code: z.int().min(0).max(255).default(40),
        /** The sender of the unit when absent. */
        to: z.enum(['client', 'server']).optional(),
      }),
      z.strictObject({
        ...shared,
        do: z.literal('terminate'),
        toClient: tlsSide.default({}),
        toServer: tlsSide.default({}),
      }),
    ],
    'not something that can be done; write strip, answer, inject, cut, reset, stall, delay, split, throttle, corrupt, alert or terminate',
  )
  .superRefine((fault, context) => {
    if ((fault.do === 'answer' || fault.do === 'inject') && (fault.text === undefined) === (fault.hex === undefined))
      context.addIssue({ code: 'custom', path: ['text'], message: 'either text or hex is needed' });
    if (fault.do === 'terminate' && !TLS_VERBS.has(fault.at.name))
      context.addIssue({
        code: 'custom',
        path: ['at'],
        message: 'TLS is ended where it begins: at STARTTLS or X-ANONYMOUSTLS',
      });
    if (fault.do === 'strip' && !fault.at.name.endsWith(' reply'))
      context.addIssue({ code: 'custom', path: ['at'], message: 'a keyword stands in a reply: write "EHLO reply"' });
    if (fault.at.name === 'connect' && !['cut', 'reset', 'stall', 'delay'].includes(fault.do))
      context.addIssue({ code: 'custom', path: ['do'], message: 'at connect there is nothing yet to do this to' });
  });

/** As it is written. */
export type FaultInput = z.input<typeof faultSchema>;
/** Checked, with every default filled in. */
export type Fault = z.output<typeof faultSchema>;
export type Termination = Extract<Fault, { do: 'terminate' }>;
export type TlsSide = Termination['toClient'];
export type CertificateWish = NonNullable<TlsSide['certificate']>;

/** Faults of a program, those that were read before as they are; throws Problem `meddle-invalid`, naming the fault by its place in the list. */
export function readFaults(faults: readonly (FaultInput | Fault)[]): readonly Fault[] {
  return faults.map((fault, index) => {
    if (isRead(fault)) return fault;
    const result = faultSchema.safeParse(fault);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const where = ['faults', index, ...(issue?.path ?? [])].join('.');
    throw new Problem('meddle-invalid', `${where}: ${issue?.message ?? 'not a fault'}`);
  });
}

function isRead(fault: FaultInput | Fault): fault is Fault {
  return typeof fault.at === 'object';
}

/** The octets that `answer` and `inject` say, as they are. */
export function octetsOf({ text, hex }: { text?: string | undefined; hex?: string | undefined }): Buffer {
  return hex === undefined ? Buffer.from(text ?? '') : Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
}

/** One line for people: "strip at EHLO reply". */
export function describeFault(fault: Fault): string {
  const { at } = fault;
  return `${fault.do} at ${at.name}${at.from === undefined ? '' : ` from ${at.from}`}`;
}
