// A private Postfix: own configuration, own queue, loopback and a high port, nothing of the machine's own. It takes any mail
// by SMTP or from its `sendmail` and passes it on by its transport table. Needs root, as Postfix's master does.

import { execFileSync, type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { freePort } from './free-port.ts';
import { runToSuccess } from './program.ts';
import { answersSmtp } from './submit.ts';
import { waitUntil } from './wait.ts';

export interface PostfixOptions {
  readonly name: string;
  /** Domain, or `*` for the rest, to a port on loopback. */
  readonly transports: Readonly<Record<string, number>>;
  /** Makes it offer STARTTLS. */
  readonly keyPair?: KeyPair;
  /** Domains to a port on loopback by a security level of their own (smtp_tls_security_level). */
  readonly levels?: Readonly<Record<string, { readonly port: number; readonly level: string }>>;
}

export class Postfix {
  readonly port: number;
  readonly #folder: string;
  readonly #starter: ChildProcess;

  private constructor(folder: string, port: number, starter: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#starter = starter;
  }

  /** Starts it; resolves once it answers. */
  static async open(options: PostfixOptions): Promise<Postfix> {
    const folder = mkdtempSync(join(tmpdir(), 'relaypair-postfix-'));
    // Its daemons are no root and have to get through.
    chmodSync(folder, 0o755);
    const port = await freePort();
    writeConfiguration(folder, port, options);
    const starter = spawn(find('postfix'), ['-c', join(folder, 'etc'), 'start-fg'], { stdio: 'ignore' });
    const postfix = new Postfix(folder, port, starter);
    try {
      await waitUntil(`Postfix ${options.name} answers`, () => postfix.#answers());
    } catch (error) {
      const log = postfix.log();
      await postfix.close();
      throw new Error(`Postfix ${options.name} did not start: ${log}`, { cause: error });
    }
    return postfix;
  }

  /** Hands in a message as a program on the machine does; `options` are sendmail's, such as `-N success`. */
  async sendmail(from: string, to: string, content: string, options: readonly string[] = []): Promise<void> {
    const where = ['-C', join(this.#folder, 'etc'), '-i', '-f', from, ...options, to];
    await runToSuccess(find('sendmail'), where, { input: content });
  }

  /** The process whose children do the work. */
  get masterPid(): number {
    return Number(readFileSync(join(this.#folder, 'queue', 'pid', 'master.pid'), 'utf8'));
  }

  log(): string {
    const file = join(this.#folder, 'mail.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  async close(): Promise<void> {
    if (this.#starter.exitCode === null && this.#starter.signalCode === null) {
      const ended = once(this.#starter, 'exit');
      // What was started is a shell that waits for its child, the master, and would leave it behind.
      const pidFile = join(this.#folder, 'queue', 'pid', 'master.pid');
      if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
      else this.#starter.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    if (this.#starter.exitCode !== null) throw new Error('it has ended');
    return answersSmtp(this.port);
  }
}

function find(program: string): string {
  return `/usr/sbin/${program}`;
}

function writeConfiguration(folder: string, port: number, options: PostfixOptions): void {
  for (const name of ['etc', 'data', 'queue']) mkdirSync(join(folder, name), { mode: 0o755 });
  execFileSync('chown', ['postfix', join(folder, 'data')]);
  const { keyPair, transports, levels = {} } = options;
  const settings: Record<string, string> = {
    compatibility_level: '3.6',
    queue_directory: join(folder, 'queue'),
    data_directory: join(folder, 'data'),
    maillog_file: join(folder, 'mail.log'),
    maillog_file_prefixes: `/var, ${folder}`,
    myhostname: `${options.name}.test`,
    mydestination: '',
    local_recipient_maps: '',
    alias_maps: '',
    alias_database: '',
    inet_interfaces: 'loopback-only',
    inet_protocols: 'ipv4',
    mynetworks: '127.0.0.0/8',
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
    smtpd_peername_lookup: 'no',
    smtp_dns_support_level: 'disabled',
    smtp_host_lookup: 'native',
    smtp_tls_security_level: 'may',
    smtp_tls_loglevel: '1',
    ...formatTransports(transports, levels),
    // Counted from whole seconds: with one, a message may be due before its last attempt has let go of it, and then it stays where it is.
    minimal_backoff_time: '2s',
    maximal_backoff_time: '2s',
    queue_run_delay: '1s',
  };
  if (keyPair) {
    const chain = join(folder, 'etc', 'chain.pem');
    writeFileSync(chain, `${keyPair.privateKeyPem}${keyPair.certificate.pem}`, { mode: 0o600 });
    settings['smtpd_tls_security_level'] = 'may';
    settings['smtpd_tls_chain_files'] = chain;
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(join(folder, 'etc', 'main.cf'), lines.join(''));
  writeFileSync(join(folder, 'etc', 'master.cf'), masterFile(port) + levelServices(levels));
}

function formatTransports(
  { '*': rest, ...domains }: PostfixOptions['transports'],
  levels: NonNullable<PostfixOptions['levels']>,
): Record<string, string> {
  const entries = [
    ...Object.entries(domains).map(([domain, port]) => `{${domain}=smtp:[127.0.0.1]:${port}}`),
    ...Object.entries(levels).map(([domain, { port, level }]) => `{${domain}=smtp-${level}:[127.0.0.1]:${port}}`),
  ];
  return {
    ...(rest !== undefined && { relayhost: `[127.0.0.1]:${rest}` }),
    ...(entries.length > 0 && { transport_maps: `inline:{${entries.join(' ')}}` }),
  };
}

/** A client for each level: a policy table would tell destinations apart, which here have one address. */
function levelServices(levels: NonNullable<PostfixOptions['levels']>): string {
  const names = new Set(Object.values(levels).map(({ level }) => level));
  return [...names].map((level) => `smtp-${level} unix - - n - - smtp -o smtp_tls_security_level=${level}\n`).join('');
}

/** The services that carry mail, none of them in a chroot, each with the process limit that it insists on. */
function masterFile(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
scache unix - - n - 1 scache
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`;
}
