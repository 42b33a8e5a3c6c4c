// Two Hubs of one site whose AD is on OpenLDAP's slapd: neither is the first, both write it, and either synchronizes the Edge.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adNamingContext } from '../../src/directory/layout.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { requirePeer } from '../helpers/peers.ts';
import { TRUSTED_TLS } from '../helpers/relaying.ts';
import { SiteMail } from '../helpers/site-mail.ts';
import { SLAPD_PASSWORD, SLAPD_SCHEMA, startSlapd } from '../helpers/slapd.ts';

const SUFFIX = adNamingContext('hub01.corp.test');

describe.skipIf(!requirePeer('slapd'))('a site on slapd', () => {
  it('has Hubs that come and go while mail is secure on every way', { timeout: 720_000 }, async () => {
    const notBefore = new Date(Date.now() - 60_000);
    const [server, client] = await Promise.all(
      ['SLAPD', 'CLIENT'].map((netbiosName) =>
        createSelfSigned({ netbiosName, fqdn: `${netbiosName.toLowerCase()}.corp.test`, notBefore }),
      ),
    );
    if (!server || !client) throw new Error('no certificates');
    await using stack = new AsyncDisposableStack();
    const slapd = await startSlapd({ server, client, suffix: SUFFIX, schemaFile: SLAPD_SCHEMA });
    stack.defer(() => slapd.stop());
    const directory = {
      backend: 'ldap',
      url: `ldaps://127.0.0.1:${slapd.port}`,
      certificate: 'slapd.crt',
      bind: { method: 'simple', user: `cn=admin,${SUFFIX}`, passwordFile: 'slapd.password' },
      namingContext: SUFFIX,
      refreshInterval: '200ms',
    };
    const mail = await SiteMail.prepare({
      hubs: 2,
      extra: (name) => (name.startsWith('hub') ? { directory } : {}),
    });
    stack.use(mail);
    const { site } = mail;
    writeFileSync(join(site.folder, 'slapd.crt'), server.certificate.pem);
    writeFileSync(join(site.folder, 'slapd.password'), SLAPD_PASSWORD, { mode: 0o600 });

    await mail.open(['hub01', 'edge01']);
    await site.start('hub02');
    await site.synchronize('hub01');
    for (const card of await mail.exchange('both', ['hub01', 'hub02', 'edge01']))
      expect(card).toMatchObject(TRUSTED_TLS);

    await site.subscribe('edge01', 'hub02');
    await site.synchronize('hub01');
    await site.stop('hub01', 'SIGKILL');
    await site.ask('hub02', 'New-AcceptedDomain', { Name: 'fabrikam.test', DomainName: 'fabrikam.test' });
    await site.synchronize('hub02');
    expect(await site.ask('edge01', 'Get-AcceptedDomain', { Identity: 'fabrikam.test' })).toHaveLength(1);
    await site.ask('hub02', 'Remove-TransportServer', { Identity: 'HUB01' });
    await site.synchronize('hub02');
    expect((await site.ask('edge01', 'Get-TransportServer')).map(({ Name }) => Name)).toEqual(['EDGE01', 'HUB02']);
    for (const card of await mail.exchange('one', ['hub02', 'edge01'])) expect(card).toMatchObject(TRUSTED_TLS);
  });
});
