// A server reduced to what certificate cmdlets touch: a real store in a temporary folder, a clock that can be moved, and an
// organisation that a test fills. Cmdlets are run with texts as a person types them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bindParameters } from '../../../src/cmdlets/binding.ts';
import type { Cmdlet } from '../../../src/cmdlets/cmdlet.ts';
import type { CmdletOutput, OutputRecord } from '../../../src/cmdlets/output.ts';
import type { ServerContext } from '../../../src/cmdlets/server-context.ts';
import { SystemClock } from '../../../src/clock.ts';
import { type Endpoint, type ListenAddress, parseConfig, type Role } from '../../../src/config.ts';
import type { ReceiveConnector } from '../../../src/directory/receive-connector.ts';
import { silentLog } from '../../../src/log.ts';
import { CertificateStore, type StoredCertificate } from '../../../src/tls/certificate-store.ts';
import type { Certificate } from '../../../src/tls/certificate.ts';
import { createSelfSigned, type SelfSignedOptions } from '../../../src/tls/self-signed.ts';
import { DEFAULT_TRANSPORT_CONFIG } from '../../../src/directory/transport-config.ts';
import type { Organisation } from '../../../src/transport/organisation.ts';
import { NO_DNS } from '../../helpers/no-dns.ts';

export const FQDN = { hub: 'hub01.contoso.test', edge: 'edge01.contoso.test' } as const;

export interface Call {
  readonly files?: Readonly<Record<string, Buffer>>;
}

export class CertificateFixture {
  readonly clock = new SystemClock();
  readonly store: CertificateStore;
  readonly context: ServerContext;
  readonly peers: { name: string; fqdn: string; certificate: Certificate }[] = [];
  readonly receiveConnectors: ReceiveConnector[] = [];
  readonly addresses: ListenAddress[] = [];
  readonly hosts: Record<string, Endpoint> = {};
  readonly progress: string[] = [];
  readonly #folder: string;

  constructor(role: Role = 'edge') {
    this.#folder = mkdtempSync(join(tmpdir(), 'relaypair-cmdlets-'));
    this.store = CertificateStore.open(this.#folder);
    const { peers, receiveConnectors } = this;
    const organisation = {
      role,
      peers,
      receiveConnectors,
      sendConnectors: [],
      transportConfig: DEFAULT_TRANSPORT_CONFIG,
    } as unknown as Organisation;
    this.context = {
      config: { ...parseConfig(`{ role: ${role}, fqdn: ${FQDN[role]} }`, '/etc/test.yaml'), hosts: this.hosts },
      clock: this.clock,
      log: silentLog(),
      captureControl: { tap: undefined },
      certificates: this.store,
      addresses: this.addresses,
      organisation: () => organisation,
      resolver: NO_DNS,
    } as unknown as ServerContext;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  /** Binds the texts and runs the cmdlet. */
  async run(
    cmdlet: Cmdlet<ServerContext>,
    typed: Readonly<Record<string, string>> = {},
    { files = {} }: Call = {},
  ): Promise<CmdletOutput> {
    const parameters = Object.fromEntries(Object.entries(typed).map(([name, text]) => [name, [text]]));
    const given = Object.entries(files).map(([name, content]) => [name, { name: `${name}.file`, content }] as const);
    const fileTexts = Object.fromEntries(given.map(([name, file]) => [name, [file.name]]));
    const bound = bindParameters(cmdlet, {
      cmdlet: cmdlet.name,
      parameters: { ...parameters, ...fileTexts },
      files: Object.fromEntries(given),
    });
    const call = { progress: (text: string) => void this.progress.push(text), signal: new AbortController().signal };
    return cmdlet.run(this.context, bound, call);
  }

  /** The certificate of the first start. */
  async addDefault(): Promise<StoredCertificate> {
    const { netbiosName, fqdn } = this.context.config;
    const stored = await this.add({ netbiosName, fqdn });
    this.store.enable(stored.certificate.thumbprint, 'SMTP');
    return this.store.setInternalTransport(stored.certificate.thumbprint);
  }

  /** One that serves for nothing, valid from now. */
  async add(options: Partial<SelfSignedOptions> & { exportable?: boolean } = {}): Promise<StoredCertificate> {
    const pair = await createSelfSigned({
      netbiosName: 'OTHER',
      fqdn: 'other.contoso.test',
      notBefore: this.clock.now(),
      ...options,
    });
    return this.store.add(pair, { exportable: options.exportable ?? false, friendlyName: 'Microsoft Exchange' });
  }
}

/** The thumbprint of the only record. */
export function thumbprintOf(records: readonly OutputRecord[]): string {
  const [thumbprint, ...others] = records.map((record) => record['Thumbprint']);
  if (typeof thumbprint !== 'string' || others.length > 0) throw new Error('not exactly one certificate');
  return thumbprint;
}
