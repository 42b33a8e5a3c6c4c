// Where the proof is made: servers of our own as processes in a folder, asked and set by their cmdlets, and letters handed in.

import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { CmdletOutput } from '../cmdlets/output.ts';
import type { Role } from '../config.ts';
import { callCmdlet } from '../control/client.ts';
import { controlSocketPath } from '../control/socket-path.ts';
import { Binary } from '../lab/binary.ts';
import { silentLog } from '../log.ts';
import { Problem } from '../problem.ts';
import { dial } from '../smtp/sender.ts';
import { writeFileDurably } from '../storage/files.ts';

export const HOST = '127.0.0.1';
export const FQDN: Readonly<Record<Role, string>> = { hub: 'hub01.corp.test', edge: 'edge01.perimeter.test' };
export const SITE = 'Default-First-Site-Name';

/** A handshake that goes nowhere is given up after this; a slow machine needs some of it. */
const HANDSHAKE_LIMIT = '2s';
const RETRY = '300ms';
const POLL_MS = 50;

export type Card = Readonly<Record<string, unknown>>;

export interface Letter {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  /** Handed in with REQUIRETLS, and so in TLS; no notice is to come of it. */
  readonly isTlsDemanded?: boolean | undefined;
}

export interface Place {
  /** For the servers: private, and empty. */
  readonly folder: string;
  /** Where the report goes. */
  readonly report: string;
  readonly signal: AbortSignal;
}

/** Owns the processes. */
export class ProvingGround {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly #report: string;
  readonly #binary: Binary;

  constructor({ folder, report, signal }: Place) {
    this.folder = folder;
    this.signal = signal;
    this.#report = report;
    this.#binary = new Binary(folder, signal);
  }

  /** Writes a server's config; JSON is YAML. Attempts follow each other quickly, and each message shows a handshake. */
  configure(role: Role, own: Readonly<Record<string, unknown>>): void {
    const retry = { glitchCount: 0, transientCount: 0, outboundInterval: RETRY, messageInterval: RETRY };
    const config = {
      format: 1,
      role,
      fqdn: FQDN[role],
      folder: role,
      site: SITE,
      workers: 0,
      lab: { capture: true },
      retry,
      // Nobody is asked for names.
      dns: { servers: [`${HOST}:9`], timeout: '1s' },
      limits: { idleTimeout: '0s', handshakeTimeout: HANDSHAKE_LIMIT },
      ...own,
    };
    writeFileDurably(join(this.folder, `${role}.yaml`), `${JSON.stringify(config, undefined, 2)}\n`);
  }

  /** `clock`: when the server thinks that it is, such as -400d. */
  async start(role: Role, clock?: string): Promise<void> {
    const words = [role, '--config', `${role}.yaml`, '--lab', ...(clock === undefined ? [] : ['--clock', clock])];
    await this.#binary.start(role, words);
  }

  async stop(role: Role): Promise<void> {
    await this.#binary.stop(role);
  }

  async close(): Promise<void> {
    await this.#binary.stopAll();
  }

  /** Throws Problem when the cmdlet refuses. */
  ask(
    role: Role,
    cmdlet: string,
    parameters: Readonly<Record<string, string>> = {},
    files: Readonly<Record<string, Buffer>> = {},
  ): Promise<CmdletOutput> {
    const texts = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, [value]]));
    const contents = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, { name, content }]));
    const request = { cmdlet, parameters: texts, files: contents };
    return callCmdlet(controlSocketPath(join(this.folder, role)), request, { startCommand: `relaypair ${role}` });
  }

  /** The cards of one message, oldest first. */
  async cards(role: Role, messageId: string): Promise<readonly Card[]> {
    const { records } = await this.ask(role, 'Get-DecisionCard', { MessageId: messageId });
    return records.map((record) => record['Card'] as unknown as Card);
  }

  /** Puts the captures of a card beside the report; returns their names there. */
  keepCaptures(role: Role, card: Card): readonly string[] {
    const files = Array.isArray(card['captures']) ? card['captures'].map(String) : [];
    const names = files.map((file) => basename(file));
    const kept = names.filter((name) => existsSync(join(this.folder, role, 'captures', name)));
    if (kept.length > 0) mkdirSync(join(this.#report, 'captures'), { recursive: true });
    return kept.map((name) => {
      const place = `captures/${role}-${name}`;
      copyFileSync(join(this.folder, role, 'captures', name), join(this.#report, place));
      return place;
    });
  }

  /** Takes what waits of a message out of the queues, so that it disturbs nothing that follows. */
  async forget(role: Role, messageId: string): Promise<void> {
    const filter = `InternetMessageId -eq '${messageId}'`;
    await this.ask(role, 'Remove-Message', { Filter: filter, WithNDR: '$false' });
  }
}

/** Hands a small letter in; returns its Message-ID. Throws Problem `prove-failed` when it is not taken. */
export async function handIn(port: number, letter: Letter, host = HOST): Promise<string> {
  const messageId = `<${randomUUID()}@prove.test>`;
  const { from, to, subject, isTlsDemanded = false } = letter;
  const date = new Date().toUTCString().replace('GMT', '+0000');
  const content = Buffer.from(
    `From: <${from}>\r\nTo: <${to}>\r\nDate: ${date}\r\nMessage-ID: ${messageId}\r\nSubject: ${subject}\r\n\r\nHello.\r\n`,
  );
  const result = await dial({
    host,
    port,
    name: 'author.prove.test',
    startTls: isTlsDemanded ? 'attempt' : 'never',
    log: silentLog(),
  });
  if (result.kind !== 'connected') throw refused(host, port, `${result.phase}: ${result.code}`);
  const { recipients } = await result.session.send({
    reversePath: from,
    recipients: [{ address: to, ...(isTlsDemanded && { notify: ['NEVER'] }) }],
    ...(isTlsDemanded && { requireTls: 'demanded' }),
    sizeBytes: content.length,
    eightBit: false,
    smtpUtf8: false,
    body: () => Readable.from([content]),
  });
  await result.session.quit();
  const [recipient] = recipients;
  if (recipient?.status === 'delivered') return messageId;
  throw refused(host, port, recipient?.reply ? `${recipient.reply.code} ${recipient.reply.text}` : 'no reply');
}

function refused(host: string, port: number, why: string): Problem {
  return new Problem('prove-failed', `${host}:${port} does not take the letter (${why}): it must take mail from here`);
}

/** Asks again and again; undefined when nothing was found in time. */
export async function lookFor<T>(
  look: () => Promise<T | undefined> | T | undefined,
  limit: { readonly ms: number; readonly signal: AbortSignal },
): Promise<T | undefined> {
  for (const endMs = performance.now() + limit.ms; ; ) {
    limit.signal.throwIfAborted();
    const found = await look();
    if (found !== undefined || performance.now() > endMs) return found;
    await delay(POLL_MS);
  }
}
