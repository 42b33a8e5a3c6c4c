// The header of the PROXY protocol under fuzzing: text and binary ones that are nearly right, from a client that must begin
// with one. Whatever comes, the connection ends, and nobody is served as a client that no header named.

import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { silentLog } from '../../src/log.ts';
import { SmtpListener } from '../../src/smtp/listener.ts';
import type { SmtpSession } from '../../src/smtp/session-policy.ts';
import type { Chance } from '../crash/chance.ts';
import { proxyHeader } from '../helpers/proxy-headers.ts';
import { RawSmtpClient } from '../helpers/raw-smtp-client.ts';
import { ScriptedPolicy } from '../helpers/scripted-policy.ts';
import { cut, mutateOctets, mutateTokens, pick } from './mutate.ts';
import type { Target } from './target.ts';

const WORDS = [
  'PROXY',
  'TCP4',
  'TCP6',
  'UNKNOWN',
  '192.0.2.7',
  '127.0.0.1',
  '2001:db8::7',
  '::1',
  '::ffff:192.0.2.7',
  '0',
  '25',
  '65535',
];
const LINES = ['PROXY TCP4 192.0.2.7 127.0.0.1 4711 25', 'PROXY TCP6 2001:db8::7 ::1 4711 25', 'PROXY UNKNOWN'];
const BINARY = [
  proxyHeader({ address: '192.0.2.7' }),
  proxyHeader({ address: '2001:db8::7' }),
  proxyHeader({ command: 0 }),
  proxyHeader({ additions: Buffer.from('\x04\0\x05ABCDE') }),
];

export class ProxyTarget implements Target {
  readonly name = 'PROXY header';
  readonly #policy: ScriptedPolicy;
  readonly #listener: SmtpListener;
  readonly #seen: SmtpSession[];

  private constructor(policy: ScriptedPolicy, listener: SmtpListener, seen: SmtpSession[]) {
    this.#policy = policy;
    this.#listener = listener;
    this.#seen = seen;
  }

  static async open(): Promise<ProxyTarget> {
    const seen: SmtpSession[] = [];
    const policy = new ScriptedPolicy({
      connect: (session) => {
        seen.push(session);
        return undefined;
      },
    });
    const intermediaries = { speaksProxy: () => true, mayXclient: () => false };
    const options = { host: '127.0.0.1', port: 0, fqdn: 'listener.test', policy, log: silentLog(), intermediaries };
    return new ProxyTarget(policy, await SmtpListener.open(options), seen);
  }

  async run(chance: Chance): Promise<string | undefined> {
    this.#seen.length = 0;
    const header = makeHeader(chance);
    const socket = connect({ host: '127.0.0.1', port: this.#listener.address.port, noDelay: true });
    socket.on('error', () => undefined).resume();
    const closed = once(socket, 'close');
    for (const piece of cut(chance, header)) {
      socket.write(piece);
      await turn();
    }
    socket.end('QUIT\r\n');
    await closed;
    const bad = this.#seen.find(
      ({ remoteAddress, via }) => isIP(remoteAddress) === 0 || (via && via.address !== '127.0.0.1'),
    );
    return bad && `a session of ${JSON.stringify(bad.remoteAddress)} after ${header.toString('hex')}`;
  }

  async checkService(): Promise<string | undefined> {
    this.#seen.length = 0;
    this.#policy.events.length = 0;
    const client = await RawSmtpClient.dial(this.#listener.address.port);
    client.write('PROXY TCP4 192.0.2.7 127.0.0.1 4711 25\r\n');
    const { code } = await client.reply();
    client.destroy();
    const address = this.#seen[0]?.remoteAddress;
    return code === 220 && address === '192.0.2.7' ? undefined : `a sound client got ${code} as ${address}`;
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

function makeHeader(chance: Chance): Buffer {
  if (chance.below(2) === 0) return mutateOctets(chance, pick(chance, BINARY));
  const words = mutateTokens(chance, pick(chance, LINES).split(' '), WORDS);
  return mutateOctets(chance, Buffer.from(`${words.join(' ')}\r\n`));
}
