// The envelope of a message on its way out, pure: which lines say it to a hop with given extensions, and which recipients that
// hop cannot be given at all (RFC 5321 §4.1.1, RFC 1870, RFC 3030, RFC 3461, RFC 6152, RFC 6531, RFC 8689). Nothing is converted: a message that
// needs what the hop lacks is refused here, before MAIL.

import { parsePath } from './address.ts';
import type { Notify } from './parameters.ts';
import type { Reply } from './reply.ts';
import { encodeXtext, escapeUtf8Address } from './xtext.ts';

export interface OutgoingRecipient {
  /** As it goes between the angle brackets. */
  readonly address: string;
  readonly notify?: readonly Notify[];
  /** "rfc822;user@example.com", not in xtext; sent on as it came (RFC 3461 §5.2.1). */
  readonly originalRecipient?: string;
}

export interface OutgoingMessage {
  /** '' is the null reverse-path. */
  readonly reversePath: string;
  readonly recipients: readonly OutgoingRecipient[];
  /** Octets without dot stuffing (RFC 1870 §5). */
  readonly sizeBytes: number;
  /** True when any octet has its high bit set. */
  readonly eightBit: boolean;
  /** True when the octets need not be lines (BODY=BINARYMIME, RFC 3030 §3). */
  readonly binaryMime?: boolean;
  /**
   * By BDAT to a hop that offers CHUNKING, a binary message never another way: once the hop has agreed to the envelope, or behind it in
   * the same write, which spares a small message the wait.
   */
  readonly chunk?: 'after-envelope' | 'with-envelope';
  /** True when the message was received with SMTPUTF8. */
  readonly smtpUtf8: boolean;
  /** REQUIRETLS (RFC 8689): `demanded` goes to no hop that does not offer it inside TLS. */
  readonly requireTls?: 'demanded' | 'where-offered';
  readonly ret?: 'FULL' | 'HDRS';
  /** Not in xtext. */
  readonly envelopeId?: string;
  /**
   * Opens the exact octets, `sizeBytes` of them; called at most once for each transaction. With 'with-envelope' that is before the hop
   * has agreed to anything, otherwise once it has agreed to the envelope.
   */
  readonly body: () => AsyncIterable<Buffer>;
  /** Is told of each piece of the body that nothing of the connection needs any more. */
  readonly giveBack?: (piece: Buffer) => void;
}

/** What to say; a recipient with a `refusal` is not said. */
export interface EnvelopePlan {
  readonly mailLine: string;
  readonly recipients: readonly PlannedRecipient[];
}

export interface PlannedRecipient {
  readonly address: string;
  readonly line: string;
  readonly refusal: Reply | undefined;
}

type Capabilities = ReadonlyMap<string, string>;

/** Lays out the envelope for a hop that announced `capabilities`. */
export function planEnvelope(message: OutgoingMessage, capabilities: Capabilities): EnvelopePlan {
  const refusal = refuseMessage(message, capabilities);
  return {
    mailLine: `MAIL FROM:<${message.reversePath}>${formatMailParameters(message, capabilities)}`,
    recipients: message.recipients.map((recipient) => ({
      address: recipient.address,
      line: `RCPT TO:<${recipient.address}>${formatRecipientParameters(recipient, capabilities)}`,
      refusal: refusal ?? refuseRecipient(recipient.address, capabilities),
    })),
  };
}

