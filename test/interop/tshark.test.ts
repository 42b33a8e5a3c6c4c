// Wireshark's dissector on what really crossed the wire between Hub and Edge: a TLS handshake and no word of the message;
// once the certificates have expired the message as it is, and no TLS. And on what the two recorded of it themselves.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Pair, relaypair } from '../helpers/pair.ts';
import { requirePeer, requireRoot } from '../helpers/peers.ts';
import { Sink } from '../helpers/sink.ts';
import { Conversation, submit } from '../helpers/submit.ts';
import { Dissection } from '../helpers/tshark.ts';
import { waitUntil } from '../helpers/wait.ts';

const DAY_MS = 86_400_000;
const LIMIT = { timeout: 360_000 };
const SECRET = 'the goose flies at midnight';
const isPossible = [requirePeer('dumpcap'), requirePeer('tshark'), requireRoot()].every(Boolean);

interface CaptureOptions {
  readonly clock?: string;
  readonly prepare?: (pair: Pair) => Promise<void>;
  /** After the message has crossed. */
  readonly finish?: (pair: Pair) => Promise<void>;
}

/** One capture of what goes over one port of the loopback. */
class Capture {
  readonly file: string;
  readonly port: number;
  readonly #dumpcap: ChildProcess;

  private constructor(file: string, port: number, dumpcap: ChildProcess) {
    this.file = file;
    this.port = port;
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
    const conversation = await Conversation.open(this.port);
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

  /** What tshark finds in it, with what goes over the port read as `protocol` from the first octet on. */
  dissect(protocol = 'smtp'): Promise<Dissection> {
    return Dissection.of(this.file, `tcp.port==${this.port},${protocol}`);
  }
}

/** Of each packet that has such a TLS handshake message, the field. */
function ofHandshake({ packets }: Dissection, type: string, field: 'newVersion' | 'serialNumber'): string[] {
  return packets.filter(({ handshake }) => handshake.split(',').includes(type)).map((packet) => packet[field]);
}

/** The parameters in each packet that has a command of that name. */
function parametersOf({ packets }: Dissection, name: string): string[] {
  return packets.filter(({ command }) => command.split(',').includes(name)).map(({ parameter }) => parameter);
}

/** What is known of one run. */
interface Run {
  /** dumpcap's. */
  readonly leg: Capture;
  /** Of the message, on the Hub that sent it and on the Edge that took it. */
  readonly cards: Readonly<Record<'hub' | 'edge', Card>>;
  readonly ldapsPort: number;
}

interface Card {
  readonly messageId: string;
  readonly captures: readonly string[];
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

  /** A message crosses while the leg is captured, by dumpcap and by the two themselves. */
  async function capture(label: string, { clock, prepare, finish }: CaptureOptions = {}): Promise<Run> {
    const options = {
      capture: true,
      folder,
      smartHostPort: sink.port,
      deliver: 'maildir:mail',
      ...(clock !== undefined && { clock }),
    };
    const pair = await Pair.up(options);
    await prepare?.(pair);
    const taken = await Capture.start(join(folder, `${label}.pcapng`), pair.edgePort);
    try {
      await sendAcross(pair, `${label}@elsewhere.test`);
      await taken.stop();
      const hub = await cardOf(pair, 'hub', 'sender');
      const edge = await cardOf(pair, 'edge', 'receiver');
      await finish?.(pair);
      return { leg: taken, cards: { hub, edge }, ldapsPort: Number(pair.ready.edge.ldaps.split(':').at(-1)) };
    } finally {
      await taken.end();
      await pair.stop();
    }
  }

  /** The card of the hop, once it is there. */
  function cardOf(pair: Pair, role: 'hub' | 'edge', side: string): Promise<Card> {
    return waitUntil(`the ${side}'s card`, async () => {
      const records = await pair.cards(role, '-Newest', '3');
      const cards = records.map(({ Card: card }) => card as Card & { side: string; peer: { port: number } });
      // Another run in this folder has left its own, about other ports.
      return cards.find((card) => card.side === side && (role === 'edge' || card.peer.port === pair.edgePort));
    });
  }

