// What a pair in one process is made of, and how the parts find each other: two servers, somebody on the path to each of them, the
// mailboxes inside and the world outside.

import { mkdirSync } from 'node:fs';
import { SystemClock } from '../clock.ts';
import type { Endpoint, Role } from '../config.ts';
import { endOfValidity } from '../tls/self-signed.ts';
import { makeLabFolder } from './lab-folder.ts';
import { LabServer } from './lab-server.ts';
import { OUTSIDE } from './letter.ts';
import { Sink } from './sink.ts';
import { Witness } from './witness.ts';

export const FQDN: Readonly<Record<Role, string>> = { hub: 'hub01.corp.test', edge: 'edge01.perimeter.test' };

export interface PairOptions {
  /** False: the two do not know each other yet. */
  readonly isSubscribed?: boolean;
  /** The date at which the servers are born; now when absent. */
  readonly startAt?: Date;
  /** Settings of the config files beside those that the laboratory makes itself, such as `retry`; whole sections. */
  readonly settings?: Partial<Readonly<Record<Role, Readonly<Record<string, unknown>>>>>;
  /** Which servers are processes of their own, so that they can be killed; none when absent. */
  readonly processes?: readonly Role[];
  /** Where everything is kept and left at the end; a new folder that is removed when absent. */
  readonly folder?: string;
}

export interface Parts {
  readonly servers: Readonly<Record<Role, LabServer>>;
  /** On the path to the server of that role. */
  readonly witnesses: Readonly<Record<Role, Witness>>;
  readonly clock: SystemClock;
  readonly inside: Sink;
  readonly outside: Sink;
  readonly folder: string;
  readonly keepsFolder: boolean;
}

/**
 * Nobody is asked for names on the Internet, the machine's own state refuses no mail, each message shows its handshake, and what is
 * written down stays, however many years pass.
 */
export const QUIET = {
  dns: { servers: ['127.0.0.1:9'], timeout: '1s' },
  limits: { idleTimeout: '0s' },
  log: { level: 'silent', maxAge: '36500d' },
  backPressure: { diskMedium: '1MB', diskHigh: '1MB', memoryMedium: 100, memoryHigh: 100 },
};

/** Makes everything but the servers' start. */
export async function openParts({ startAt, settings, processes = [], folder: given }: PairOptions): Promise<Parts> {
  const folder = given ?? makeLabFolder();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const clock = new SystemClock(startAt === undefined ? 0 : startAt.getTime() - Date.now());
  // Known once they are made, which is after the witnesses whose ports are in their configs.
  const running = new Map<Role, LabServer>();
  const [inside, outside, toHub, toEdge] = await Promise.all([
    Sink.open(),
    Sink.open(),
    Witness.open(() => whereabouts(running.get('hub'))),
    Witness.open(() => whereabouts(running.get('edge'))),
  ]);
  const notBefore = clock.now();
  const common = { folder, clock, notBefore, notAfter: endOfValidity(notBefore) };
  const hub = new LabServer({
    ...common,
    role: 'hub',
    fqdn: FQDN.hub,
    isProcess: processes.includes('hub'),
    settings: {
      ...QUIET,
      listen: { smtp: ['127.0.0.1:0'] },
      hosts: hostsOf('hub', toEdge.port, outside.port),
      deliver: `smtp:127.0.0.1:${inside.port}`,
      ...settings?.hub,
    },
  });
  const edge = new LabServer({
    ...common,
    role: 'edge',
    fqdn: FQDN.edge,
    isProcess: processes.includes('edge'),
    settings: {
      ...QUIET,
      listen: { smtp: ['127.0.0.1:0'], ldaps: '127.0.0.1:0' },
      hosts: hostsOf('edge', toHub.port, outside.port),
      ...settings?.edge,
    },
  });
  running.set('hub', hub).set('edge', edge);
  const witnesses = { hub: toHub, edge: toEdge };
  return { servers: { hub, edge }, witnesses, clock, inside, outside, folder, keepsFolder: given !== undefined };
}

function whereabouts(server: LabServer | undefined): Endpoint | undefined {
  return server?.isRunning === true ? server.smtp : undefined;
}

/** Whom the server of that role finds where: the other one, and outside the mail exchanger of the world. */
function hostsOf(role: Role, peerPort: number, outsidePort: number): Readonly<Record<string, string>> {
  if (role === 'hub') return { [FQDN.edge]: `127.0.0.1:${peerPort}` };
  return { [FQDN.hub]: `127.0.0.1:${peerPort}`, [OUTSIDE]: `127.0.0.1:${outsidePort}` };
}
