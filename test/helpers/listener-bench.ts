// Listeners and raw clients of one test, opened in a line and gone after it.

import { silentLog } from '../../src/log.ts';
import { type ListenerOptions, SmtpListener } from '../../src/smtp/listener.ts';
import { RawSmtpClient } from './raw-smtp-client.ts';
import type { SessionPolicy } from '../../src/smtp/session-policy.ts';

export class ListenerBench {
  listeners: SmtpListener[] = [];
  #clients: RawSmtpClient[] = [];

  /** Opens a listener on a free port of the loopback and gives the port. */
  async listen(policy: SessionPolicy, options: Partial<ListenerOptions> = {}): Promise<number> {
    const base = { host: '127.0.0.1', port: 0, fqdn: 'listener.test', policy, log: silentLog() };
    const listener = await SmtpListener.open({ ...base, ...options });
    this.listeners.push(listener);
    return listener.address.port;
  }

  /** A connection with its greeting unread. */
  async dial(port: number, host?: string): Promise<RawSmtpClient> {
    const client = await RawSmtpClient.dial(port, host);
    this.#clients.push(client);
    return client;
  }

  /** A connection after its EHLO. */
  async greet(port: number): Promise<RawSmtpClient> {
    const client = await this.dial(port);
    await client.reply();
    await client.ask('EHLO client.test');
    return client;
  }

  /** For afterEach. */
  async clear(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await Promise.all(this.listeners.map((listener) => listener.close()));
    this.#clients = [];
    this.listeners = [];
  }
}

/** MAIL, RCPT and DATA up to and with the 354; throws at any other answer. */
export async function beginData(client: RawSmtpClient): Promise<void> {
  for (const line of ['MAIL FROM:<a@client.test>', 'RCPT TO:<b@listener.test>', 'DATA']) {
    const answer = await client.ask(line);
    if (!/^(?:250 2\.1|354 )/.test(answer)) throw new Error(`${line} was answered with ${answer}`);
  }
}

/** A whole message; gives the answer to the final dot. The body must end in CRLF. */
export async function sendBody(client: RawSmtpClient, body: string | Buffer): Promise<string> {
  await beginData(client);
  client.write(body);
  return client.ask('.');
}
