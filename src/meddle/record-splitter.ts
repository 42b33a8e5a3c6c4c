// TLS record by record (RFC 8446 §5.1), each with the names of the handshake messages that begin in it, as far as they can be read:
// all of a handshake of TLS 1.2 up to Finished, of TLS 1.3 the two hellos. Both sides of a conversation share what is known of it.

import { describeCertificate, describeClientHello, readServerHello, readServerName } from './handshake-facts.ts';
import { PendingOctets } from './pending-octets.ts';
import { HANDSHAKE_MESSAGES } from './point.ts';
import type { Side, Unit } from './unit.ts';

const HEADER = 5;
const MESSAGE_HEADER = 4;
const MAX_MESSAGE_OCTETS = 262_144;
const CONTENT: Readonly<Record<number, string>> = {
  20: 'ChangeCipherSpec',
  21: 'Alert',
  22: 'Handshake',
  23: 'ApplicationData',
};

/** What can be seen of one handshake from outside. */
export class HandshakeView {
  /** As OpenSSL writes it; undefined until a ServerHello came. */
  version: string | undefined;
  cipher: string | undefined;
  /** What the client asked for by SNI. */
  serverName: string | undefined;
  /** A whole ClientHello came. */
  hasClientHello = false;
  /** Both sides speak under their keys: the client has believed what it was shown, and gone on. */
  isEstablished = false;
  readonly #changed = new Set<Side>();
  readonly #finished = new Set<Side>();

  get isTls13(): boolean {
    return this.version === 'TLSv1.3';
  }

  /** Whether a handshake record of this side can be read. In TLS 1.3 a ChangeCipherSpec says nothing. */
  isReadable(side: Side): boolean {
    return this.isTls13 || !this.#changed.has(side);
  }

  note(side: Side, name: string, body: Buffer): void {
    if (name === 'ChangeCipherSpec') this.#changed.add(side);
    if (name === 'ClientHello') {
      this.hasClientHello = true;
      this.serverName = readServerName(body);
    }
    if (name === 'ServerHello' || name === 'HelloRetryRequest') this.#noteChoice(body);
    if (name === 'Finished') this.#finished.add(side);
    this.isEstablished ||= this.#finished.size === 2;
  }

  /** In TLS 1.3 the client's own records begin with its certificate or its Finished, or with an alert, which is shorter than either. */
  noteApplicationData(side: Side, length: number): void {
    if (this.isTls13 && side === 'client' && length > ALERT_UNDER_AEAD) this.isEstablished = true;
  }

  #noteChoice(body: Buffer): void {
    const choice = readServerHello(body);
    this.version = choice?.version;
    this.cipher = choice?.cipher;
  }
}

/** Two octets of alert, one of content type, sixteen of tag. */
const ALERT_UNDER_AEAD = 19;

export class RecordSplitter {
  readonly #side: Side;
  readonly #view: HandshakeView;
  readonly #pending = new PendingOctets();
  #count = 0;
  #isTls = true;
  /** Handshake octets whose message has not come whole. */
  #message = Buffer.alloc(0);

  constructor(side: Side, view: HandshakeView) {
    this.#side = side;
    this.#view = view;
  }

  add(octets: Buffer): void {
    this.#pending.add(octets);
  }

  /** The next record that has come whole; what is no TLS comes as it is, and so does everything behind it. */
  next(): Unit | undefined {
    this.#isTls &&=
      this.#pending.octets.length < 2 || ((this.#pending.octets[0] ?? 0) in CONTENT && this.#pending.octets[1] === 3);
    if (!this.#isTls) return this.#pending.octets.length === 0 ? undefined : this.#junk();
    if (this.#pending.octets.length < HEADER) return undefined;
    const length = HEADER + this.#pending.octets.readUInt16BE(3);
    if (this.#pending.octets.length < length) return undefined;
    const octets = this.#pending.take(length);
    this.#count++;
    const { names, details } = this.#read(octets);
    return this.#unit(octets, [...names, `record ${this.#count}`], [names.join(', '), ...details].join(': '));
  }

  #read(record: Buffer): { names: string[]; details: string[] } {
    const content = CONTENT[record[0] ?? 0] ?? '';
    const payload = record.subarray(HEADER);
    if (content === 'ApplicationData') this.#view.noteApplicationData(this.#side, payload.length);
    if (content !== 'Handshake') {
      this.#view.note(this.#side, content, payload);
      return { names: [content], details: [detailOf(content, payload)].filter((text) => text !== '') };
    }
    if (!this.#view.isReadable(this.#side)) {
      this.#view.note(this.#side, 'Finished', payload);
      return { names: ['Finished'], details: [] };
    }
    return this.#readMessages(payload);
  }

  /** A message that began in an earlier record gives this one no name. */
  #readMessages(payload: Buffer): { names: string[]; details: string[] } {
    const names: string[] = [];
    const details: string[] = [];
    let isBegunEarlier = this.#message.length > 0;
    let rest = Buffer.concat([this.#message, payload]);
    while (rest.length >= MESSAGE_HEADER) {
      const end = MESSAGE_HEADER + rest.readUIntBE(1, 3);
      const body = rest.subarray(MESSAGE_HEADER, end);
      const name = nameOf(rest[0] ?? 0, body);
      if (!isBegunEarlier) names.push(name);
      if (rest.length < end) break;
      this.#view.note(this.#side, name, body);
      details.push(detailOf(name, body));
      rest = rest.subarray(end);
      isBegunEarlier = false;
    }
    this.#message = rest.length > MAX_MESSAGE_OCTETS ? Buffer.alloc(0) : rest;
    return { names: names.length === 0 ? ['Handshake'] : names, details: details.filter((text) => text !== '') };
  }

  #junk(): Unit {
    const octets = this.#pending.take(this.#pending.octets.length);
    return this.#unit(octets, ['junk'], `${octets.length} octets that are no TLS`);
  }

  #unit(octets: Buffer, names: readonly string[], text: string): Unit {
    return { side: this.#side, layer: 'tls', names, octets, offset: 0, text };
  }
}

function nameOf(type: number, body: Buffer): string {
  const name = HANDSHAKE_MESSAGES[type] ?? `handshake message ${type}`;
  return name === 'ServerHello' && readServerHello(body)?.isRetry === true ? 'HelloRetryRequest' : name;
}

/** RFC 8446 §6; RFC 5246 §7.2. */
const ALERTS: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  40: 'handshake_failure',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  50: 'decode_error',
  51: 'decrypt_error',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  109: 'missing_extension',
  112: 'unrecognized_name',
  116: 'certificate_required',
  120: 'no_application_protocol',
};

function detailOf(name: string, body: Buffer): string {
  if (name === 'ClientHello') return describeClientHello(body);
  if (name === 'Certificate') return describeCertificate(body) ?? '';
  if (name === 'Alert') return body.length === 2 ? (ALERTS[body[1] ?? 0] ?? `number ${body[1]}`) : 'encrypted';
  if (name === 'ApplicationData') return `${body.length} octets`;
  const choice = name === 'ServerHello' ? readServerHello(body) : undefined;
  return choice ? `${choice.version} ${choice.cipher}` : '';
}
