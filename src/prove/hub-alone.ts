// A Hub without an Edge: it sends everything to one stranger, by the policy that is set, and takes mail for domains of its own.

import { findFreePort } from '../free-port.ts';
import { type Endpoint, formatEndpoint } from '../config.ts';
import type { StrangerPolicy } from './pair-policies.ts';
import { HOST, type Place, ProvingGround } from './proving-ground.ts';

const STRANGER_HOST = 'stranger.prove.test';
const CONNECTOR = 'To the stranger';

export interface HubAloneOptions extends Place {
  /** The next hop of everything that leaves. */
  readonly stranger?: Endpoint;
  readonly acceptedDomains?: readonly string[];
  /** A second address to be heard at. */
  readonly alsoListen?: Endpoint | undefined;
}

export class HubAlone {
  readonly ground: ProvingGround;
  readonly port: number;

  private constructor(ground: ProvingGround, port: number) {
    this.ground = ground;
    this.port = port;
  }

  static async open(options: HubAloneOptions): Promise<HubAlone> {
    const { stranger, alsoListen, acceptedDomains = [] } = options;
    const port = await findFreePort(HOST);
    const ground = new ProvingGround(options);
    ground.configure('hub', {
      listen: { smtp: [`${HOST}:${port}`, ...(alsoListen ? [formatEndpoint(alsoListen)] : [])] },
      hosts: stranger ? { [STRANGER_HOST]: formatEndpoint(stranger) } : {},
      deliver: 'maildir:mailboxes',
    });
    try {
      await ground.start('hub');
      if (stranger) {
        const connector = { Name: CONNECTOR, AddressSpaces: '*', SmartHosts: STRANGER_HOST };
        await ground.ask('hub', 'New-SendConnector', connector);
      }
      for (const domain of acceptedDomains)
        await ground.ask('hub', 'New-AcceptedDomain', { Name: domain, DomainName: domain });
    } catch (error) {
      await ground.close();
      throw error;
    }
    return new HubAlone(ground, port);
  }

  /** For everything that leaves from now on. */
  async apply({ stance, floor = 'Tls12' }: StrangerPolicy): Promise<void> {
    await this.ground.ask('hub', 'Set-SendConnector', {
      Identity: CONNECTOR,
      RequireTLS: String(stance === 'require'),
      IgnoreSTARTTLS: String(stance === 'ignore'),
      TlsMinimumVersion: floor,
    });
  }

  close(): Promise<void> {
    return this.ground.close();
  }
}
