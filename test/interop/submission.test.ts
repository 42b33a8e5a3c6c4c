// Mail programs that others wrote hand in mail as a mail user: swaks and Python's smtplib, at 587 after STARTTLS and at 465 with
// TLS from the start. Without a log-in nobody gets anything through there.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePeer, requirePythonModule } from '../helpers/peers.ts';
import { freePort } from '../helpers/free-port.ts';
import { noteInterop } from '../helpers/interop-report.ts';
import { runProgram } from '../helpers/program.ts';
import { eventually, NO_NAME_SERVER, QUICK_RETRY, ServerProcesses } from '../helpers/server-processes.ts';
import { Sink } from '../helpers/sink.ts';
import { Conversation } from '../helpers/submit.ts';
import { countSockets, workersOf } from '../helpers/worker-processes.ts';

const PASSWORD = 'correct horse battery';
const hasSwaks = requirePeer('swaks');
const hasPython = requirePythonModule('smtplib');
const hasMsmtp = requirePeer('msmtp');

let servers: ServerProcesses;
let mailboxes: Sink;
let ports: { smtp: number; submission: number; smtps: number };

/** Where TLS begins, and how swaks is told so. */
const DOORS = {
  submission: ['--tls'],
  smtps: ['--tls-on-connect'],
} as const;

async function startHub(workers: number): Promise<void> {
  mailboxes = await Sink.open();
  servers = new ServerProcesses();
  ports = { smtp: await freePort(), submission: await freePort(), smtps: await freePort() };
  servers.configure('hub', {
    role: 'hub',
    fqdn: 'hub01.corp.test',
    listen: {
      smtp: [`127.0.0.1:${ports.smtp}`],
      submission: [`127.0.0.1:${ports.submission}`],
      smtps: [`127.0.0.1:${ports.smtps}`],
    },
    deliver: `smtp:127.0.0.1:${mailboxes.port}`,
    retry: QUICK_RETRY,
    dns: NO_NAME_SERVER,
    workers,
  });
  await servers.start('hub');
  await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso', DomainName: 'contoso.test' });
  writeFileSync(join(servers.folder, 'password'), `${PASSWORD}\n`);
  const file = ['-PasswordFile', join(servers.folder, 'password')];
  await servers.cmdlet('hub', 'New-MailUser', 'Ed', '-PrimarySmtpAddress', 'ed@contoso.test', ...file);
  await servers.ask('hub', 'Set-ReceiveConnector', { Identity: 'Client Frontend HUB01', TarpitInterval: '0s' });
}

async function stopHub(): Promise<void> {
  await servers?.[Symbol.asyncDispose]();
  await mailboxes?.close();
}

interface Attempt {
  readonly to: string;
  readonly from?: string;
  /** The From field, where that is not the envelope's. */
  readonly author?: string;
  readonly password?: string | undefined;
  readonly mechanism?: string;
}

function swaks(door: keyof typeof DOORS, attempt: Attempt) {
  const { to, from = 'ed@contoso.test', mechanism = 'PLAIN' } = attempt;
  const login = 'password' in attempt ? attempt.password : PASSWORD;
  return runProgram('swaks', [
    ...['--server', `127.0.0.1:${ports[door]}`, '--helo', 'swaks.test', '--from', from, '--to', to, ...DOORS[door]],
    ...(login === undefined ? [] : ['--auth', mechanism, '--auth-user', 'ed@contoso.test', '--auth-password', login]),
    ...['--header', `Subject: ${to}`],
    ...(attempt.author === undefined ? [] : ['--header', `From: ${attempt.author}`]),
  ]);
}

/** msmtp takes its password from a command, so that it stands on no command line. */
function msmtp(door: keyof typeof DOORS, to: string) {
  const tls = door === 'smtps' ? ['--tls-starttls=off'] : ['--tls-starttls=on'];
  return runProgram(
    'msmtp',
    [
      ...['--file=/dev/null', '--host=127.0.0.1', `--port=${ports[door]}`, '--domain=msmtp.test', '--tls=on', ...tls],
      ...[
        '--tls-certcheck=off',
        '--auth=plain',
        '--user=ed@contoso.test',
        `--passwordeval=cat ${servers.folder}/password`,
      ],
      ...['--from=ed@contoso.test', '--', to],
    ],
    { input: `Subject: by msmtp\n\n.\n..x\nhello\n` },
  );
}

