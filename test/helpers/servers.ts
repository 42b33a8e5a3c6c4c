// A Hub and an Edge as two processes with configs of the test's own, so that their clocks can differ and something can
// stand between them on the wire. More of either: site.ts.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { NO_NAME_SERVER, QUICK_RETRY, ServerProcesses } from './server-processes.ts';

export { eventually, type Role } from './server-processes.ts';

export interface Ports {
  readonly hub: number;
  readonly edge: number;
  readonly ldaps: number;
}

export interface ServersOptions {
  /** Where the Hub believes the Edge to be, when something stands between them. */
  readonly edgeSeenAt?: number;
  /** A port that was chosen before, for the Edge. */
  readonly edgePort?: number;
  readonly deliver?: string;
  readonly hubExtra?: Record<string, unknown>;
  readonly edgeExtra?: Record<string, unknown>;
}

export class Servers extends ServerProcesses {
  readonly ports: Ports;

  private constructor(ports: Ports) {
    super();
    this.ports = ports;
  }

  static async prepare(options: ServersOptions = {}): Promise<Servers> {
    const servers = new Servers({
      hub: await freePort(),
      edge: options.edgePort ?? (await freePort()),
      ldaps: await freePort(),
    });
    servers.configureBoth(options);
    return servers;
  }

  configureBoth(options: ServersOptions): void {
    const { ports, folder } = this;
    const edgeSeenAt = options.edgeSeenAt ?? ports.edge;
    this.configure('hub', {
      role: 'hub',
      fqdn: 'hub01.corp.test',
      listen: { smtp: [`127.0.0.1:${ports.hub}`] },
      hosts: { 'edge01.perimeter.test': `127.0.0.1:${edgeSeenAt}` },
      deliver: options.deliver ?? `maildir:${join(folder, 'mail')}`,
      retry: QUICK_RETRY,
      dns: NO_NAME_SERVER,
      ...options.hubExtra,
      // Each message is to show how a connection was opened.
      limits: { idleTimeout: '0s', ...(options.hubExtra?.['limits'] as object | undefined) },
    });
    this.configure('edge', {
      role: 'edge',
      fqdn: 'edge01.perimeter.test',
      listen: { smtp: [`127.0.0.1:${ports.edge}`], ldaps: `127.0.0.1:${ports.ldaps}` },
      hosts: { 'hub01.corp.test': `127.0.0.1:${ports.hub}` },
      retry: QUICK_RETRY,
      dns: NO_NAME_SERVER,
      ...options.edgeExtra,
      // Each message is to show how a connection was opened.
      limits: { idleTimeout: '0s', ...(options.edgeExtra?.['limits'] as object | undefined) },
    });
  }

  /** Subscribes the Edge on the Hub. Leaves the subscription as edge.xml. */
  async subscribe(): Promise<void> {
    const { files = [] } = await this.call('edge', 'New-EdgeSubscription', { FileName: 'edge.xml', Force: '$true' });
    const [file] = files;
    if (!file) throw new Error('the Edge wrote no subscription file');
    writeFileSync(join(this.folder, 'edge.xml'), file.content, { mode: 0o600 });
    const site = { Site: 'Default-First-Site-Name' };
    const { failures = [] } = await this.call('hub', 'New-EdgeSubscription', site, { FileName: file.content });
    if (failures.length > 0) throw new Error(`the Edge could not be subscribed: ${failures.join(' ')}`);
  }
}
