// ESMTP parameters of MAIL and RCPT (RFC 5321 §4.1.2): SIZE (RFC 1870), BODY (RFC 6152, RFC 3030), SMTPUTF8 (RFC 6531),
// REQUIRETLS (RFC 8689), RET, ENVID, NOTIFY, ORCPT (RFC 3461) and AUTH (RFC 4954 §5). A table of readers, nothing more: unknown ones and those not offered are
// 555, malformed and doubled ones 501. Limits (SIZE against ours) are the session's to judge.

import type { Reply } from './reply.ts';
import { REPLIES } from './replies.ts';
import { decodeXtext } from './xtext.ts';

/** Extensions that are offered unless they are withheld. */
export type CommonExtension = 'SIZE' | 'PIPELINING' | 'DSN' | 'ENHANCEDSTATUSCODES' | '8BITMIME' | 'SMTPUTF8';

/** What MAIL's parameters said. `envelopeId` is decoded from xtext. */
export interface MailParameters {
  readonly sizeBytes?: number;
  readonly body: '7BIT' | '8BITMIME' | 'BINARYMIME';
  readonly smtpUtf8: boolean;
  /** REQUIRETLS was given. */
  readonly requireTls?: boolean;
  readonly ret?: 'FULL' | 'HDRS';
  readonly envelopeId?: string;
}

export type Notify = 'NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY';

/** What RCPT's parameters said. `originalRecipient` is "rfc822;user@example.com", decoded from xtext. */
export interface RecipientParameters {
  readonly notify?: readonly Notify[];
  readonly originalRecipient?: string;
}

/** What the client was offered: nothing after HELO, AUTH only where a mechanism was named, BINARYMIME where CHUNKING is, REQUIRETLS in TLS. */
export interface OfferedParameters {
  readonly extended: boolean;
  readonly auth: boolean;
  readonly binaryMime: boolean;
  readonly requireTls?: boolean;
  /** Extensions that were not offered, though they are as a rule. */
  readonly withheld?: readonly CommonExtension[];
}

export type Parsed<T> =
  | { readonly kind: 'parsed'; readonly value: T }
  | { readonly kind: 'refused'; readonly reply: Reply };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** Writes one parameter into the draft: true when it is well formed. */
type Reader<T> = (value: string | undefined, draft: Mutable<T>, offered: OfferedParameters) => boolean | 'not-offered';

const MAX_ENVID_OCTETS = 100;
const MAX_ORCPT_OCTETS = 500;

/** Which extension a parameter belongs to, where that may be withheld. */
const EXTENSION_OF: Readonly<Record<string, CommonExtension>> = {
  SIZE: 'SIZE',
  SMTPUTF8: 'SMTPUTF8',
  RET: 'DSN',
  ENVID: 'DSN',
  NOTIFY: 'DSN',
  ORCPT: 'DSN',
};

const MAIL_READERS: Readonly<Record<string, Reader<MailParameters>>> = {
  SIZE: (value, draft) => {
    if (value === undefined || !/^\d{1,20}$/.test(value)) return false;
    draft.sizeBytes = Number(value);
    return true;
  },
  BODY: (value, draft, offered) => {
    const body = value?.toUpperCase();
    if (body !== '7BIT' && body !== '8BITMIME' && body !== 'BINARYMIME') return false;
    if (body === 'BINARYMIME' && !offered.binaryMime) return 'not-offered';
    if (body === '8BITMIME' && isWithheld(offered, '8BITMIME')) return 'not-offered';
    draft.body = body;
    return true;
  },
  SMTPUTF8: (value, draft) => {
    draft.smtpUtf8 = true;
    return value === undefined;
  },
  REQUIRETLS: (value, draft, offered) => {
    if (offered.requireTls !== true) return 'not-offered';
    draft.requireTls = true;
    return value === undefined;
  },
  RET: (value, draft) => {
    const ret = value?.toUpperCase();
    if (ret !== 'FULL' && ret !== 'HDRS') return false;
    draft.ret = ret;
    return true;
  },
  ENVID: (value, draft) => {
    if (value === undefined || value.length > MAX_ENVID_OCTETS) return false;
    const decoded = decodeXtext(value);
    if (decoded === undefined || decoded === '') return false;
    draft.envelopeId = decoded;
    return true;
  },
  // Who first handed the message in. Read for its form only: nobody here is trusted to say so (RFC 4954 §5).
  AUTH: (value) => value !== undefined && value !== '' && (value === '<>' || decodeXtext(value) !== undefined),
};

