// Wireshark's dissector on what really crossed the wire between Hub and Edge: a TLS handshake and no word of the message;
// once the certificates have expired the message as it is, and no TLS.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Pair } from '../helpers/pair.ts';
import { requirePeer, requireRoot } from '../helpers/peers.ts';
import { runToSuccess } from '../helpers/program.ts';
import { Sink } from '../helpers/sink.ts';
import { Conversation, submit } from '../helpers/submit.ts';
import { waitUntil } from '../helpers/wait.ts';

const SECRET = 'the goose flies at midnight';
const isPossible = [requirePeer('dumpcap'), requirePeer('tshark'), requireRoot()].every(Boolean);

/** One capture of what goes over one port of the loopback. */
class Capture {
  readonly file: string;
  readonly #port: number;
  readonly #dumpcap: ChildProcess;

  private constructor(file: string, port: number, dumpcap: ChildProcess) {
    this.file = file;
    this.#port = port;
    this.#dumpcap = dumpcap;
  }

  /** Resolves once packets are being captured. */
  static async start(file: string, port: number): Promise<Capture> {
    const parameters = ['-i', 'lo', '-f', `tcp port ${port}`, '-w', file];
    const dumpcap = spawn('dumpcap', parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
    const said: string[] = [];
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: dumpcap.stderr }).on('line', (line) => {
        said.push(line);
        // Said once the interface is open and the file is made.
        if (line.startsWith('File: ')) resolve();
      });
      dumpcap.once('error', reject);
      dumpcap.once('exit', () => reject(new Error(`dumpcap does not capture: ${said.join(' | ')}`)));
    });
    return new Capture(file, port, dumpcap);
  }

  /** Ends it after everything that was sent until now is in the file: a last command of our own shows that. */
  async stop(): Promise<void> {
    const lastWord = `NOOP last-word-${process.pid}`;
    const conversation = await Conversation.open(this.#port);
    await conversation.reply();
    await conversation.say(lastWord);
    conversation.close();
    await waitUntil('the capture holds the last word', () => existsSync(this.file) && this.#has(lastWord));
    await this.end();
  }

  /** Ends it as it is. */
  async end(): Promise<void> {
    if (this.#dumpcap.exitCode !== null || this.#dumpcap.signalCode !== null) return;
    const ended = once(this.#dumpcap, 'exit');
    this.#dumpcap.kill('SIGINT');
    await ended;
  }

  #has(text: string): boolean {
    return readFileSync(this.file).includes(text);
  }

  /** What tshark finds: one line for each packet that the display filter lets through. */
  async read(displayFilter: string, ...fields: string[]): Promise<string[]> {
    const decode = ['-d', `tcp.port==${this.#port},smtp`];
    const columns = ['-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
    const ran = await runToSuccess('tshark', ['-r', this.file, ...decode, '-Y', displayFilter, ...columns]);
    return ran.stdout.split('\n').filter((line) => line !== '');
  }
}

describe.skipIf(!isPossible)('tshark on the leg from Hub to Edge', () => {
  let folder: string;
  let sink: Sink;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
    sink = await Sink.open();
  });
  afterAll(async () => {
    await sink?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A message crosses while the leg is captured. */
  async function capture(clock?: string): Promise<Capture> {
    const options = {
      folder,
      smartHostPort: sink.port,
      deliver: 'maildir:mail',
      ...(clock !== undefined && { clock }),
    };
    const pair = await Pair.up(options);
    const taken = await Capture.start(join(folder, `leg${clock ?? ''}.pcapng`), pair.edgePort);
    try {
      await sendAcross(pair, `reader${clock ?? ''}@elsewhere.test`);
      await taken.stop();
    } finally {
      await taken.end();
      await pair.stop();
    }
    return taken;
  }

  async function sendAcross(pair: Pair, to: string): Promise<void> {
    const content = Buffer.from(`From: a@contoso.test\r\nSubject: ${SECRET}\r\n\r\n${SECRET}\r\n`);
    expect((await submit({ port: pair.hubPort, from: 'a@contoso.test', to: [to], content })).isAccepted).toBe(true);
    expect((await sink.messageFor(to)).content.toString()).toContain(SECRET);
  }

  it('sees the TLS handshake and not a word of the message', async () => {
    const leg = await capture();
    // Four letters are a command to tshark, and the rest a parameter.
    expect(await leg.read('smtp.req.command == "STAR"', 'smtp.req.parameter')).toEqual(['TLS']);
    expect(await leg.read('tls.handshake.type == 1', 'tls.handshake.extensions_server_name')).toEqual([
      'edge01.perimeter.test',
    ]);
    const [version] = await leg.read('tls.handshake.type == 2', 'tls.handshake.extensions.supported_version');
    const TLS_1_3 = '0x0304';
    expect(version).toBe(TLS_1_3);
    expect((await leg.read('tls.app_data', 'frame.number')).length).toBeGreaterThan(0);
    expect(await leg.read('smtp.req.command == "MAIL" || smtp.req.command == "DATA"', 'frame.number')).toEqual([]);
    expect(await leg.read('imf', 'imf.subject')).toEqual([]);
    const octets = readFileSync(leg.file);
    expect([SECRET, 'reader@elsewhere.test'].filter((text) => octets.includes(text))).toEqual([]);
  });

  it('reads the message after both certificates have expired, and sees no TLS', async () => {
    const leg = await capture('+400d');
    expect(await leg.read('imf', 'imf.subject')).toEqual([SECRET]);
    expect(await leg.read('smtp.req.command == "AUTH"', 'smtp.req.parameter')).toEqual([
      expect.stringMatching(/^SCRAM-SHA-256 /),
    ]);
    expect(await leg.read('smtp.req.command == "RCPT"', 'smtp.req.parameter')).toEqual([
      expect.stringContaining('<reader+400d@elsewhere.test>'),
    ]);
    expect(await leg.read('tls || smtp.req.command == "STAR"', 'frame.number')).toEqual([]);
    expect(readFileSync(leg.file).includes(`\r\n\r\n${SECRET}\r\n`)).toBe(true);
  });
});
