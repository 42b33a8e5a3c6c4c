// Plays each conversation in this folder against a real listener.
//   C: text     a line of the client; lines in a row leave in one packet. \xNN, \r, \n and \\ are octets, a trailing \ keeps the CRLF away
//   S: text     the next line of the server begins with this; S: /regex/ matches it
//   = offer starttls anonymoustls auth size=1000 chunking binarymime requiretls     what the server offers, before the first line
//   = connector {"maxHopCount": 2}     or it decides by a Receive connector of these settings, by a name of no other's
//   = server {"maxMessagesPerSession": 1}     and by these limits of the config
//   = trusts xclient     the client may say for whom it speaks
//   = client 2           goes on as another client, which connects when it is named first
//   = tls       a TLS handshake
//   = closed    the server closes the connection, and has said nothing more
//   = body text the message just taken is exactly this (with the same escapes)
//   # text      a remark

import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { SmtpListener } from '../../src/smtp/listener.ts';
import type { ReceiveConnector } from '../../src/directory/receive-connector.ts';
import { REPLIES } from '../../src/smtp/replies.ts';
import type { SaslServer, SaslStep } from '../../src/smtp/sasl.ts';
import type { ServerIdentity, SessionPolicy } from '../../src/smtp/session-policy.ts';
import type { ServerLimits } from '../../src/transport/session-limits.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { RawSmtpClient } from '../helpers/raw-smtp-client.ts';
import { makeReceiverPolicy } from '../helpers/receiver-policy.ts';
import { makeIdentity, ScriptedPolicy } from '../helpers/scripted-policy.ts';

const FILES = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'));

let identity: ServerIdentity;
let listener: SmtpListener | undefined;
let clients: RawSmtpClient[] = [];

beforeAll(async () => {
  const pair = await createSelfSigned({
    netbiosName: 'EDGE01',
    fqdn: 'edge01.test',
    notBefore: new Date(Date.now() - 1000),
  });
  identity = makeIdentity(pair.certificate.pem, pair.privateKeyPem);
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  clients = [];
  await listener?.close();
});

/** Accepts the answer "open sesame" to the question "who?". */
function createSesame(): SaslServer {
  let isAsked = false;
  return {
    mechanism: 'SESAME',
    step(response): SaslStep {
      if (response === undefined && !isAsked) {
        isAsked = true;
        return { kind: 'challenge', data: Buffer.from('who?') };
      }
      return response?.toString() === 'open sesame' ? { kind: 'success', identity: 'ali' } : { kind: 'failure' };
    },
  };
}

/** Takes mail for edge01.test only, and none from nobody@*. */
function createPolicy(offer: string): ScriptedPolicy {
  const size = /size=(\d+)/.exec(offer)?.[1];
  return new ScriptedPolicy({
    offered: {
      startTls: offer.includes('starttls'),
      anonymousTls: offer.includes('anonymoustls'),
      mechanisms: offer.includes('auth') ? ['SESAME'] : [],
      sizeLimitBytes: size === undefined ? undefined : Number(size),
      chunking: offer.includes('chunking'),
      binaryMime: offer.includes('binarymime'),
      requireTls: offer.includes('requiretls'),
    },
    secureContext: () => identity,
    sasl: () => createSesame(),
    mail: (_, { reversePath }) => (reversePath?.localPart === 'nobody' ? REPLIES.senderDenied : undefined),
    recipient: (_, __, { mailbox }) => (['edge01.test', ''].includes(mailbox.domain) ? undefined : REPLIES.relayDenied),
  });
}

function decodeLine(text: string): Buffer {
  const whole = text.endsWith('\\') && !text.endsWith('\\\\') ? text.slice(0, -1) : `${text}\\r\\n`;
  const named: Readonly<Record<string, string>> = { r: '\r', n: '\n', '\\': '\\' };
  const octets = Buffer.from(whole).toString('latin1');
  const plain = octets.replaceAll(/\\(?:x([0-9a-f]{2})|([rn\\]))/gi, (_, hex?: string, name?: string) =>
    hex === undefined ? (named[name ?? ''] ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(plain, 'latin1');
}

function expectLine(heard: string, expected: string, where: string): void {
  const regex = /^\/(.*)\/$/.exec(expected)?.[1];
  const isAsExpected = regex === undefined ? heard.startsWith(expected) : new RegExp(regex).test(heard);
  expect(isAsExpected, `${where}: expected "${expected}", heard "${heard}"`).toBe(true);
}

/** By the server's own rules where the script says so. */
function choosePolicy(script: readonly string[]): SessionPolicy {
  const say = (word: string): string | undefined =>
    script.find((line) => line.startsWith(`= ${word} `))?.slice(word.length + 3);
  const connector = say('connector');
  if (connector === undefined) return createPolicy(say('offer') ?? '');
  const settings = JSON.parse(connector) as Partial<ReceiveConnector>;
  const server = JSON.parse(say('server') ?? '{}') as Partial<ServerLimits>;
  return makeReceiverPolicy({ connectors: [settings], server }).policy;
}

async function perform(directive: string, player: RawSmtpClient, policy: SessionPolicy): Promise<void> {
  if (directive === 'tls') {
    await player.secure();
    return;
  }
  if (directive.startsWith('body ')) {
    const text = directive.slice('body '.length);
    expect(policy instanceof ScriptedPolicy && policy.messages.pop()?.body.toString('latin1')).toBe(
      decodeLine(`${text}\\`).toString('latin1'),
    );
    return;
  }
  expect(directive).toBe('closed');
  await player.closed;
  expect(player.isQuiet).toBe(true);
}

async function clientOf(number: number, { address }: SmtpListener): Promise<RawSmtpClient> {
  return (clients[number - 1] ??= await RawSmtpClient.dial(address.port));
}

async function play(file: string): Promise<void> {
  const script = readFileSync(`${import.meta.dirname}/${file}`, 'utf8').split('\n');
  const policy = choosePolicy(script);
  const mayXclient = () => script.includes('= trusts xclient');
  const options = { host: '127.0.0.1', port: 0, fqdn: 'edge01.test', policy, log: silentLog(), maxRecipients: 3 };
  listener = await SmtpListener.open({ ...options, intermediaries: { speaksProxy: () => false, mayXclient } });
  let client = await clientOf(1, listener);
  let packet: Buffer[] = [];
  for (const [index, line] of script.entries()) {
    const where = `${file}:${index + 1}`;
    const [, mark, text = ''] = /^([CS]:|=|#) ?(.*)$/.exec(line) ?? [];
    expect(mark !== undefined || line.trim() === '', `${where}: no such mark`).toBe(true);
    if (mark === 'C:') packet.push(decodeLine(text));
    if ((mark === 'S:' || mark === '=') && packet.length > 0) {
      client.write(Buffer.concat(packet));
      packet = [];
    }
    if (mark === 'S:') expectLine(await client.line(), text, where);
    if (mark !== '=' || /^(?:offer|connector|server|trusts)\b/.test(text)) continue;
    const [, number] = /^client (\d)$/.exec(text) ?? [];
    if (number === undefined) await perform(text, client, policy);
    else client = await clientOf(Number(number), listener);
  }
  expect(packet, `${file} ends with an answer`).toEqual([]);
}

describe('the conversation', () => {
  it.each(FILES)('%s goes as written', async (file) => {
    await play(file);
  });
});