const RECIPIENT_READERS: Readonly<Record<string, Reader<RecipientParameters>>> = {
  NOTIFY: (value, draft) => {
    const wishes = value?.toUpperCase().split(',') ?? [];
    if (wishes.length === 0 || !wishes.every(isNotify) || new Set(wishes).size !== wishes.length) return false;
    // RFC 3461 §4.1: NEVER stands alone.
    if (wishes.includes('NEVER') && wishes.length > 1) return false;
    draft.notify = wishes;
    return true;
  },
  ORCPT: (value, draft) => {
    if (value === undefined || Buffer.byteLength(value) > MAX_ORCPT_OCTETS) return false;
    const original = readOriginalRecipient(value);
    if (original === undefined) return false;
    draft.originalRecipient = original;
    return true;
  },
};

/** Reads what follows MAIL's path. */
export function parseMailParameters(text: string, offered: OfferedParameters): Parsed<MailParameters> {
  return readAll<MailParameters>(text, { readers: MAIL_READERS, offered, draft: { body: '7BIT', smtpUtf8: false } });
}

/** Reads what follows RCPT's path. */
export function parseRecipientParameters(text: string, offered: OfferedParameters): Parsed<RecipientParameters> {
  return readAll<RecipientParameters>(text, { readers: RECIPIENT_READERS, offered, draft: {} });
}

interface Reading<T> {
  readonly readers: Readonly<Record<string, Reader<T>>>;
  readonly offered: OfferedParameters;
  readonly draft: Mutable<T>;
}

function readAll<T>(text: string, reading: Reading<T>): Parsed<T> {
  const seen = new Set<string>();
  if (text !== '' && !text.startsWith(' ')) return refused(REPLIES.parameterMalformed);
  for (const parameter of text.split(' ').filter((part) => part !== '')) {
    const [, keyword, value] = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^=\s]+))?$/.exec(parameter) ?? [];
    if (keyword === undefined) return refused(REPLIES.parameterMalformed);
    const name = keyword.toUpperCase();
    const refusal = readOne(name, value, reading) ?? (seen.has(name) ? REPLIES.parameterDoubled : undefined);
    if (refusal) return refused(refusal);
    seen.add(name);
  }
  return { kind: 'parsed', value: reading.draft };
}

function readOne<T>(name: string, value: string | undefined, reading: Reading<T>): Reply | undefined {
  const reader = Object.hasOwn(reading.readers, name) ? reading.readers[name] : undefined;
  if (!reader || !reading.offered.extended || (name === 'AUTH' && !reading.offered.auth))
    return REPLIES.parameterUnknown;
  const extension = Object.hasOwn(EXTENSION_OF, name) ? EXTENSION_OF[name] : undefined;
  if (extension && isWithheld(reading.offered, extension)) return REPLIES.parameterUnknown;
  const outcome = reader(value, reading.draft, reading.offered);
  if (outcome === 'not-offered') return REPLIES.parameterUnknown;
  return outcome ? undefined : REPLIES.parameterMalformed;
}

function refused(reply: Reply): { kind: 'refused'; reply: Reply } {
  return { kind: 'refused', reply };
}

function isNotify(text: string): text is Notify {
  return text === 'NEVER' || text === 'SUCCESS' || text === 'FAILURE' || text === 'DELAY';
}

/** RFC 3461 §4.2; the utf-8 type of RFC 6533 has its own escapes and travels on as written. */
function readOriginalRecipient(value: string): string | undefined {
  const [, type, address] = /^([A-Za-z0-9!#$%&'*+/?^_`{|}~-]+);(.+)$/u.exec(value) ?? [];
  if (type === undefined || address === undefined) return undefined;
  if (type.toLowerCase() === 'utf-8') return /\p{Cc}/u.test(address) ? undefined : value;
  const decoded = decodeXtext(address);
  return decoded === undefined ? undefined : `${type};${decoded}`;
}

function isWithheld({ withheld }: OfferedParameters, extension: CommonExtension): boolean {
  return withheld?.includes(extension) === true;
}
