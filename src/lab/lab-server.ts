// One server of a laboratory that lives in this process: its folder, its config, and the ways to talk to it. Built as program.ts builds
// one, over the same files and sockets; only the process is shared.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SystemClock } from '../clock.ts';
import type { CmdletOutput, OutputRecord } from '../cmdlets/output.ts';
import { type Endpoint, parseEndpoint, readConfig, type Role } from '../config.ts';
import { callCmdlet } from '../control/client.ts';
import { controlSocketPath } from '../control/socket-path.ts';
import { formatClockCourse } from '../duration.ts';
import { openEdge } from '../edge.ts';
import { openHub } from '../hub.ts';
import { silentLog } from '../log.ts';
import { Problem } from '../problem.ts';
import { readVersion } from '../version.ts';
import { RunningProcess } from './binary.ts';
import { provideEcCertificate } from './ec-certificate.ts';

export interface LabServerOptions {
  readonly role: Role;
  readonly fqdn: string;
  /** Where its config file and its folder lie; both are named for the server. */
  readonly folder: string;
  readonly clock: SystemClock;
  /** Settings of its config file beside role, name and folder. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The dates of the certificate that it has from its first start on. */
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** True: a process of its own, which can be killed. */
  readonly isProcess?: boolean;
}

/** A server that was started, wherever it runs. */
interface Running {
  readonly ready: Readonly<Record<string, unknown>>;
  stop(): Promise<void>;
  kill?(): Promise<void>;
}

/** Parameters of a cmdlet, each as it would be typed. */
export type Parameters = Readonly<Record<string, string | readonly string[]>>;

export class LabServer {
  readonly role: Role;
  readonly fqdn: string;
  /** First label of the name. */
  readonly name: string;
  /** Of its own. */
  readonly folder: string;
  readonly #options: LabServerOptions;
  #settings: Readonly<Record<string, unknown>>;
  #running: Running | undefined;
  #smtp: Endpoint | undefined;
  #ldaps: Endpoint | undefined;

  constructor(options: LabServerOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.role = options.role;
    this.fqdn = options.fqdn;
    this.name = options.fqdn.split('.')[0] ?? options.fqdn;
    this.folder = join(options.folder, this.name);
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const { fqdn, notBefore, notAfter } = options;
    provideEcCertificate(this.folder, { domains: [this.name.toUpperCase(), fqdn], notBefore, notAfter });
  }

  /** Where it takes mail. */
  get smtp(): Endpoint {
    return this.#smtp ?? nowhere(this.name);
  }

  /** Where it serves its directory. */
  get ldaps(): Endpoint {
    return this.#ldaps ?? nowhere(this.name);
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Starts it; a second start finds what the first one left, at the same ports. */
  async start(): Promise<void> {
    this.#writeConfig();
    const running = await (this.#options.isProcess === true ? this.#startProcess() : this.#startHere());
    this.#running = running;
    const { smtp, ldaps } = running.ready as { smtp?: readonly string[]; ldaps?: string };
    this.#smtp = parseEndpoint(smtp?.[0] ?? '');
    this.#ldaps = parseEndpoint(ldaps ?? '');
    this.#settings = { ...this.#settings, listen: { smtp, ...(ldaps !== undefined && { ldaps }) } };
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stop();
  }

  /** Ends a process of its own at once, as by a power cut. */
  async kill(): Promise<void> {
    const running = this.#running;
    if (!running?.kill)
      throw new Problem('not-a-process', `${this.name} is no process of its own and cannot be killed`);
    this.#running = undefined;
    await running.kill();
  }

  /** Changes settings of the config file; a server that runs reads it again. */
  async configure(settings: Readonly<Record<string, unknown>>): Promise<void> {
    this.#settings = { ...this.#settings, ...settings };
    this.#writeConfig();
    if (this.isRunning) await this.call('Update-Configuration');
  }

  /** Lets it find a further server on this machine. */
  async addHost(fqdn: string, port: number): Promise<void> {
    await this.configure({
      hosts: { ...(this.#settings['hosts'] as object | undefined), [fqdn]: `127.0.0.1:${port}` },
    });
  }

  /** Runs a cmdlet over the control socket, with the files that it reads. Throws the Problem of one that is refused. */
  call(
    cmdlet: string,
    parameters: Parameters = {},
    files: Readonly<Record<string, Buffer>> = {},
  ): Promise<CmdletOutput> {
    const texts = Object.entries(parameters).map(([name, value]) => [name, [value].flat()]);
    const names = Object.keys(files).map((name) => [name, [name]]);
    const contents = Object.entries(files).map(([name, content]) => [name, { name, content }]);
    const request = {
      cmdlet,
      parameters: Object.fromEntries([...texts, ...names]) as Record<string, readonly string[]>,
      files: Object.fromEntries(contents) as Record<string, { name: string; content: Buffer }>,
    };
    return callCmdlet(controlSocketPath(this.folder), request, { startCommand: `relaypair ${this.role}` });
  }

  /** Its records. Throws Problem `cmdlet-failed` too, where the cmdlet ran and did not come to its end. */
  async ask(cmdlet: string, parameters: Parameters = {}): Promise<readonly OutputRecord[]> {
    const { records, failures = [] } = await this.call(cmdlet, parameters);
    const [failure] = failures;
    if (failure !== undefined) throw new Problem('cmdlet-failed', `${this.name} ${cmdlet}: ${failure}`);
    return records;
  }

  #startHere(): Promise<Running> {
    const { role, clock } = this.#options;
    const open = role === 'hub' ? openHub : openEdge;
    const config = readConfig(this.#configPath);
    return open({ config, clock, labClock: clock, log: silentLog(), version: readVersion() });
  }

  async #startProcess(): Promise<Running> {
    const { role, clock, folder } = this.#options;
    const words = [role, '--config', this.#configPath, '--lab', '--clock', formatClockCourse(clock.course)];
    const started = new RunningProcess(words, { folder, logFile: join(folder, `${this.name}.log`) });
    const ready = JSON.parse(await started.ready) as Readonly<Record<string, unknown>>;
    return { ready, stop: () => started.stop(), kill: () => started.kill() };
  }

  get #configPath(): string {
    return join(this.#options.folder, `${this.name}.yaml`);
  }

  /** JSON is YAML. */
  #writeConfig(): void {
    const { role, fqdn } = this.#options;
    const config = { format: 1, role, fqdn, folder: this.name, workers: 0, ...this.#settings };
    writeFileSync(this.#configPath, JSON.stringify(config, undefined, 2));
  }
}

function nowhere(name: string): never {
  throw new Problem('server-not-running', `${name} was never started, so that nobody knows where it listens`);
}
