// A subscribed pair with a fault box on the way from Hub to Edge and another on the way back.

import { join } from 'node:path';
import { findFreePort } from '../free-port.ts';
import { Sink } from '../lab/sink.ts';
import { Meddler } from '../meddle/meddler.ts';
import type { Role } from '../config.ts';
import type { Validity } from '../tls/certificate.ts';
import { Problem } from '../problem.ts';
import { writeFileDurably } from '../storage/files.ts';
import type { PairPolicy } from './pair-policies.ts';
import { FQDN, HOST, type Place, ProvingGround, SITE } from './proving-ground.ts';

/** Whose certificate is what; a certificate is made when its server first starts, by the clock that it then has. */
export type World = Readonly<Record<Role, Validity>>;

const FIRST_START: Readonly<Record<Validity, string>> = { valid: '-10d', expired: '-400d', 'not-yet-valid': '+2d' };
const ROLES = ['hub', 'edge'] as const;
const INTERNET = `EdgeSync - ${SITE} to Internet`;
const INBOUND = `EdgeSync - Inbound to ${SITE}`;
const OUTSIDE_HOST = 'outside.prove.test';

export const INSIDE = { domain: 'inside.test', person: 'anna@inside.test' } as const;
export const OUTSIDE = { person: 'bob@outside.test' } as const;

export class PairGround {
  readonly ground: ProvingGround;
  readonly ports: Readonly<Record<Role, number>>;
  /** On the way to that server. */
  readonly boxes: Readonly<Record<Role, Meddler>>;
  readonly #sink: Sink;

  private constructor(parts: Pick<PairGround, 'ground' | 'ports' | 'boxes'>, sink: Sink) {
    this.ground = parts.ground;
    this.ports = parts.ports;
    this.boxes = parts.boxes;
    this.#sink = sink;
  }

  /** Starts and subscribes a pair. */
  static async open(place: Place, world: World): Promise<PairGround> {
    const ports = { hub: await findFreePort(HOST), edge: await findFreePort(HOST) };
    const open = (port: number): Promise<Meddler> => Meddler.open({ to: { host: HOST, port } });
    const boxes = { hub: await open(ports.hub), edge: await open(ports.edge) };
    const pair = new PairGround({ ground: new ProvingGround(place), ports, boxes }, await Sink.open());
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
    await Promise.all([this.boxes.hub.close(), this.boxes.edge.close(), this.#sink.close()]);
  }

  /** Brings both servers to a policy. */
  async apply({ settings, stance }: PairPolicy): Promise<void> {
    const isRequired = String(stance === 'require');
    const isIgnored = String(stance === 'ignore');
    await this.ground.ask('hub', 'Set-TransportConfig', {
      ExpiredCertificate: settings.expiredCertificate,
      UntrustedCertificate: settings.untrustedCertificate,
      IntraOrgRequireTLS: isRequired,
      IntraOrgIgnoreSTARTTLS: isIgnored,
    });
    const inbound = { Identity: INBOUND, RequireTLS: isRequired, IgnoreSTARTTLS: isIgnored };
    await this.ground.ask('hub', 'Set-SendConnector', inbound);
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
    const content = exported.files?.[0]?.content;
    if (!content) throw new Problem('prove-failed', 'the Edge exported no subscription file');
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
    const ldaps = await findFreePort(HOST);
    ground.configure('hub', {
      listen: { smtp: [`${HOST}:${ports.hub}`] },
      hosts: { [FQDN.edge]: `${HOST}:${boxes.edge.port}` },
      deliver: 'maildir:mailboxes',
    });
    ground.configure('edge', {
      listen: { smtp: [`${HOST}:${ports.edge}`], ldaps: `${HOST}:${ldaps}` },
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