/** Cards of mail from clients that had logged in, in order. */
function receivedWithLogin() {
  return servers.cards('hub').filter(({ side, authentication }) => side === 'receiver' && authentication !== undefined);
}

describe.each([0, 2])('with %i worker processes', (workers) => {
  beforeAll(() => startHub(workers), 120_000);
  afterAll(stopHub);

  describe.skipIf(!hasSwaks)('swaks', () => {
    it.each([
      ['submission', 'PLAIN'],
      ['submission', 'LOGIN'],
      ['smtps', 'PLAIN'],
      ['smtps', 'LOGIN'],
    ] as const)('hands in mail at %s by %s, and the records say how', async (door, mechanism) => {
      const to = `${door}-${mechanism.toLowerCase()}@contoso.test`;
      const earlier = receivedWithLogin().length;
      const ran = await swaks(door, { to, mechanism });
      expect(ran.stdout).toMatch(/<~ {2}250 2\.6\.0 /);
      expect(ran.code).toBe(0);
      const { content } = await mailboxes.messageFor(to);
      expect(content.toString()).toMatch(/with ESMTPSA\r\n \(version=TLSv1\.[23], cipher=/);
      noteInterop({ peer: 'swaks', as: 'client', what: `to the Hub, ${door}, AUTH ${mechanism}`, result: 'taken' });
      const card = await eventually('the card', () => receivedWithLogin()[earlier]);
      expect(card).toMatchObject({
        connector: 'Client Frontend HUB01',
        authentication: { mechanism, identity: 'ed@contoso.test', result: 'recognised' },
        channel: 'tls',
        protection: 'authenticated-and-protected',
      });
    });

    it('may send to anybody, and as nobody else', async () => {
      expect((await swaks('submission', { to: 'far@elsewhere.test' })).code).toBe(0);
      const forged = await swaks('submission', { to: 'far@elsewhere.test', from: 'jo@contoso.test' });
      expect(forged.stdout).toContain('550 5.7.60 Client does not have permissions to send as this sender');
      expect(forged.code).not.toBe(0);
      const disguised = await swaks('submission', { to: 'far@elsewhere.test', author: 'Jo <jo@contoso.test>' });
      expect(disguised.stdout).toContain('550 5.7.60 Client does not have permissions to send as this sender');
    });

    it.each(['submission', 'smtps'] as const)('is refused at %s without a log-in', async (door) => {
      for (const to of ['far@elsewhere.test', 'ed@contoso.test']) {
        const ran = await swaks(door, { to, password: undefined });
        expect(ran.stdout).toMatch(/<~\* 530 5\.7\.1 Client was not authenticated/);
        expect(ran.code).not.toBe(0);
      }
    });

    it('is refused with a wrong password, which is on record without its words', async () => {
      const ran = await swaks('submission', { to: 'far@elsewhere.test', password: 'wrong secret' });
      expect(ran.stdout).toMatch(/<~\* 535 5\.7\.8 Authentication unsuccessful/);
      const [event] = await eventually('the event', async () => {
        const found = await servers.ask('hub', 'Get-EventLog', { EventId: '1035' });
        return found.length > 0 ? found : undefined;
      });
      expect(JSON.stringify(event)).toContain('127.0.0.1');
      expect(JSON.stringify(event)).not.toMatch(/wrong secret|ed@contoso/);
    });
  });

  it.skipIf(!hasMsmtp).each(['submission', 'smtps'] as const)('msmtp logs in at %s', async (door) => {
    const to = `msmtp-${door}@contoso.test`;
    expect(await msmtp(door, to)).toMatchObject({ code: 0, stderr: '' });
    const { content } = await mailboxes.messageFor(to);
    expect(content.toString()).toContain('with ESMTPSA\r\n');
    expect(content.toString().endsWith('Subject: by msmtp\r\n\r\n.\r\n..x\r\nhello\r\n')).toBe(true);
    const where = door === 'smtps' ? 'port 465, TLS from the start' : 'port 587, STARTTLS';
    noteInterop({
      peer: 'msmtp',
      as: 'client',
      what: `to the Hub, ${where}, AUTH PLAIN, ${workers} workers`,
      result: 'taken',
    });
  });

  it('TLS comes first in whichever process takes the connection, by ALPN for SMTP alone', async () => {
    const open: TLSSocket[] = [];
    try {
      // Connections are handed out by turns: each worker has some of these.
      for (let count = 0; count < 4; count += 1) {
        const socket = connectTls({
          port: ports.smtps,
          host: '127.0.0.1',
          rejectUnauthorized: false,
          ALPNProtocols: ['smtp'],
        });
        open.push(socket);
        const [greeting] = (await once(socket, 'data')) as [Buffer];
        expect(greeting.toString()).toMatch(/^220 hub01\.corp\.test /);
        expect(socket.alpnProtocol).toBe('smtp');
        const web = connectTls({
          port: ports.smtps,
          host: '127.0.0.1',
          rejectUnauthorized: false,
          ALPNProtocols: ['http/1.1'],
        });
        await expect(once(web, 'secureConnect')).rejects.toMatchObject({
          code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
        });
      }
      const owner = servers.pid('hub');
      if (workers > 0)
        expect(
          workersOf(owner)
            .map(countSockets)
            .every((sockets) => sockets >= 2),
        ).toBe(true);
    } finally {
      for (const socket of open) socket.destroy();
    }
  });

  it.skipIf(!hasPython)('smtplib logs in at both doors', async () => {
    const script = [
      'import smtplib, ssl, sys',
      'context = ssl._create_unverified_context()',
      'submission, smtps, password = int(sys.argv[1]), int(sys.argv[2]), sys.stdin.read()',
      'def send(client, to):',
      '    client.login("ed@contoso.test", password)',
      '    client.sendmail("ed@contoso.test", [to], "Subject: smtplib\\r\\n\\r\\nhello\\r\\n")',
      '    client.quit()',
      'client = smtplib.SMTP("127.0.0.1", submission)',
      'client.ehlo()',
      'assert not client.has_extn("auth"), "a password is asked for in clear"',
      'client.starttls(context=context)',
      'send(client, "python-587@contoso.test")',
      'send(smtplib.SMTP_SSL("127.0.0.1", smtps, context=context), "python-465@contoso.test")',
    ].join('\n');
    const parameters = ['-c', script, String(ports.submission), String(ports.smtps)];
    const ran = await runProgram('/usr/bin/python3', parameters, { input: PASSWORD });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    for (const door of ['587', '465']) {
      const { content } = await mailboxes.messageFor(`python-${door}@contoso.test`);
      expect(content.toString()).toContain('with ESMTPSA\r\n');
      noteInterop({
        peer: "Python's smtplib",
        as: 'client',
        what: `to the Hub, port ${door}, log-in`,
        result: 'taken',
      });
    }
  });

  it('a password in clear is refused', async () => {
    const conversation = await Conversation.open(ports.submission);
    try {
      await conversation.reply();
      expect(await conversation.say('EHLO client.test')).not.toContain('AUTH');
      expect(await conversation.say('AUTH PLAIN AHgAeQ==')).toMatch(/^538 5\.7\.11 /);
    } finally {
      conversation.close();
    }
  });

  it.skipIf(!hasSwaks)('who has no password any more gets in no more, and every try is counted', async () => {
    await servers.ask('hub', 'Set-MailUser', { Identity: 'ed', RemovePassword: 'true' });
    expect((await swaks('smtps', { to: 'far@elsewhere.test' })).stdout).toMatch(/<~\* 535 5\.7\.8 /);
    const counters = await servers.ask('hub', 'Get-Counter', { Counter: 'relaypair_logins_total' });
    const counts = Object.fromEntries(counters.map(({ Labels, Value }) => [JSON.stringify(Labels), Number(Value)]));
    expect(counts['["result=refused"]']).toBe(2);
    expect(counts['["result=accepted"]']).toBeGreaterThanOrEqual(6);
  });
});
