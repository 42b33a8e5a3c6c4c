// A pair whose Hub has its AD on one slapd and whose Edge has its ADAM on another, both with the access rules and the schema
// that the project ships: the Hub binds with a password, the Edge with a certificate of its own (SASL EXTERNAL).

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectLdap, type LdapClient } from '../../src/ldap/client.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { freePort } from './free-port.ts';
import { Relaying, type RelayingOptions } from './relaying.ts';
import { SlapdReplicas } from './slapd-replicas.ts';
import { type RunningSlapd, SLAPD_PASSWORD, SLAPD_SCHEMA, startSlapd } from './slapd.ts';

export const AD_SUFFIX = 'CN=Configuration,DC=corp,DC=test';
export const ADAM_SUFFIX = 'CN=Configuration,CN=ADAM';
const EDGE_NAME = 'EDGE01';

/** A file of access rules as an administrator adapts it. */
export function readAccessRules(name: 'ad' | 'adam', suffix: string): string[] {
  const file = new URL(`../../docker/slapd/${name}-access.conf`, import.meta.url).pathname;
  const text = readFileSync(file, 'utf8').replaceAll('@SUFFIX@', suffix.toLowerCase());
  return text.replaceAll('@EDGE@', EDGE_NAME.toLowerCase()).split('\n');
}

interface AdServers {
  readonly ad: RunningSlapd;
  readonly adCopy: RunningSlapd | undefined;
  readonly certificates: string;
  readonly replicas?: SlapdReplicas;
}

export interface SlapdPairOptions extends RelayingOptions {
  /** AD is on two slapds, the second of which copies from the first and takes no changes. */
  readonly isReplicated?: boolean;
}

export class SlapdPair {
  readonly ad: RunningSlapd;
  /** The consumer of a replicated AD. */
  readonly adCopy: RunningSlapd | undefined;
  readonly adam: RunningSlapd;
  readonly adamPair: KeyPair;
  readonly relaying: Relaying;
  readonly #folder: string;
  readonly #replicas: SlapdReplicas | undefined;

  private constructor(
    parts: Pick<SlapdPair, 'ad' | 'adCopy' | 'adam' | 'adamPair' | 'relaying'>,
    { folder, replicas }: { folder: string; replicas: SlapdReplicas | undefined },
  ) {
    this.ad = parts.ad;
    this.adCopy = parts.adCopy;
    this.adam = parts.adam;
    this.adamPair = parts.adamPair;
    this.relaying = parts.relaying;
    this.#folder = folder;
    this.#replicas = replicas;
  }

  /** Waits until the consumer of a replicated AD has all that the provider has. */
  async awaitCopy(): Promise<void> {
    await this.#replicas?.awaitCopy();
  }

  static async start({ isReplicated = false, ...options }: SlapdPairOptions = {}): Promise<SlapdPair> {
    const folder = mkdtempSync(join(tmpdir(), 'relaypair-slapd-pair-'));
    const notBefore = new Date(Date.now() - 60_000);
    const make = (netbiosName: string, fqdn: string) => createSelfSigned({ netbiosName, fqdn, notBefore });
    const [adPair, adamPair, edgePair] = await Promise.all([
      make('DC01', 'dc01.corp.test'),
      make('ADAM', 'edge01.perimeter.test'),
      make('EDGEBIND', 'bind.perimeter.test'),
    ]);
    const common = { client: edgePair, schemaFile: SLAPD_SCHEMA };
    const access = readAccessRules('ad', AD_SUFFIX);
    const startAd = async (): Promise<AdServers> => {
      if (isReplicated) {
        const replicas = await SlapdReplicas.start({ suffix: AD_SUFFIX, second: 'consumer', access, client: edgePair });
        return { ad: replicas.first, adCopy: replicas.second, certificates: replicas.certificates, replicas };
      }
      const ad = await startSlapd({ ...common, server: adPair, suffix: AD_SUFFIX, database: access });
      return { ad, adCopy: undefined, certificates: adPair.certificate.pem };
    };
    const [{ ad, adCopy, certificates, replicas }, adam] = await Promise.all([
      startAd(),
      startSlapd({ ...common, server: adamPair, suffix: ADAM_SUFFIX, database: readAccessRules('adam', ADAM_SUFFIX) }),
    ]);
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const edgeSmtp = await freePort();
    const relaying = await Relaying.start({
      ...options,
      servers: {
        edgePort: edgeSmtp,
        hubExtra: {
          directory: {
            backend: 'ldap',
            urls: [ad, ...(adCopy ? [adCopy] : [])].map(({ port }) => `ldaps://127.0.0.1:${port}`),
            certificate: write('dc.crt', certificates),
            bind: { method: 'simple', user: `cn=admin,${AD_SUFFIX}`, passwordFile: write('password', SLAPD_PASSWORD) },
            refreshInterval: '300ms',
          },
        },
        edgeExtra: {
          listen: { smtp: [`127.0.0.1:${edgeSmtp}`] },
          directory: {
            backend: 'ldap',
            url: `ldaps://127.0.0.1:${adam.port}`,
            certificate: write('adam.crt', adamPair.certificate.pem),
            bind: {
              method: 'external',
              certificate: write('edge.crt', edgePair.certificate.pem),
              key: write('edge.key', edgePair.privateKeyPem),
            },
            refreshInterval: '300ms',
          },
        },
        ...options.servers,
      },
    });
    return new SlapdPair({ ad, adCopy, adam, adamPair, relaying }, { folder, replicas });
  }

  /** Somebody with a name and a password at one of the two, or nobody. */
  async dial(slapd: RunningSlapd, user?: { dn: string; password: string }): Promise<LdapClient> {
    const client = await connectLdap({ host: '127.0.0.1', port: slapd.port, approve: () => undefined });
    if (user) await client.bindSimple(user.dn, user.password);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relaying[Symbol.asyncDispose]();
    await Promise.all([this.ad.stop(), this.adCopy?.stop(), this.adam.stop()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
