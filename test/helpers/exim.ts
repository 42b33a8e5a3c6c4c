// A private Exim: own configuration, own queue, loopback and a high port, nothing of the machine's own. It takes any mail by SMTP
// and from its own command, and passes it on by its routes, by BDAT where that is offered. Needs root, to become Exim's own user.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { freePort } from './free-port.ts';
import { peerPath } from './peers.ts';
import { runToSuccess } from './program.ts';
import { answersSmtp } from './submit.ts';
import { waitUntil } from './wait.ts';

export interface EximOptions {
  readonly name: string;
  /** Domain, or `*` for the rest, to a port on loopback. */
  readonly routes: Readonly<Record<string, number>>;
  /** The same for domains to which it sends in TLS or not at all (hosts_require_tls). */
  readonly forced?: Readonly<Record<string, number>>;
  /** Shown after STARTTLS. */
  readonly keyPair: KeyPair;
}

export class Exim {
  readonly port: number;
  readonly #folder: string;
  readonly #daemon: ChildProcess;

  private constructor(folder: string, port: number, daemon: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#daemon = daemon;
  }

  /** Starts it; resolves once it answers. */
  static async open(options: EximOptions): Promise<Exim> {
    const folder = mkdtempSync(join(tmpdir(), 'relaypair-exim-'));
    chmodSync(folder, 0o755);
    const port = await freePort();
    writeConfiguration(folder, port, options);
    const daemon = spawn(peerPath('exim4'), ['-C', join(folder, 'exim.conf'), '-bdf', '-q1s'], { stdio: 'ignore' });
    const exim = new Exim(folder, port, daemon);
    try {
      await waitUntil(`Exim ${options.name} answers`, () => exim.#answers());
    } catch (error) {
      const log = exim.log();
      await exim.close();
      throw new Error(`Exim ${options.name} did not start: ${log}`, { cause: error });
    }
    return exim;
  }

  /** Hands in a message as a program on the machine does; it leaves before this returns, or waits in the queue. */
  async sendmail(from: string, to: string, content: string): Promise<void> {
    const parameters = ['-C', join(this.#folder, 'exim.conf'), '-odf', '-oi', '-f', from, to];
    await runToSuccess(peerPath('exim4'), parameters, { input: content });
  }

  /** Its main log, and what it calls its panic log. */
  log(): string {
    return ['mainlog', 'paniclog']
      .map((name) => join(this.#folder, 'log', name))
      .filter(existsSync)
      .map((file) => readFileSync(file, 'utf8'))
      .join('');
  }

  async close(): Promise<void> {
    if (this.#daemon.exitCode === null && this.#daemon.signalCode === null) {
      const ended = once(this.#daemon, 'exit');
      this.#daemon.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    if (this.#daemon.exitCode !== null) throw new Error('it has ended');
    return answersSmtp(this.port);
  }
}

function writeConfiguration(folder: string, port: number, { name, routes, forced = {}, keyPair }: EximOptions): void {
  for (const part of ['spool', 'log']) mkdirSync(join(folder, part));
  const certificate = join(folder, 'certificate.pem');
  const key = join(folder, 'key.pem');
  writeFileSync(certificate, keyPair.certificate.pem);
  writeFileSync(key, keyPair.privateKeyPem, { mode: 0o600 });
  const { '*': rest, ...domains } = routes;
  const routeList = [
    ...Object.entries(domains).map(([domain, to]) => `${domain} 127.0.0.1::${to}`),
    ...Object.entries(forced).map(([domain, to]) => `${domain} 127.0.0.1::${to} forced`),
    ...(rest === undefined ? [] : [`* 127.0.0.1::${rest}`]),
  ].join(' ; ');
  writeFileSync(
    join(folder, 'exim.conf'),
    `primary_hostname = ${name}.test
exim_path = ${peerPath('exim4')}
keep_environment =
spool_directory = ${join(folder, 'spool')}
log_file_path = ${join(folder, 'log')}/%slog
pid_file_path = ${join(folder, 'exim.pid')}
daemon_smtp_ports = ${port}
local_interfaces = 127.0.0.1
never_users =
deliver_drop_privilege = true
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts = *
tls_certificate = ${certificate}
tls_privatekey = ${key}
chunking_advertise_hosts = *
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
accept_8bitmime = true
log_selector = +smtp_confirmation +tls_cipher +tls_peerdn +8bitmime
queue_run_in_order = true
acl_smtp_rcpt = everything
acl_smtp_data = everything

begin acl
everything:
  accept

begin routers
onward:
  driver = manualroute
  transport = smtp
  route_list = ${routeList}
  self = send

begin transports
smtp:
  driver = smtp
  hosts_try_chunking = *
  tls_verify_hosts =
  tls_try_verify_hosts =
  allow_localhost = true
forced:
  driver = smtp
  hosts_try_chunking = *
  tls_verify_hosts =
  tls_try_verify_hosts =
  allow_localhost = true
  hosts_require_tls = *

begin retry
* * F,1h,1s
`,
  );
  // Its configuration has to be root's, the rest belongs to what it becomes.
  execFileSync('chown', ['-R', 'Debian-exim', join(folder, 'spool'), join(folder, 'log'), key]);
}
