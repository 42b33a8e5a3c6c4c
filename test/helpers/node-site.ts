// A site of several Hubs and Edges that share their mail: one PostgreSQL, primary and synchronous standby, holds the spool of the
// Hubs and that of the Edges, and slapd holds the AD. Mail for contoso.test goes to one sink, everything else to another.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { adNamingContext } from '../../src/directory/layout.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { relaypair } from './pair.ts';
import { PostgresPair } from './postgres-pair.ts';
import { QUICK_RETRY } from './server-processes.ts';
import { Sink, type SinkOptions } from './sink.ts';
import { Site, SITE } from './site.ts';
import { type RunningSlapd, SLAPD_PASSWORD, SLAPD_SCHEMA, startSlapd } from './slapd.ts';

const SUFFIX = adNamingContext('hub01.corp.test');

export interface NodeSiteOptions {
  readonly hubs: number;
  readonly edges: number;
  readonly sink?: SinkOptions;
  /** Of the spool; default 10 s. */
  readonly leaseMs?: number;
  /** A database that is there; it is stopped with the site. Default: one on loopback. */
  readonly database?: PostgresPair;
  /** More of the `spool` section of a node's config, by its name. */
  readonly spool?: (name: string) => Readonly<Record<string, unknown>>;
}

interface Others {
  readonly slapd: RunningSlapd;
  readonly sinks: readonly Sink[];
  readonly leaseMs: number;
}

export class NodeSite {
  readonly site: Site;
  readonly database: PostgresPair;
  readonly leaseMs: number;
  readonly #slapd: RunningSlapd;
  readonly #sinks: readonly Sink[];

  private constructor(site: Site, database: PostgresPair, others: Others) {
    this.site = site;
    this.database = database;
    this.leaseMs = others.leaseMs;
    this.#slapd = others.slapd;
    this.#sinks = others.sinks;
  }

  /** Starts everything; the Edges are subscribed and know the way out. */
  static async start(options: NodeSiteOptions): Promise<NodeSite> {
    const { hubs, edges, sink = {}, leaseMs = 10_000, spool: more } = options;
    await using stack = new AsyncDisposableStack();
    const notBefore = new Date(Date.now() - 60_000);
    const server = await createSelfSigned({ netbiosName: 'SLAPD', fqdn: 'slapd.corp.test', notBefore });
    const slapd = await startSlapd({ server, client: server, suffix: SUFFIX, schemaFile: SLAPD_SCHEMA });
    stack.defer(() => slapd.stop());
    const database = options.database ?? (await PostgresPair.start());
    stack.defer(() => database.stop());
    process.env['PGPASSWORD'] = database.password;
    const sinks = await Promise.all([Sink.open(sink), Sink.open(sink)]);
    stack.defer(async () => void (await Promise.all(sinks.map((each) => each.close()))));
    const [inside, outside] = sinks;
    const directory = {
      backend: 'ldap',
      url: `ldaps://127.0.0.1:${slapd.port}`,
      certificate: 'slapd.crt',
      bind: { method: 'simple', user: `cn=admin,${SUFFIX}`, passwordFile: 'slapd.password' },
      namingContext: SUFFIX,
    };
    const times = { lease: `${leaseMs}ms`, timeout: '10s', pollInterval: '2s' };
    const spool = { backend: 'postgres', url: database.url, ...times, connections: 4 };
    const site = await Site.prepare({
      hubs,
      edges,
      deliver: `smtp:127.0.0.1:${inside?.port}`,
      extra: (name) => ({
        spool: { ...spool, ...more?.(name) },
        limits: {},
        retry: QUICK_RETRY,
        ...(name.startsWith('hub') && { directory }),
      }),
    });
    stack.use(site);
    writeFileSync(join(site.folder, 'slapd.crt'), server.certificate.pem);
    writeFileSync(join(site.folder, 'slapd.password'), SLAPD_PASSWORD, { mode: 0o600 });
    await openSite(site, outside?.port ?? 0);
    stack.move();
    return new NodeSite(site, database, { slapd, sinks, leaseMs });
  }

  get names(): readonly string[] {
    return [...this.site.hubs, ...this.site.edges];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
    await Promise.all([...this.#sinks.map((each) => each.close()), this.#slapd.stop(), this.database.stop()]);
  }
}

async function openSite(site: Site, smartHostPort: number): Promise<void> {
  for (const [name] of [site.hubs, site.edges]) {
    const ran = await relaypair(['spool', 'migrate', '--config', join(site.folder, `${name}.yaml`)], {
      cwd: site.folder,
    });
    if (ran.code !== 0) throw new Error(ran.stderr);
  }
  // The first makes the tree in AD, and the others find it.
  const [first = '', ...others] = [...site.hubs, ...site.edges];
  await site.start(first);
  await Promise.all(others.map((name) => site.start(name)));
  await site.ask('hub01', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
  for (const edge of site.edges) await site.subscribe(edge);
  await site.ask('hub01', 'Set-SendConnector', {
    Identity: `EdgeSync - ${SITE} to Internet`,
    DNSRoutingEnabled: '$false',
    DomainSecureEnabled: '$false',
    SmartHosts: '127.0.0.1',
    Port: String(smartHostPort),
  });
  await site.synchronize();
}
