// Python's own mail client hands in a message in UTF-8 at the Hub, and aiosmtpd takes it from the Edge: addresses and header as they
// were, over TLS at each hop. And the other way round.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { freePort } from '../helpers/free-port.ts';
import { noteInterop } from '../helpers/interop-report.ts';
import { Pair } from '../helpers/pair.ts';
import { requirePythonModule } from '../helpers/peers.ts';
import { runProgram } from '../helpers/program.ts';
import { waitUntil } from '../helpers/wait.ts';

const isPossible = [requirePythonModule('smtplib'), requirePythonModule('aiosmtpd')].every(Boolean);

const SERVER = `
import base64, json, ssl, sys
from aiosmtpd.controller import Controller
port, pair = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(pair)
class Taker:
    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({
            'from': envelope.mail_from,
            'to': envelope.rcpt_tos,
            'options': envelope.mail_options,
            'tls': session.ssl.get('cipher')[1] if session.ssl else None,
            'content': base64.b64encode(envelope.original_content).decode(),
        }), flush=True)
        return '250 2.0.0 taken'
controller = Controller(Taker(), hostname='127.0.0.1', port=port, tls_context=context, require_starttls=True, enable_SMTPUTF8=True)
controller.start()
print('ready', flush=True)
sys.stdin.read()
controller.stop()
`;

const CLIENT = `
import smtplib, ssl, sys
port, sender, to, subject = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
client = smtplib.SMTP('127.0.0.1', port, local_hostname='python.test')
client.starttls(context=ssl._create_unverified_context())
client.ehlo()
assert client.has_extn('smtputf8') and client.has_extn('8bitmime') and not client.has_extn('starttls')
message = f'From: <{sender}>\\r\\nTo: <{to}>\\r\\nSubject: {subject}\\r\\n\\r\\n.\\r\\n..x\\r\\n'.encode()
refused = client.sendmail(sender, [to], message, mail_options=['SMTPUTF8', 'BODY=8BITMIME'])
assert refused == {}, refused
client.quit()
`;

interface Taken {
  readonly from: string;
  readonly to: readonly string[];
  readonly options: readonly string[];
  readonly tls: string | null;
  readonly content: string;
}

describe.skipIf(!isPossible)('Python', () => {
  const taken: Taken[] = [];
  let folder: string;
  let server: ChildProcess;
  let pair: Pair;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-python-'));
    const keyPair = await createSelfSigned({ netbiosName: 'MX', fqdn: 'mx.elsewhere.test', notBefore: new Date() });
    const file = join(folder, 'pair.pem');
    writeFileSync(file, `${keyPair.privateKeyPem}${keyPair.certificate.pem}`, { mode: 0o600 });
    const port = await freePort();
    server = spawn('/usr/bin/python3', ['-c', SERVER, String(port), file], { stdio: ['pipe', 'pipe', 'inherit'] });
    let isReady = false;
    createInterface({ input: server.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      if (line === 'ready') isReady = true;
      else taken.push(JSON.parse(line) as Taken);
    });
    await waitUntil('aiosmtpd listens', () => isReady);
    pair = await Pair.up({ smartHostPort: port, deliver: `smtp:127.0.0.1:${port}` });
  }, 120_000);
  afterAll(async () => {
    await pair?.[Symbol.asyncDispose]();
    const ended = server && once(server, 'exit');
    server?.stdin?.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    { door: 'Hub', last: 'Edge', to: 'jörg@elsewhere.test' },
    { door: 'Edge', last: 'Hub', to: 'jörg@contoso.test' },
  ] as const)(
    'hands in UTF-8 at the $door over TLS, and takes it from the $last as it was',
    async ({ door, last, to }) => {
      const port = door === 'Hub' ? pair.hubPort : pair.edgePort;
      const parameters = ['-c', CLIENT, String(port), 'jürgen@origin.test', to, 'Grüße'];
      const ran = await runProgram('/usr/bin/python3', parameters, { env: { PYTHONUTF8: '1' } });
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      const message = await waitUntil('the message', () => taken.find((each) => each.to.includes(to)));
      expect(message).toMatchObject({ from: 'jürgen@origin.test', to: [to] });
      expect(message.options).toContain('SMTPUTF8');
      expect(message.tls).toMatch(/^TLSv1\.3$/);
      const content = Buffer.from(message.content, 'base64').toString();
      expect(content).toMatch(/\r\n\tby|Received: from .* with UTF8SMTPS/s);
      expect(content.endsWith(`From: <jürgen@origin.test>\r\nTo: <${to}>\r\nSubject: Grüße\r\n\r\n.\r\n..x\r\n`)).toBe(
        true,
      );
      noteInterop({
        peer: "Python's smtplib",
        as: 'client',
        what: `to the ${door}, STARTTLS, SMTPUTF8, 8BITMIME`,
        result: 'taken',
      });
      noteInterop({
        peer: 'aiosmtpd',
        as: 'server',
        what: `from the ${last}, STARTTLS, SMTPUTF8, 8BITMIME`,
        result: 'octet for octet',
      });
    },
  );
});