function refuseMessage(message: OutgoingMessage, capabilities: Capabilities): Reply | undefined {
  if (parsePath(`<${message.reversePath}>`, 'reverse')?.rest !== '') {
    return { code: 553, enhanced: '5.1.7', text: 'the reverse-path is not an address' };
  }
  if ((message.smtpUtf8 || !isAscii(message.reversePath)) && !capabilities.has('SMTPUTF8')) return withoutSmtpUtf8;
  if (message.requireTls === 'demanded' && !capabilities.has('REQUIRETLS')) {
    return { code: 550, enhanced: '5.7.30', text: 'REQUIRETLS support required: the next hop does not offer it' };
  }
  if (message.binaryMime === true && !takesBinary(capabilities)) {
    return { code: 554, enhanced: '5.6.3', text: 'the next hop does not take binary messages (BINARYMIME)' };
  }
  if (message.eightBit && message.binaryMime !== true && !capabilities.has('8BITMIME')) {
    return { code: 554, enhanced: '5.6.3', text: 'the next hop does not take 8-bit messages (8BITMIME)' };
  }
  // "SIZE" alone and "SIZE 0" name no limit (RFC 1870 §4).
  const limitBytes = Number(/^\d+$/.exec(capabilities.get('SIZE') ?? '')?.[0] ?? 0);
  if (limitBytes === 0 || message.sizeBytes <= limitBytes) return undefined;
  const text = `the message has ${message.sizeBytes} octets and the next hop takes ${limitBytes}`;
  return { code: 552, enhanced: '5.3.4', text };
}

const withoutSmtpUtf8: Reply = {
  code: 553,
  enhanced: '5.6.7',
  text: 'the next hop does not take internationalised addresses (SMTPUTF8)',
};

function refuseRecipient(address: string, capabilities: Capabilities): Reply | undefined {
  // Whatever is no path could carry a second command or a parameter of its own.
  if (parsePath(`<${address}>`, 'forward')?.rest !== '') {
    return { code: 553, enhanced: '5.1.3', text: 'the recipient is not an address' };
  }
  return isAscii(address) || capabilities.has('SMTPUTF8') ? undefined : withoutSmtpUtf8;
}

function formatMailParameters(message: OutgoingMessage, capabilities: Capabilities): string {
  const isUtf8 =
    message.smtpUtf8 ||
    [message.reversePath, ...message.recipients.map(({ address }) => address)].some((text) => !isAscii(text));
  return join([
    capabilities.has('SIZE') && `SIZE=${message.sizeBytes}`,
    message.binaryMime === true && 'BODY=BINARYMIME',
    capabilities.has('8BITMIME') && message.eightBit && message.binaryMime !== true && 'BODY=8BITMIME',
    capabilities.has('SMTPUTF8') && isUtf8 && 'SMTPUTF8',
    capabilities.has('REQUIRETLS') && message.requireTls !== undefined && 'REQUIRETLS',
    capabilities.has('DSN') && message.ret !== undefined && `RET=${message.ret}`,
    capabilities.has('DSN') && message.envelopeId !== undefined && `ENVID=${encodeXtext(message.envelopeId)}`,
  ]);
}

function formatRecipientParameters(recipient: OutgoingRecipient, capabilities: Capabilities): string {
  if (!capabilities.has('DSN')) return '';
  const { notify, originalRecipient } = recipient;
  return join([
    notify !== undefined && notify.length > 0 && `NOTIFY=${notify.join(',')}`,
    originalRecipient !== undefined && `ORCPT=${formatOriginalRecipient(originalRecipient, capabilities)}`,
  ]);
}

/** In xtext; the utf-8 type has escapes of its own, and letters need them only where there is no SMTPUTF8 (RFC 6533 §3). */
function formatOriginalRecipient(original: string, capabilities: Capabilities): string {
  if (!original.includes(';')) return `rfc822;${encodeXtext(original)}`;
  if (!/^utf-8;/i.test(original)) return encodeXtext(original);
  return escapeUtf8Address(original, capabilities.has('SMTPUTF8') ? 'unitext' : 'xtext');
}

/** BINARYMIME without CHUNKING makes no sense (RFC 3030 §3). */
function takesBinary(capabilities: Capabilities): boolean {
  return capabilities.has('BINARYMIME') && capabilities.has('CHUNKING');
}

function join(parameters: readonly (string | false)[]): string {
  return parameters
    .filter((parameter) => parameter !== false)
    .map((parameter) => ` ${parameter}`)
    .join('');
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
