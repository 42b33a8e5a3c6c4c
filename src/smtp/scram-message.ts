// The grammar of SCRAM's four messages (RFC 5802 §7), read strictly: names in their order, known ones once, no mandatory
// extension. Whoever breaks it gets undefined; what that means is said in `scram-sha-256.ts`.

import { decodeBase64 } from './base64.ts';
import { areIterationsSane } from './scram-verifier.ts';

export interface ClientFirst {
  /** "n,," or "y,,": what `c=` must repeat. */
  readonly gs2Header: string;
  /** The message without its header, part of what is signed. */
  readonly bare: string;
  readonly user: string;
  readonly nonce: string;
}

export interface ServerFirst {
  readonly nonce: string;
  readonly salt: Buffer;
  readonly iterations: number;
}

export interface ClientFinal {
  /** Everything before ",p=", part of what is signed. */
  readonly withoutProof: string;
  readonly channelBinding: string;
  readonly nonce: string;
  readonly proof: Buffer;
}

/** No message of ours comes near it; nobody gets to make us split more. */
const MAX_MESSAGE_BYTES = 4096;
const NONCE = '[\\x21-\\x2b\\x2d-\\x7e]+';
const EXTENSIONS = '(?:,[A-Za-z]=[^,]+)*';
const CLIENT_FIRST = new RegExp(`^([ny],(a=[^,]+)?,)((?!m=)n=([^,]+),r=(${NONCE})${EXTENSIONS})$`, 'u');
const SERVER_FIRST = new RegExp(`^r=(${NONCE}),s=([^,]+),i=([1-9]\\d{0,8})${EXTENSIONS}$`, 'u');
const CLIENT_FINAL = new RegExp(`^(c=([^,]+),r=(${NONCE})${EXTENSIONS}),p=([^,]+)$`, 'u');

/** A saslname: "," and "=" as =2C and =3D (RFC 5802 §5.1). */
export function escapeUser(user: string): string {
  return user.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

/** The reverse of `escapeUser`; undefined when an "=" stands for anything else. */
export function unescapeUser(text: string): string | undefined {
  if (/=(?!2C|3D)/.test(text) || text.includes(',')) return undefined;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

/** undefined for channel binding (not offered here) and for the wish to act for another identity. */
export function parseClientFirst(data: Buffer): ClientFirst | undefined {
  const [, gs2Header, authorization, bare, name, nonce] = CLIENT_FIRST.exec(decodeText(data) ?? '') ?? [];
  if (gs2Header === undefined || bare === undefined || name === undefined || nonce === undefined) return undefined;
  const user = unescapeUser(name);
  if (user === undefined || (authorization !== undefined && authorization !== `a=${name}`)) return undefined;
  return { gs2Header, bare, user, nonce };
}

export function parseServerFirst(data: Buffer): ServerFirst | undefined {
  const [, nonce, saltText, count] = SERVER_FIRST.exec(decodeText(data) ?? '') ?? [];
  const salt = decodeBase64(saltText ?? '');
  const iterations = Number(count);
  if (nonce === undefined || !salt?.length || !areIterationsSane(iterations)) return undefined;
  return { nonce, salt, iterations };
}

export function parseClientFinal(data: Buffer): ClientFinal | undefined {
  const [, withoutProof, channelBinding, nonce, proofText] = CLIENT_FINAL.exec(decodeText(data) ?? '') ?? [];
  const proof = decodeBase64(proofText ?? '');
  if (withoutProof === undefined || channelBinding === undefined || nonce === undefined || proof === undefined)
    return undefined;
  return { withoutProof, channelBinding, nonce, proof };
}

/** The signature of a server-final message; 'error' when the server reports one, undefined for anything else. */
export function parseServerFinal(data: Buffer): Buffer | 'error' | undefined {
  const text = decodeText(data) ?? '';
  if (text.startsWith('e=')) return 'error';
  const [, signature] = new RegExp(`^v=([^,]+)${EXTENSIONS}$`, 'u').exec(text) ?? [];
  return signature === undefined ? undefined : decodeBase64(signature);
}

function decodeText(data: Buffer): string | undefined {
  if (data.length > MAX_MESSAGE_BYTES || data.includes(0)) return undefined;
  const text = data.toString('utf8');
  return Buffer.from(text, 'utf8').equals(data) ? text : undefined;
}