  /** The Hub is killed while a client is in the midst of handing a message in. */
  async function breakOff(pair: Pair): Promise<void> {
    const client = await Conversation.open(pair.hubPort);
    await client.reply();
    await client.say('EHLO client.test');
    expect(await client.say('MAIL FROM:<half@contoso.test>')).toMatch(/^250 /);
    process.kill(pair.ready.hub.pid, 'SIGKILL');
    expect(await client.reply()).toBe('');
    client.close();
  }

  /** What a server recorded by itself, in the order in which the sessions began. */
  function ownFiles(role: 'hub' | 'edge', kind: string): string[] {
    const names = readdirSync(join(folder, role, 'captures')).filter((name) => name.endsWith(`-${kind}.pcapng`));
    return names.toSorted().map((name) => join(folder, role, 'captures', name));
  }

  /** Our own files of the hop, as both sides recorded it; they are sound, private, and hold the card. */
  async function dissectOwn({ leg, cards }: Run): Promise<Dissection[]> {
    return Promise.all(
      (['hub', 'edge'] as const).map(async (role) => {
        const file = cards[role].captures.at(-1) ?? '';
        expect(statSync(file).mode & 0o777).toBe(0o600);
        expect(statSync(join(folder, role, 'captures')).mode & 0o777).toBe(0o700);
        const read = await Dissection.of(file, `tcp.port==${leg.port},smtp`);
        expect(read.unsound).toEqual([]);
        expect(read.all('comment').map((comment) => JSON.parse(comment) as unknown)).toContainEqual(cards[role]);
        return read;
      }),
    );
  }

  async function sendAcross(pair: Pair, to: string): Promise<void> {
    const content = Buffer.from(`From: a@contoso.test\r\nSubject: ${SECRET}\r\n\r\n${SECRET}\r\n`);
    expect((await submit({ port: pair.hubPort, from: 'a@contoso.test', to: [to], content })).isAccepted).toBe(true);
    expect((await sink.messageFor(to)).content.toString()).toContain(SECRET);
  }

  it('sees the TLS handshake and not a word of the message', LIMIT, async () => {
    const run = await capture('reader', { finish: breakOff });
    const { leg } = run;
    const wire = await leg.dissect();
    // Four letters are a command to tshark, and the rest a parameter.
    expect(parametersOf(wire, 'STAR')).toEqual(['TLS']);
    expect(wire.all('serverName')).toEqual(['edge01.perimeter.test']);
    const TLS_1_3 = '0x0304';
    expect(ofHandshake(wire, '2', 'newVersion')[0]).toBe(TLS_1_3);
    expect(wire.all('appData')).not.toEqual([]);
    expect(wire.each('command').filter((command) => ['MAIL', 'DATA'].includes(command))).toEqual([]);
    expect(wire.all('subject')).toEqual([]);
    const octets = readFileSync(leg.file);
    expect([SECRET, 'reader@elsewhere.test'].filter((text) => octets.includes(text))).toEqual([]);

    for (const own of await dissectOwn(run)) {
      expect(own.all('subject')).toEqual([SECRET]);
      expect(own.each('command')).toEqual(expect.arrayContaining(['STAR', 'MAIL', 'RCPT', 'DATA']));
      expect(own.all('appData')).not.toEqual([]);
    }

    const merged = join(folder, 'merged.pcapng');
    const ran = await relaypair(['capture', 'merge', leg.file, join(folder, 'edge', 'captures'), '--out', merged]);
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/has the secrets of 1 session;/) });
    expect((await Dissection.of(merged, `tcp.port==${leg.port},smtp`)).all('subject')).toEqual([SECRET]);

    const decode = [`tcp.port==${run.ldapsPort},tls`, `tls.port==${run.ldapsPort},ldap`];
    const [BIND, SEARCH, MODIFY] = ['0', '3', '6'];
    for (const files of [ownFiles('hub', 'ldap-out'), ownFiles('edge', 'ldap-in')]) {
      const sync = await Promise.all(files.map((file) => Dissection.of(file, ...decode)));
      expect(sync.flatMap(({ unsound }) => unsound)).toEqual([]);
      const operations = sync.flatMap((each) => each.each('operation'));
      expect(operations).toEqual(expect.arrayContaining([BIND, SEARCH, MODIFY]));
    }

