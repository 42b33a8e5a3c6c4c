// Headers of the PROXY protocol, version 2, as balancers write them and as none does.

import { isIPv6, SocketAddress } from 'node:net';

export interface ProxyHeaderParts {
  readonly address?: string;
  readonly port?: number;
  readonly version?: number;
  readonly command?: number;
  /** 0x11 and 0x21 by the address when absent. */
  readonly family?: number;
  /** What stands behind the addresses. */
  readonly additions?: Buffer;
  /** Of the addresses only so many octets. */
  readonly addressBytes?: number;
}

export function proxyHeader(parts: ProxyHeaderParts = {}): Buffer {
  const { address = '192.0.2.1', port = 1, version = 2, command = 1, additions = Buffer.alloc(0) } = parts;
  const octets = addressOctets(address);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(port, 0);
  ports.writeUInt16BE(25, 2);
  const addresses = Buffer.concat([octets, Buffer.alloc(octets.length), ports]).subarray(0, parts.addressBytes);
  const head = Buffer.from('\r\n\r\n\0\r\nQUIT\n\0\0\0\0', 'latin1');
  head.writeUInt8((version << 4) | command, 12);
  head.writeUInt8(parts.family ?? (octets.length === 4 ? 0x11 : 0x21), 13);
  head.writeUInt16BE(addresses.length + additions.length, 14);
  return Buffer.concat([head, addresses, additions]);
}

function addressOctets(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const { address: short } = new SocketAddress({ address, family: 'ipv6' });
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(short);
  const [a = 0, b = 0, c = 0, d = 0] = dotted?.slice(1).map(Number) ?? [];
  const hex = short.replace(/\d+\.\d+\.\d+\.\d+$/, `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  const [head = '', tail] = hex.split('::');
  const [left, right] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(8 - (left?.length ?? 0) - (right?.length ?? 0)).fill('0');
  const groups = [...(left ?? []), ...zeros, ...(right ?? [])];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
