// Who speaks for others: the PROXY protocol in both versions, from listed addresses alone, and what the policy sees then.

import { afterEach, describe, expect, it } from 'vitest';
import type { TrustedIntermediaries } from '../../src/smtp/listener.ts';
import type { SmtpSession } from '../../src/smtp/session-policy.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { ListenerBench } from '../helpers/listener-bench.ts';
import { proxyHeader } from '../helpers/proxy-headers.ts';
import { makeIdentity, ScriptedPolicy } from '../helpers/scripted-policy.ts';

const bench = new ListenerBench();
afterEach(() => bench.clear());

const PROXY: TrustedIntermediaries = { speaksProxy: (address) => address === '127.0.0.1', mayXclient: () => false };
const NOT_US: TrustedIntermediaries = { speaksProxy: (address) => address === '192.0.2.1', mayXclient: () => false };

/** A policy that notes whom it saw. */
function watching(): { policy: ScriptedPolicy; seen: Pick<SmtpSession, 'remoteAddress' | 'remotePort' | 'via'>[] } {
  const seen: Pick<SmtpSession, 'remoteAddress' | 'remotePort' | 'via'>[] = [];
  const policy = new ScriptedPolicy({
    connect: ({ remoteAddress, remotePort, via }) => {
      seen.push({ remoteAddress, remotePort, via });
      return undefined;
    },
  });
  return { policy, seen };
}

describe('the PROXY protocol', () => {
  it.each([
    ['version 1', Buffer.from('PROXY TCP4 192.0.2.7 127.0.0.1 4711 25\r\n'), '192.0.2.7'],
    ['version 1, IPv6', Buffer.from('PROXY TCP6 2001:db8::7 ::1 4711 25\r\n'), '2001:db8::7'],
    ['version 2', proxyHeader({ address: '192.0.2.7', port: 4711 }), '192.0.2.7'],
    ['version 2, IPv6', proxyHeader({ address: '2001:db8::7', port: 4711 }), '2001:db8::7'],
  ])('%s names the client, also in pieces, and nothing behind the header is lost', async (_, header, address) => {
    const { policy, seen } = watching();
    const client = await bench.dial(await bench.listen(policy, { intermediaries: PROXY }));
    client.write(header.subarray(0, 9));
    client.write(header.subarray(9));
    expect((await client.reply()).code).toBe(220);
    expect(await client.ask('EHLO client.test')).toContain(`Hello [${address}]`);
    const via = { protocol: 'PROXY', address: '127.0.0.1' };
    expect(seen).toEqual([{ remoteAddress: address, remotePort: 4711, via }]);
  });

  it.each([
    ['a health check', proxyHeader({ command: 0 })],
    ['an unknown client', Buffer.from('PROXY UNKNOWN\r\n')],
  ])('leaves %s what it is', async (_, header) => {
    const { policy, seen } = watching();
    const client = await bench.dial(await bench.listen(policy, { intermediaries: PROXY }));
    client.write(header);
    expect((await client.reply()).code).toBe(220);
    expect(seen).toMatchObject([{ remoteAddress: '127.0.0.1', via: undefined }]);
  });

  it('is needed from a listed address: whatever else comes ends the connection, without a word', async () => {
    const { policy, seen } = watching();
    const client = await bench.dial(await bench.listen(policy, { intermediaries: PROXY }));
    client.write('EHLO client.test\r\n');
    await client.closed;
    expect([client.isQuiet, seen]).toEqual([true, []]);
  });

  it('is no command from anybody else', async () => {
    const { policy, seen } = watching();
    const client = await bench.dial(await bench.listen(policy, { intermediaries: NOT_US }));
    await client.reply();
    expect(await client.ask('PROXY TCP4 192.0.2.7 127.0.0.1 4711 25')).toMatch(/^500 5\.5\.1/);
    expect(seen).toMatchObject([{ remoteAddress: '127.0.0.1', via: undefined }]);
  });

  it('comes before TLS where TLS comes first', async () => {
    const pair = await createSelfSigned({ netbiosName: 'A', fqdn: 'a.test', notBefore: new Date(Date.now() - 1000) });
    const identity = makeIdentity(pair.certificate.pem, pair.privateKeyPem);
    const { policy, seen } = watching();
    policy.secureContext = () => identity;
    const client = await bench.dial(await bench.listen(policy, { intermediaries: PROXY, service: 'smtps' }));
    client.write('PROXY TCP4 192.0.2.7 127.0.0.1 4711 25\r\n');
    await client.secure();
    expect((await client.reply()).code).toBe(220);
    expect(seen).toMatchObject([{ remoteAddress: '192.0.2.7' }]);
  });

  it('does not hold up a stop', async () => {
    const { policy } = watching();
    const client = await bench.dial(await bench.listen(policy, { intermediaries: PROXY }));
    client.write('PRO');
    await Promise.all(bench.listeners.splice(0).map((listener) => listener.close()));
    await client.closed;
    expect(client.isQuiet).toBe(true);
  });
});
