// What the tests of the sender share: dialling a peer with short time limits, a small message, and cleaning up after a test.

import { Readable } from 'node:stream';
import { silentLog } from '../../src/log.ts';
import {
  type DialOptions,
  type DialResult,
  dial,
  type OutgoingMessage,
  type SenderSession,
} from '../../src/smtp/sender.ts';
import { openScriptedServer, type ScriptedServer, type SmtpScript } from './scripted-smtp-server.ts';

/** Opens servers and sessions, and closes them all in `cleanUp`. */
export class SenderFixture {
  readonly #servers: { close(): Promise<void> }[] = [];
  readonly #sessions: SenderSession[] = [];

  async listen(script: SmtpScript = {}): Promise<ScriptedServer> {
    const server = await openScriptedServer(script);
    this.#servers.push(server);
    return server;
  }

  /** Closes `server` with the rest. */
  adopt(server: { close(): Promise<void> }): void {
    this.#servers.push(server);
  }

  async dial(port: number, options: Partial<DialOptions> = {}): Promise<DialResult> {
    const result = await dial({
      host: '127.0.0.1',
      port,
      name: 'sender.test',
      startTls: 'never',
      log: silentLog(),
      ...options,
    });
    if (result.kind === 'connected') this.#sessions.push(result.session);
    return result;
  }

  /** Dials and expects a session. */
  async connect(port: number, options: Partial<DialOptions> = {}): Promise<SenderSession> {
    const result = await this.dial(port, options);
    if (result.kind !== 'connected') throw new Error(`no session: ${result.phase} ${result.code}`);
    return result.session;
  }

  async cleanUp(): Promise<void> {
    for (const session of this.#sessions.splice(0)) session.destroy();
    await Promise.all(this.#servers.splice(0).map((server) => server.close()));
  }
}

/** A message to two recipients with a body of one line. */
export function makeMessage(changes: Partial<OutgoingMessage> = {}): OutgoingMessage {
  const text = 'Subject: test\r\n\r\nhello\r\n';
  return {
    reversePath: 'from@hub.test',
    recipients: [{ address: 'a@edge.test' }, { address: 'b@edge.test' }],
    sizeBytes: text.length,
    eightBit: false,
    smtpUtf8: false,
    body: () => Readable.from([Buffer.from(text)]),
    ...changes,
  };
}
