// X-ANONYMOUSTLS between two servers that also have a certificate that was bought: turned on at the senders first, nothing waits;
// then at the receivers, and strangers see one certificate and the pair another on the same listener.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OwnAuthority } from '../helpers/own-authority.ts';
import { runProgram } from '../helpers/program.ts';
import { Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import { TWO_WORKERS } from '../helpers/worker-processes.ts';

const INBOUND = 'EdgeSync - Inbound to Default-First-Site-Name';
const AT_THE_EDGE = 'Default internal receive connector EDGE01';
const NAME = 'edge01.perimeter.test';

let relaying: Relaying;
let internal: string;
let bought: string;
let authority: OwnAuthority;

beforeAll(async () => {
  relaying = await Relaying.start({ servers: TWO_WORKERS });
  const { servers } = relaying;
  authority = new OwnAuthority(servers.folder);
  bought = authority.issue('bought', { key: 'rsa', domains: [NAME] });
  const [own] = await servers.cmdlet('edge', 'Get-ExchangeCertificate');
  internal = String(own?.['Thumbprint']);
  await servers.cmdlet('edge', 'Import-ExchangeCertificate', '-FileName', 'bought.pem');
  // The last one that is enabled is that of direct trust; the other goes on serving by its name.
  for (const thumbprint of [bought, internal])
    await servers.cmdlet('edge', 'Enable-ExchangeCertificate', thumbprint, '-Services', 'SMTP', '-Confirm:false');
}, 240_000);
afterAll(() => relaying?.[Symbol.asyncDispose]());

function hop(verb: string, notOffered?: string) {
  return {
    ...TRUSTED_TLS,
    startTls: { offered: true, attempted: true, verb, ...(notOffered !== undefined && { notOffered }) },
    authentication: { mechanism: 'EXTERNAL', result: 'recognised' },
  };
}

/** What anybody sees who looks in from outside by STARTTLS, under TLS 1.2, where nothing of the handshake is hidden. */
function look(): Promise<{ stdout: string; stderr: string; code: number }> {
  const { ports, folder } = relaying.servers;
  const parameters = ['-connect', `127.0.0.1:${ports.edge}`, '-starttls', 'smtp', '-tls1_2', '-servername', NAME];
  return runProgram('openssl', ['s_client', ...parameters, '-CAfile', 'root.pem'], { cwd: folder });
}

describe('X-ANONYMOUSTLS', () => {
  it('is wanted by the senders and not offered yet: STARTTLS, as the cards say', async () => {
    const { servers } = relaying;
    await servers.ask('hub', 'Set-TransportConfig', { IntraOrgTlsVerb: 'XAnonymousTls' });
    await servers.ask('hub', 'Set-SendConnector', { Identity: INBOUND, TlsVerb: 'XAnonymousTls' });
    await relaying.synchronize();
    const fallenBack = hop('STARTTLS', 'X-ANONYMOUSTLS');
    expect(await relaying.exchangeLetters('before')).toMatchObject({ outbound: fallenBack, inbound: fallenBack });
    const { stdout } = await look();
    expect(stdout).toMatch(/^Client Certificate Types:/m);
    expect(stdout).not.toMatch(/Verify return code: 0 \(ok\)/);
  });

  it('is offered: the pair has it in direct trust, both ways, and strangers have the certificate that was bought', async () => {
    const { servers } = relaying;
    for (const [name, connector] of [
      ['hub', 'Default HUB01'],
      ['hub', 'Client HUB01'],
      ['edge', AT_THE_EDGE],
    ] as const) {
      const { warnings } = await servers.call(name, 'Set-ReceiveConnector', {
        Identity: connector,
        TlsVerb: 'XAnonymousTls',
      });
      expect(warnings?.join()).toMatch(/prove themselves by X-ANONYMOUSTLS alone/);
    }
    const cards = await relaying.exchangeLetters('after');
    expect(cards).toMatchObject({ outbound: hop('X-ANONYMOUSTLS'), inbound: hop('X-ANONYMOUSTLS') });
    expect(cards.outbound).toMatchObject({ tls: { peerThumbprint: internal } });
    expect(cards.inbound).toMatchObject({ tls: { localThumbprint: internal } });
    const received = servers.cards('edge').filter(({ side, channel }) => side === 'receiver' && channel === 'tls');
    expect(received.at(-1)).toMatchObject({
      rule: 'reception: X-ANONYMOUSTLS offered',
      startTls: { verb: 'X-ANONYMOUSTLS' },
      tls: { localThumbprint: internal },
    });
    const { stdout } = await look();
    expect(stdout).toMatch(/Verify return code: 0 \(ok\)/);
    expect(stdout).not.toMatch(/^Client Certificate Types:/m);
  });

  it('is what Test-SmtpConnectivity dials the pair by, as mail does', async () => {
    const { servers } = relaying;
    const [report] = await servers.ask('hub', 'Test-SmtpConnectivity', { Identity: 'EDGE01' });
    expect(report).toMatchObject({ StatusCode: 'Success', CertificateStatus: 'OnRecord', Thumbprint: internal });
    const own = await servers.ask('edge', 'Test-SmtpConnectivity', { Identity: 'EDGE01' });
    expect(own[0]).toMatchObject({ StatusCode: 'Success', CertificateStatus: 'OnRecord', Thumbprint: bought });
    expect(await relaying.reports()).toEqual([]);
  });
});
