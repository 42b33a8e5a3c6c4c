// What one of our captures holds of a session: the octets of both sides in their order, and the secrets of its TLS. Our files have
// each octet once and in order (tcp-conversation.ts), so nothing is put together anew here.

import { readCapture } from './capture-reader.ts';
import { decodeSecrets, PACKET_BLOCK, SECRETS_BLOCK } from './pcapng.ts';
import type { Side } from './tcp-conversation.ts';

export interface SentOctets {
  /** Real time, as packets bear it. */
  readonly time: Date;
  readonly side: Side;
  readonly octets: Buffer;
}

export interface SessionOctets {
  readonly sent: readonly SentOctets[];
  /** The key log, as NSS defined it; empty without TLS. */
  readonly keyLog: string;
}

/** Throws Problem `not-a-capture` or `file-unreadable`. */
export function readSession(path: string): SessionOctets {
  const sent: SentOctets[] = [];
  const keyLogs: string[] = [];
  let clientPort: number | undefined;
  for (const part of readCapture(path)) {
    if (part.kind !== 'block') continue;
    const body = part.octets.subarray(8, -4);
    if (part.type === SECRETS_BLOCK) keyLogs.push(decodeSecrets(body, part.order)?.toString() ?? '');
    if (part.type !== PACKET_BLOCK) continue;
    const { time, port, payload } = readPacket(body);
    // The first packet is the one that opens the connection.
    clientPort ??= port;
    if (payload.length > 0) sent.push({ time, side: port === clientPort ? 'client' : 'server', octets: payload });
  }
  return { sent, keyLog: keyLogs.join('\n') };
}

function readPacket(body: Buffer): { readonly time: Date; readonly port: number; readonly payload: Buffer } {
  const microseconds = (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8));
  const packet = body.subarray(20, 20 + body.readUInt32LE(12));
  const isIpv6 = packet.readUInt8(0) >> 4 === 6;
  const tcp = packet.subarray(isIpv6 ? 40 : (packet.readUInt8(0) & 0x0f) * 4);
  return {
    time: new Date(Number(microseconds / 1000n)),
    port: tcp.readUInt16BE(0),
    payload: tcp.subarray((tcp.readUInt8(12) >> 4) * 4),
  };
}
