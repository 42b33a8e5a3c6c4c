// Several slapds with copies of one directory, replicated by the lines that the project ships: a provider and a consumer, or
// two providers. Each shows a certificate of its own to the others (SASL EXTERNAL), in the name by which they reach it here.

import { readFileSync } from 'node:fs';
import type { LdapServer } from '../../src/directory/ldap-servers.ts';
import { formatPosition, positionByCsn } from '../../src/directory/replica-position.ts';
import { connectLdap } from '../../src/ldap/client.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { freePort } from './free-port.ts';
import { eventually } from './server-processes.ts';
import { type RunningSlapd, SLAPD_PASSWORD, SLAPD_SCHEMA, startSlapd } from './slapd.ts';

/** `consumer`: the second copies from the first and takes no changes. `provider`: each copies from the other. */
export type SecondSlapd = 'consumer' | 'provider';

export interface ReplicasOptions {
  readonly suffix: string;
  readonly second: SecondSlapd;
  /** Access rules of both. */
  readonly access: readonly string[];
  /** Who may bind by a certificate at either, besides each other. */
  readonly client: KeyPair;
}

export class SlapdReplicas {
  readonly first: RunningSlapd;
  readonly second: RunningSlapd;
  /** The certificates of both, one behind the other. */
  readonly certificates: string;
  readonly #suffix: string;

  private constructor(slapds: readonly [RunningSlapd, RunningSlapd], certificates: string, suffix: string) {
    [this.first, this.second] = slapds;
    this.certificates = certificates;
    this.#suffix = suffix;
  }

  static async start({ suffix, second, access, client }: ReplicasOptions): Promise<SlapdReplicas> {
    const ports = [await freePort(), await freePort()] as const;
    const pairs = await Promise.all(
      ['DC01', 'DC02'].map((netbiosName) =>
        createSelfSigned({
          netbiosName,
          fqdn: `${netbiosName.toLowerCase()}.corp.test`,
          notBefore: new Date(Date.now() - 60_000),
          subjectName: 'CN=127.0.0.1',
        }),
      ),
    );
    const open = (place: 0 | 1): Promise<RunningSlapd> => {
      const copies = place === 1 || second === 'provider';
      const provider = `127.0.0.1:${ports[1 - place]}`;
      const role = second === 'provider' ? 'multiprovider on' : `updateref ldaps://${provider}`;
      return startSlapd({
        server: pairs[place] as KeyPair,
        client,
        peers: pairs,
        port: ports[place],
        suffix,
        schemaFile: SLAPD_SCHEMA,
        global: [
          'moduleload syncprov',
          ...(second === 'provider' ? [`serverID ${place + 1}`] : []),
          `authz-regexp "^cn=127.0.0.1$" "cn=replicator,${suffix}"`,
        ],
        database: [
          ...readLines('replicated', { SUFFIX: suffix }),
          ...(copies
            ? [...readLines('copy', { SUFFIX: suffix, PROVIDER: provider, NUMBER: `00${place + 1}` }), role]
            : []),
          ...access,
        ],
      });
    };
    const slapds = await Promise.all([open(0), open(1)]);
    return new SlapdReplicas(slapds, pairs.map(({ certificate }) => certificate.pem).join(''), suffix);
  }

  /** As a server knows one of them. */
  server(slapd: RunningSlapd): LdapServer {
    return {
      name: `127.0.0.1:${slapd.port}`,
      connect: async () => {
        const client = await connectLdap({ host: '127.0.0.1', port: slapd.port, approve: () => undefined });
        await client.bindSimple(`cn=admin,${this.#suffix}`, SLAPD_PASSWORD);
        return client;
      },
    };
  }

  /** Waits until both have come equally far, and somewhere. */
  async awaitCopy(): Promise<void> {
    await eventually('equal copies', async () => {
      const [one, other] = await Promise.all([this.#position(this.first), this.#position(this.second)]);
      return one !== '' && one === other ? true : undefined;
    });
  }

  async #position(slapd: RunningSlapd): Promise<string> {
    const client = await this.server(slapd).connect();
    try {
      const query = { base: this.#suffix, scope: 'base', attributes: ['contextCSN'] } as const;
      const [top] = await client.search(query).catch(() => []);
      return top ? formatPosition(positionByCsn(top)) : '';
    } finally {
      await client.close();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.first.stop(), this.second.stop()]);
  }
}

/** A file that the project ships, as an administrator adapts it. */
function readLines(name: 'replicated' | 'copy', words: Readonly<Record<string, string>>): string[] {
  const text = readFileSync(new URL(`../../docker/slapd/${name}.conf`, import.meta.url), 'utf8');
  return Object.entries(words)
    .reduce((adapted, [word, value]) => adapted.replaceAll(`@${word}@`, value), text)
    .split('\n');
}
