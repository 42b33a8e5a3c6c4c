// A second Hub of the site in a laboratory of one process: it has no AD of its own but reads and writes that of the first, over LDAPS
// and with an account that an administrator made for it.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { SystemClock } from '../clock.ts';
import { Problem } from '../problem.ts';
import { parseCertificate } from '../tls/certificate.ts';
import { endOfValidity } from '../tls/self-signed.ts';
import { LabServer } from './lab-server.ts';
import { FQDN, QUIET } from './pair-parts.ts';

const HUB02 = 'hub02.corp.test';

/** Listening addresses of a first Hub that others can join. */
export const HUB_WITH_DOOR = { listen: { smtp: ['127.0.0.1:0'], ldaps: '127.0.0.1:0' } } as const;

interface JoinOptions {
  readonly clock: SystemClock;
  readonly deliver: string;
  /** Where it finds the Edge. */
  readonly edgePort: number;
}

/** Makes the account, and starts the Hub. */
export async function joinHub(
  { hub, edge, folder }: { readonly hub: LabServer; readonly edge: LabServer; readonly folder: string },
  { clock, deliver, edgePort }: JoinOptions,
): Promise<LabServer> {
  const { files = [] } = await hub.call('New-DirectoryAccount', {
    Name: 'HUB02',
    Kind: 'Hub',
    PasswordFile: 'hub02.password',
  });
  writeFileSync(join(folder, 'hub02.password'), files[0]?.content ?? '', { mode: 0o600 });
  writeFileSync(join(folder, 'hub01.crt'), await readServedCertificate(hub.ldaps.port));
  const notBefore = clock.now();
  const joined = new LabServer({
    role: 'hub',
    fqdn: HUB02,
    folder,
    clock,
    notBefore,
    notAfter: endOfValidity(notBefore),
    settings: {
      ...QUIET,
      listen: { smtp: ['127.0.0.1:0'] },
      hosts: { [FQDN.hub]: `127.0.0.1:${hub.smtp.port}`, [FQDN.edge]: `127.0.0.1:${edgePort}` },
      deliver,
      directory: {
        backend: 'ldap',
        url: `ldaps://${FQDN.hub}:${hub.ldaps.port}`,
        certificate: 'hub01.crt',
        bind: { method: 'simple', user: 'CN=HUB02', passwordFile: 'hub02.password' },
        refreshInterval: '200ms',
      },
    },
  });
  await joined.start();
  await edge.addHost(HUB02, joined.smtp.port);
  return joined;
}

/** The certificate of whoever listens there with TLS, as PEM: what a person would compare and save. */
async function readServedCertificate(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  if (raw === undefined) throw new Problem('certificate-not-found', `nobody shows a certificate at port ${port}`);
  return parseCertificate(raw).pem;
}