    const killed = await Dissection.of(ownFiles('hub', 'smtp-in').at(-1) ?? '', 'tcp.port==1-65535,smtp');
    expect(killed.unsound).toEqual([]);
    expect(killed.all('parameter').at(-1)).toContain('half@contoso.test');
  });

  it(
    "sees Exchange's own verb, both certificates and not a word of the message, once the pair is set to it",
    LIMIT,
    async () => {
      const serialNumbers: Record<string, string> = {};
      const prepare = async (pair: Pair): Promise<void> => {
        // Under TLS 1.3 certificates cross unseen.
        const suites = ['-IntraOrgTlsCipherSuites', 'ECDHE-RSA-AES256-GCM-SHA384'];
        await pair.cmdlet('hub', 'Set-TransportConfig', '-IntraOrgTlsVerb', 'XAnonymousTls', ...suites);
        const connector = 'Default internal receive connector EDGE01';
        await pair.cmdlet('edge', 'Set-ReceiveConnector', connector, '-TlsVerb', 'XAnonymousTls');
        for (const role of ['hub', 'edge'] as const) {
          const [own] = await pair.cmdlet(role, 'Get-ExchangeCertificate');
          serialNumbers[role] = String(own?.['SerialNumber']);
        }
      };
      const { leg } = await capture('own-verb', { prepare });
      const wire = await leg.dissect();
      expect(wire.all('replyParameter').join()).toMatch(/\bSTARTTLS\b.*\bX-ANONYMOUSTLS\b/);
      // No command that tshark knows: it shows the octets.
      const said = wire.packets
        .filter(({ reply }) => reply === '')
        .map(({ payload }) => Buffer.from(payload, 'hex').toString('latin1'));
      expect(said.filter((text) => text.includes('X-ANONYMOUSTLS'))).toEqual(['X-ANONYMOUSTLS\r\n']);
      expect(wire.each('command').filter((command) => ['STAR', 'MAIL', 'DATA'].includes(command))).toEqual([]);
      // The server's certificate, its request for the client's, and the client's.
      const secured = await leg.dissect('tls');
      expect(ofHandshake(secured, '13', 'serialNumber')).toHaveLength(1);
      const serials = ofHandshake(secured, '11', 'serialNumber');
      const plain = (serial = ''): string =>
        serial
          .replaceAll(/[^0-9a-f]/gi, '')
          .toUpperCase()
          .replace(/^0+/, '');
      expect(serials.map(plain)).toEqual([plain(serialNumbers['edge']), plain(serialNumbers['hub'])]);
      const octets = readFileSync(leg.file);
      expect([SECRET, 'own-verb@elsewhere.test'].filter((text) => octets.includes(text))).toEqual([]);
    },
  );

  it('reads the message after both certificates have expired, and sees no TLS', LIMIT, async () => {
    const run = await capture('expired', { clock: '+400d' });
    const { leg } = run;
    const wire = await leg.dissect();
    expect(wire.all('subject')).toEqual([SECRET]);
    expect(parametersOf(wire, 'AUTH')).toEqual([expect.stringMatching(/^SCRAM-SHA-256 /)]);
    expect(parametersOf(wire, 'RCPT')).toEqual([expect.stringContaining('<expired@elsewhere.test>')]);
    const secured = (['handshake', 'appData', 'alert'] as const).flatMap((field) => wire.all(field));
    expect([...secured, ...parametersOf(wire, 'STAR')]).toEqual([]);
    expect(readFileSync(leg.file).includes(`\r\n\r\n${SECRET}\r\n`)).toBe(true);
    expect(run.cards.hub).toMatchObject({
      reason: 'own-certificate-expired',
      clockOffset: expect.stringMatching(/^\+400d/),
    });
    for (const own of await dissectOwn(run)) {
      expect(own.all('subject')).toEqual([SECRET]);
      expect([...own.all('handshake'), ...own.all('appData')]).toEqual([]);
      expect(own.all('comment')[0]).toMatch(/"clockOffset":"\+400d/);
      expect(Math.abs(Number(own.all('time')[0]) * 1000 - Date.now())).toBeLessThan(DAY_MS);
    }
  });
});
