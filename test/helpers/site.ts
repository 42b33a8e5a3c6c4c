// A site of several Hubs and several Edges, each a real process with a config of its own: `hub01`, `hub02`, `edge01` … Every
// server finds every other by its `hosts` table, all of them on loopback. Which are started, and when, is the test's affair.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { CmdletOutput } from '../../src/cmdlets/output.ts';
import { parseCertificate } from '../../src/tls/certificate.ts';
import { freePort } from './free-port.ts';
import { NO_NAME_SERVER, QUICK_RETRY, type Role, ServerProcesses } from './server-processes.ts';

export const SITE = 'Default-First-Site-Name';

export interface SiteOptions {
  readonly hubs?: number;
  readonly edges?: number;
  /** Of every Hub; a mailbox folder of the site when absent. */
  readonly deliver?: string;
  /** More of a server's config, by its name. */
  readonly extra?: (name: string) => Readonly<Record<string, unknown>>;
  /** Where the others believe a server's SMTP to be, when something stands between them; by its name. */
  readonly seenAt?: Readonly<Record<string, number>>;
}

interface Member {
  readonly name: string;
  readonly role: Role;
  readonly fqdn: string;
  readonly smtpPort: number;
  /** ADAM's on an Edge; on a Hub AD's, where it serves it. */
  readonly ldapsPort: number;
}

export class Site extends ServerProcesses {
  readonly hubs: readonly string[];
  readonly edges: readonly string[];
  readonly #members: ReadonlyMap<string, Member>;
  readonly #options: SiteOptions;

  private constructor(members: readonly Member[], options: SiteOptions) {
    super();
    this.#members = new Map(members.map((member) => [member.name, member]));
    this.#options = options;
    const namesOf = (role: Role): string[] => members.filter((member) => member.role === role).map(({ name }) => name);
    this.hubs = namesOf('hub');
    this.edges = namesOf('edge');
  }

  /** Writes every config and starts nothing. */
  static async prepare(options: SiteOptions = {}): Promise<Site> {
    const members: Member[] = [];
    for (let number = 1; number <= (options.hubs ?? 1); number++) members.push(await makeMember('hub', number));
    for (let number = 1; number <= (options.edges ?? 1); number++) members.push(await makeMember('edge', number));
    const site = new Site(members, options);
    for (const { name } of members) site.reconfigure(name);
    return site;
  }

  /** Writes a server's config anew, with `extra` on top of what `prepare` was given. */
  reconfigure(name: string, extra: Readonly<Record<string, unknown>> = {}): void {
    const { role, fqdn, smtpPort, ldapsPort } = this.member(name);
    const { deliver, seenAt = {} } = this.#options;
    const more: Readonly<Record<string, unknown>> = { ...this.#options.extra?.(name), ...extra };
    const others = [...this.#members.values()].filter((member) => member.name !== name);
    this.configure(name, {
      role,
      fqdn,
      listen: {
        smtp: [`127.0.0.1:${smtpPort}`],
        // The first Hub serves its AD to the others, unless theirs is elsewhere.
        ...((role === 'edge' || (name === 'hub01' && more['directory'] === undefined)) && {
          ldaps: `127.0.0.1:${ldapsPort}`,
        }),
      },
      hosts: Object.fromEntries(
        others.map((other) => [other.fqdn, `127.0.0.1:${seenAt[other.name] ?? other.smtpPort}`]),
      ),
      ...(role === 'hub' && { deliver: deliver ?? `maildir:${join(this.folder, 'mail')}` }),
      retry: QUICK_RETRY,
      // Each message is to show how a connection was opened, and servers are to take turns.
      limits: { idleTimeout: '0s' },
      dns: NO_NAME_SERVER,
      ...more,
    });
  }

  member(name: string): Member {
    const member = this.#members.get(name);
    if (!member) throw new Error(`there is no ${name} in this site`);
    return member;
  }

  /**
   * Lets a Hub join the AD of the first, which must be running and serve it: an account with a password, and the certificate
   * that the first Hub shows at its door. It is started by the test.
   */
  async join(hub: string, extra: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { files = [] } = await this.call('hub01', 'New-DirectoryAccount', {
      Name: hub.toUpperCase(),
      Kind: 'Hub',
      PasswordFile: `${hub}.password`,
    });
    writeFileSync(join(this.folder, `${hub}.password`), files[0]?.content ?? '', { mode: 0o600 });
    const { fqdn, ldapsPort } = this.member('hub01');
    writeFileSync(join(this.folder, 'hub01.crt'), await readServedCertificate(ldapsPort));
    this.reconfigure(hub, {
      directory: joiningDirectory({ hub, fqdn, port: ldapsPort }),
      ...extra,
    });
  }

  /** Exports the Edge's subscription and imports it on that Hub; the first synchronization must succeed. */
  async subscribe(edge: string, hub = 'hub01'): Promise<void> {
    const { warnings = [] } = await this.importSubscription(hub, await this.exportSubscription(edge));
    if (warnings.length > 0) throw new Error(`${edge} could not be subscribed: ${warnings.join(' ')}`);
  }

  /** The content of a subscription file that the Edge makes now. */
  async exportSubscription(edge: string): Promise<Buffer> {
    const { files = [] } = await this.call(edge, 'New-EdgeSubscription', { FileName: `${edge}.xml` });
    const [file] = files;
    if (!file) throw new Error(`${edge} wrote no subscription file`);
    return file.content;
  }

  importSubscription(hub: string, content: Buffer): Promise<CmdletOutput> {
    return this.call(hub, 'New-EdgeSubscription', { Site: SITE }, { FileName: content });
  }

  /** Start-EdgeSynchronization on a Hub, which must succeed with every Edge, or with the one named. */
  async synchronize(hub = 'hub01', edge?: string): Promise<void> {
    const reports = await this.ask(hub, 'Start-EdgeSynchronization', edge === undefined ? {} : { TargetServer: edge });
    const failed = reports.filter((report) => report['Result'] !== 'Success');
    if (failed.length > 0) throw new Error(`EdgeSync: ${JSON.stringify(failed)}`);
  }
}

/** The `directory` section of a Hub that joins the AD of another, with the files beside its config. */
export function joiningDirectory({ hub, fqdn, port }: { hub: string; fqdn: string; port: number }) {
  return {
    backend: 'ldap',
    url: `ldaps://${fqdn}:${port}`,
    certificate: 'hub01.crt',
    bind: { method: 'simple', user: `CN=${hub.toUpperCase()}`, passwordFile: `${hub}.password` },
    refreshInterval: '200ms',
  };
}

const DOMAINS: Readonly<Record<Role, string>> = { hub: 'corp.test', edge: 'perimeter.test' };

/** What `openssl s_client` would show: the certificate of whoever listens there with TLS, as PEM. */
async function readServedCertificate(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return parseCertificate(raw).pem;
}

async function makeMember(role: Role, number: number): Promise<Member> {
  const name = `${role}${String(number).padStart(2, '0')}`;
  return {
    name,
    role,
    fqdn: `${name}.${DOMAINS[role]}`,
    smtpPort: await freePort(),
    ldapsPort: await freePort(),
  };
}
