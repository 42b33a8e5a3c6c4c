// A subscribed pair with a fault box on the way from Hub to Edge and another on the way back.

import { join } from 'node:path';
import { findFreePort } from '../free-port.ts';
import { Sink } from '../lab/sink.ts';
import { Meddler } from '../meddle/meddler.ts';
import { type Role, ROLES } from '../config.ts';
import type { Validity } from '../tls/certificate.ts';
import { Problem } from '../problem.ts';
import { writeFileDurably } from '../storage/files.ts';
import type { PairPolicy } from './pair-policies.ts';
import { FQDN, HOST, type Place, ProvingGround, SITE } from './proving-ground.ts';

/** Whose certificate is what; a certificate is made when its server first starts, by the clock that it then has. */
export type World = Readonly<Record<Role, Validity>>;

const FIRST_START: Readonly<Record<Validity, string>> = { valid: '-10d', expired: '-400d', 'not-yet-valid': '+2d' };
const INTERNET = `EdgeSync - ${SITE} to Internet`;
const INBOUND = `EdgeSync - Inbound to ${SITE}`;
/** Those that the pair comes to. */
const RECEIVERS = [
  ['hub', 'Default HUB01'],
  // On one machine the Edge comes from an address that the Hub's own clients have.
  ['hub', 'Client HUB01'],
  ['edge', 'Default internal receive connector EDGE01'],
] as const;
const OUTSIDE_HOST = 'outside.prove.test';

export const INSIDE = { domain: 'inside.test', person: 'anna@inside.test' } as const;
export const OUTSIDE = { person: 'bob@outside.test' } as const;

export class PairGround {
  readonly ground: ProvingGround;
  readonly ports: Readonly<Record<Role, number>>;
  /** On the way to that server. */
  readonly boxes: Readonly<Record<Role, Meddler>>;
  /** On EdgeSync's way to the Edge. */
  readonly syncBox: Meddler;
  readonly #ldapsPort: number;
  readonly #sink: Sink;

  private constructor(
    parts: Pick<PairGround, 'ground' | 'ports' | 'boxes' | 'syncBox'>,
    ldapsPort: number,
    sink: Sink,
  ) {
    this.ground = parts.ground;
    this.ports = parts.ports;
    this.boxes = parts.boxes;
    this.syncBox = parts.syncBox;
    this.#ldapsPort = ldapsPort;
    this.#sink = sink;
  }

  /** Starts and subscribes a pair. */
  static async open(place: Place, world: World): Promise<PairGround> {
    const ports = { hub: await findFreePort(HOST), edge: await findFreePort(HOST) };
    const open = (port: number): Promise<Meddler> => Meddler.open({ to: { host: HOST, port } });
    const boxes = { hub: await open(ports.hub), edge: await open(ports.edge) };
    const ldapsPort = await findFreePort(HOST);
    const syncBox = await Meddler.open({ to: { host: HOST, port: ldapsPort }, isImplicitTls: true });
    const parts = { ground: new ProvingGround(place), ports, boxes, syncBox };
    const pair = new PairGround(parts, ldapsPort, await Sink.open());
    try {
      await pair.#start(world);
      return pair;
    } catch (error) {
      await pair.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.ground.close();
    const boxes = [this.boxes.hub, this.boxes.edge, this.syncBox];
    await Promise.all([...boxes.map((box) => box.close()), this.#sink.close()]);
  }

  /** Brings both servers to a policy. */
  async apply({ settings, stance, floor = 'Tls12', isAnonymousTls = false }: PairPolicy): Promise<void> {
    const isRequired = String(stance === 'require');
    const isIgnored = String(stance === 'ignore');
    const verb = isAnonymousTls ? 'XAnonymousTls' : 'StartTls';
    await this.ground.ask('hub', 'Set-TransportConfig', {
      ExpiredCertificate: settings.expiredCertificate,
      UntrustedCertificate: settings.untrustedCertificate,
      IntraOrgRequireTLS: isRequired,
      IntraOrgIgnoreSTARTTLS: isIgnored,
      IntraOrgTlsMinimumVersion: floor,
      IntraOrgTlsVerb: verb,
    });
    const inbound = { Identity: INBOUND, RequireTLS: isRequired, IgnoreSTARTTLS: isIgnored };
    await this.ground.ask('hub', 'Set-SendConnector', { ...inbound, TlsMinimumVersion: floor, TlsVerb: verb });
    for (const [role, Identity] of RECEIVERS)
      await this.ground.ask(role, 'Set-ReceiveConnector', { Identity, TlsVerb: verb });
    await this.synchronize();
  }

  /** Throws Problem `prove-failed`. */
  async synchronize(): Promise<void> {
    const { failures = [] } = await this.ground.ask('hub', 'Start-EdgeSynchronization');
    const [failure] = failures;
    if (failure !== undefined) throw new Problem('prove-failed', `EdgeSync did not succeed: ${failure}`);
  }

  async subscribe(): Promise<void> {
    const exported = await this.ground.ask('edge', 'New-EdgeSubscription', { FileName: 'edge.xml', Force: 'true' });
    const file = exported.files?.[0]?.content;
    if (!file) throw new Problem('prove-failed', 'the Edge exported no subscription file');
    // The Hub comes to the box.
    const way = `<AdamSslPort>${this.syncBox.port}<`;
    const content = Buffer.from(file.toString('utf8').replace(/<AdamSslPort>\d+</, way));
    writeFileDurably(join(this.ground.folder, 'edge.xml'), content);
    await this.ground.ask('hub', 'New-EdgeSubscription', { FileName: 'edge.xml', Site: SITE }, { FileName: content });
    await this.synchronize();
  }

  /** From now on that server shows a certificate that the other has not on record. */
  async replaceCertificate(role: Role): Promise<void> {
    await this.ground.ask(role, 'New-ExchangeCertificate');
  }

  async #start(world: World): Promise<void> {
    const { ground, ports, boxes } = this;
    ground.configure('hub', {
      listen: { smtp: [`${HOST}:${ports.hub}`] },
      hosts: { [FQDN.edge]: `${HOST}:${boxes.edge.port}` },
      deliver: 'maildir:mailboxes',
    });
    ground.configure('edge', {
      listen: { smtp: [`${HOST}:${ports.edge}`], ldaps: `${HOST}:${this.#ldapsPort}` },
      hosts: { [FQDN.hub]: `${HOST}:${boxes.hub.port}`, [OUTSIDE_HOST]: `${HOST}:${this.#sink.port}` },
    });
    const isAged = ROLES.some((role) => world[role] !== 'valid');
    if (isAged) {
      await Promise.all(ROLES.map((role) => ground.start(role, FIRST_START[world[role]])));
      await Promise.all(ROLES.map((role) => ground.stop(role)));
    }
    await Promise.all(ROLES.map((role) => ground.start(role)));
    await ground.ask('hub', 'New-AcceptedDomain', { Name: INSIDE.domain, DomainName: INSIDE.domain });
    await this.subscribe();
    await ground.ask('hub', 'Set-SendConnector', {
      Identity: INTERNET,
      DNSRoutingEnabled: '$false',
      DomainSecureEnabled: '$false',
      SmartHosts: OUTSIDE_HOST,
    });
  }
}
