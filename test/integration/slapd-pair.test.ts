// The whole story with OpenLDAP's slapd in the place of both embedded directories.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSubscription } from '../../src/edgesync/subscription-file.ts';
import { getText } from '../../src/ldap/entry.ts';
import { requirePeer } from '../helpers/peers.ts';
import { TRUSTED_TLS } from '../helpers/relaying.ts';
import { eventually } from '../helpers/server-processes.ts';
import { SLAPD_PASSWORD } from '../helpers/slapd.ts';
import { AD_SUFFIX, ADAM_SUFFIX, SlapdPair } from '../helpers/slapd-pair.ts';

const FLOWING = { outbound: TRUSTED_TLS, inbound: TRUSTED_TLS };
const ADAM_ADMIN = { dn: `cn=admin,${ADAM_SUFFIX}`, password: SLAPD_PASSWORD };

describe.skipIf(!requirePeer('slapd'))('a pair with slapd for AD and for ADAM', () => {
  it('is subscribed, synchronized, renewed and subscribed again, and mail flows in trusted TLS', async () => {
    await using pair = await SlapdPair.start();
    const { relaying, adam, ad } = pair;
    const { servers } = relaying;
    expect(await relaying.exchangeLetters('first')).toMatchObject(FLOWING);

    // The file carries slapd's own certificate beside the Edge's.
    const file = readSubscription(readFileSync(join(servers.folder, 'edge.xml')));
    expect(file.adamCertificate?.sha256).toBe(pair.adamPair.certificate.sha256);
    expect(file.certificate.sha256).not.toBe(pair.adamPair.certificate.sha256);
    expect(file.adamSslPort).toBe(adam.port);

    // Once the hub's own account is there, the account of the file is gone, and its password with it.
    const administrator = await pair.dial(adam, ADAM_ADMIN);
    const accounts = async (): Promise<string[]> => {
      const found = await administrator.search({
        base: ADAM_SUFFIX,
        scope: 'sub',
        filter: '(objectClass=msExchEdgeSyncAccount)',
      });
      return found.map((entry) => getText(entry, 'cn') ?? '').toSorted();
    };
    await eventually('the end of the bootstrap account', async () =>
      (await accounts()).join() === 'ESRA.EDGE01.HUB01.0' ? true : undefined,
    );
    const stale = { dn: file.esraUsername, password: file.esraPassword };
    await expect(pair.dial(adam, stale)).rejects.toMatchObject({ code: 'ldap-invalid-credentials' });

    // Nobody reads anything, neither without a bind.
    for (const [slapd, base] of [
      [ad, AD_SUFFIX],
      [adam, ADAM_SUFFIX],
    ] as const) {
      const stranger = await pair.dial(slapd);
      await expect(stranger.search({ base, scope: 'sub' })).rejects.toMatchObject({ code: 'ldap-no-such-object' });
      await stranger.close();
    }

    await servers.cmdlet('hub', 'New-ExchangeCertificate', '-Confirm:false');
    await relaying.synchronize();
    expect(await relaying.exchangeLetters('the hub renewed')).toMatchObject(FLOWING);

    await servers.cmdlet('edge', 'New-ExchangeCertificate', '-Confirm:false');
    await servers.subscribe();
    expect(await relaying.exchangeLetters('the edge renewed')).toMatchObject(FLOWING);
    await eventually('the end of the second bootstrap account', async () =>
      (await accounts()).includes('ESRA.EDGE01') ? undefined : true,
    );

    // Everything that came goes, the last of its kind included.
    await servers.cmdlet('hub', 'Remove-EdgeSubscription', 'EDGE01', '-Confirm:false');
    await servers.cmdlet('edge', 'Remove-EdgeSubscription', 'EDGE01', '-Confirm:false');
    expect(await accounts()).toEqual([]);
    expect(await servers.ask('edge', 'Get-SendConnector')).toEqual([]);
    await administrator.close();
  }, 540_000);
});
