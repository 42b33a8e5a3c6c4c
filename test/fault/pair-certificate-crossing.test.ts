// Fault: a certificate ends while both servers run and sessions are open. Nobody restarts anything: what was said in TLS stays,
// what begins afterwards knows.

import { connect as connectTls, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { INSIDER, OUTSIDER, Relaying, TRUSTED_TLS, writeLetter } from '../helpers/relaying.ts';
import { eventually, type Role } from '../helpers/servers.ts';
import { Conversation, stuff } from '../helpers/submit.ts';

/** How long before its end the pair is started. */
const LEFT_MS = 14_000;

it("crosses the end of the Edge's certificate with its sessions open", { timeout: 540_000 }, async () => {
  // The Hub's own certificate is a month younger, so that one of the two ends alone.
  await using relaying = await Relaying.start({ clocks: { edge: '-30d' } });
  const { servers } = relaying;
  const notAfter = await endOf(relaying, 'edge');
  await Promise.all([servers.stop('hub'), servers.stop('edge')]);
  const offsetMs = notAfter.getTime() - Date.now() - LEFT_MS;
  const remainingMs = (): number => notAfter.getTime() - Date.now() - offsetMs;
  await Promise.all([servers.start('hub', `+${offsetMs}ms`), servers.start('edge', `+${offsetMs}ms`)]);
  const pids = [servers.pid('hub'), servers.pid('edge')];

  expect(await relaying.exchangeLetters('before the end')).toMatchObject({
    outbound: TRUSTED_TLS,
    inbound: TRUSTED_TLS,
  });
  const inTls = await SecureSession.open(servers.ports.edge);
  const inClear = await Conversation.open(servers.ports.edge);
  await inClear.reply();
  expect(await inClear.say('EHLO client.test')).toMatch(/^250[- ]STARTTLS\r?$/m);
  expect(await eventIds(relaying, 'edge')).not.toContain(12_015);
  expect(remainingMs(), 'the preparations took too long').toBeGreaterThan(0);

  await eventually('event 12015', async () => (await eventIds(relaying, 'edge')).includes(12_015) || undefined, 40_000);
  expect(remainingMs()).toBeLessThanOrEqual(0);
  expect(await eventIds(relaying, 'edge')).toEqual(expect.arrayContaining([12_015, 12_016]));
  expect(await eventIds(relaying, 'hub')).not.toContain(12_015);

  const kept = writeLetter('in a session from before');
  expect(await inTls.submit(kept.content)).toMatch(/^250 /);
  await relaying.awaitArrival('inbound', kept);
  expect(await inClear.say('EHLO client.test')).not.toMatch(/STARTTLS/);
  expect(await inClear.say('STARTTLS')).toMatch(/^[45]/);
  const fresh = await Conversation.open(servers.ports.edge);
  await fresh.reply();
  expect(await fresh.say('EHLO client.test')).not.toMatch(/STARTTLS/);

  const protection = { channel: 'plaintext', protection: 'authenticated-not-protected' };
  expect(await relaying.exchangeLetters('after the end')).toMatchObject({
    outbound: { ...protection, reason: 'certificate-expired' },
    inbound: { ...protection, reason: 'own-certificate-expired' },
  });
  expect(await eventIds(relaying, 'hub')).toContain(12_019);
  expect([servers.pid('hub'), servers.pid('edge')]).toEqual(pids);
  expect(await relaying.reports()).toEqual([]);
  inTls.close();
  inClear.close();
  fresh.close();
});

async function endOf(relaying: Relaying, role: Role): Promise<Date> {
  const [certificate] = await relaying.servers.cmdlet(role, 'Get-ExchangeCertificate');
  return new Date(certificate?.['NotAfter'] as string);
}

async function eventIds(relaying: Relaying, role: Role): Promise<number[]> {
  const events = await relaying.servers.ask(role, 'Get-EventLog');
  return events.map((event) => Number(event['EventId']));
}

/** An SMTP session in TLS, as any client of the world has one. */
class SecureSession {
  readonly #socket: TLSSocket;
  #input = '';

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.#input += chunk.toString('latin1');
    });
  }

  static async open(port: number): Promise<SecureSession> {
    const plain = await Conversation.open(port);
    await plain.reply();
    await plain.say('EHLO client.test');
    expect(await plain.say('STARTTLS')).toMatch(/^220/);
    plain.socket.removeAllListeners('data');
    const socket = connectTls({ socket: plain.socket, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const session = new SecureSession(socket);
    expect(await session.#say('EHLO client.test')).toMatch(/^250/);
    return session;
  }

  /** The reply to the final dot, or the first that is no success. */
  async submit(content: Buffer): Promise<string> {
    let reply = '';
    const body = Buffer.concat([stuff(content), Buffer.from('.')]).toString('latin1');
    for (const line of [`MAIL FROM:<${OUTSIDER}>`, `RCPT TO:<${INSIDER}>`, 'DATA', body]) {
      reply = await this.#say(line);
      if (!/^[23]/.test(reply)) return reply;
    }
    return reply;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #say(line: string): Promise<string> {
    this.#input = '';
    this.#socket.write(`${line}\r\n`, 'latin1');
    return eventually(`an answer to "${line.slice(0, 40)}"`, () =>
      this.#socket.destroyed ? 'closed' : /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n$/.exec(this.#input)?.[0],
    );
  }
}
