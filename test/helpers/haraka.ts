// A private Haraka: own configuration, own queue, loopback and a high port. It is no Debian package and no dependency of the project:
// `installHaraka` fetches it by name into a folder that the caller removes. It takes any mail and passes it on by its routes.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { freePort } from './free-port.ts';
import { runToSuccess } from './program.ts';
import { answersSmtp } from './submit.ts';
import { waitUntil } from './wait.ts';

/** What was looked at; its optional plugins look into DNS, databases and contents, and none of them is needed. */
const HARAKA = 'Haraka@3.3.4';

export interface HarakaOptions {
  /** Where `installHaraka` has put it. */
  readonly program: string;
  readonly name: string;
  /** Domain, or `*` for the rest, to a port on loopback. */
  readonly routes: Readonly<Record<string, number>>;
  /** Domains to which it sends in TLS or not at all (force_tls_hosts). */
  readonly forced?: readonly string[];
  /** Shown after STARTTLS. */
  readonly keyPair: KeyPair;
}

/** Resolves to the folder of the package, under `folder`. */
export async function installHaraka(folder: string): Promise<string> {
  const how = ['--ignore-scripts', '--omit=optional', '--no-save', '--no-audit', '--no-fund'];
  await runToSuccess('npm', ['install', ...how, '--prefix', folder, HARAKA], { cwd: folder });
  return join(folder, 'node_modules', 'Haraka');
}

export class Haraka {
  readonly port: number;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, port: number, started: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#process = started;
  }

  /** Starts it; resolves once it answers. */
  static async open(options: HarakaOptions): Promise<Haraka> {
    const folder = mkdtempSync(join(tmpdir(), 'relaypair-haraka-'));
    const port = await freePort();
    writeConfiguration(folder, port, options);
    const log = openSync(join(folder, 'log'), 'w');
    const words = [join(options.program, 'bin', 'haraka'), '-c', folder];
    const haraka = new Haraka(folder, port, spawn(process.execPath, words, { stdio: ['ignore', log, log] }));
    closeSync(log);
    try {
      await waitUntil(`Haraka ${options.name} answers`, () => haraka.#answers());
    } catch (error) {
      const said = readFileSync(join(folder, 'log'), 'utf8');
      await haraka.close();
      throw new Error(`Haraka ${options.name} did not start: ${said}`, { cause: error });
    }
    return haraka;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      // It would wait half a minute for what is under way.
      this.#process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    if (this.#process.exitCode !== null) throw new Error('it has ended');
    return answersSmtp(this.port);
  }
}

function writeConfiguration(folder: string, port: number, options: HarakaOptions): void {
  const { program, name, routes, forced = [], keyPair } = options;
  const config = join(folder, 'config');
  // What it does not find in the folder is nowhere, its defaults among it.
  cpSync(join(program, 'config'), config, { recursive: true });
  for (const part of ['queue', 'plugins']) mkdirSync(join(folder, part));
  const files = {
    me: `${name}.test`,
    plugins: 'tls\nonward',
    'smtp.ini': `listen=127.0.0.1:${port}\nnodes=0`,
    // Five seconds are the shortest that it takes.
    'outbound.ini': 'temp_fail_intervals=5s*1000\nlocal_mx_ok=true',
    'tls.ini': ['key=tls_key.pem', 'cert=tls_cert.pem', ...forced.map((domain) => `force_tls_hosts[]=${domain}`)].join(
      '\n',
    ),
    'tls_key.pem': keyPair.privateKeyPem,
    'tls_cert.pem': keyPair.certificate.pem,
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(config, file), `${text}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'plugins', 'onward.js'), pluginFor(routes));
}

/** Everybody may send to everybody, and where to is written here. */
function pluginFor(routes: HarakaOptions['routes']): string {
  return `'use strict';
const ROUTES = ${JSON.stringify(routes)};
exports.hook_rcpt = (next, connection) => {
  connection.relaying = true;
  next(OK);
};
exports.hook_get_mx = (next, hmail, domain) =>
  next(OK, { exchange: '127.0.0.1', port: ROUTES[domain] ?? ROUTES['*'], priority: 0 });
`;
}
