// docs/edgesync.md, done: its commands run as they stand against a subscribed Edge, on a port of the test's own, and show what the
// guide says they show. And what the guide says of defaults and events is so.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_EDGE_SYNC_SERVICE_CONFIG } from '../../src/directory/edge-sync-service-config.ts';
import { EVENTS } from '../../src/tracking/events.ts';
import { requirePeer } from '../helpers/peers.ts';
import { runToSuccess } from '../helpers/program.ts';
import { Servers } from '../helpers/servers.ts';

const GUIDE = readFileSync(new URL('../../docs/edgesync.md', import.meta.url), 'utf8');
const LAUNCHER = new URL('../../bin/relaypair.js', import.meta.url).pathname;

describe.skipIf(!requirePeer('ldapsearch'))('the guide to EdgeSync', () => {
  it('shows cookie, lease, hubs, accounts, connectors and recipients with ldapsearch', {
    timeout: 360_000,
  }, async () => {
    await using servers = await Servers.prepare();
    await Promise.all([servers.start('hub'), servers.start('edge')]);
    await servers.subscribe();
    await servers.ask('hub', 'New-AcceptedDomain', { Name: 'Contoso', DomainName: 'contoso.test' });
    await servers.ask('hub', 'New-MailUser', { Name: 'Anna', PrimarySmtpAddress: 'Anna@contoso.test' });
    await servers.ask('hub', 'Start-EdgeSynchronization');
    const [makeAccount = '', lookAtCookie = '', lookAtData = '', askForRecipient = '', ...others] = blocks(servers);
    expect(others).toEqual([]);
    const run = (script: string) => runGuide(servers, script);
    await run(makeAccount);

    const cookie = await run(lookAtCookie);
    expect(cookie).toMatch(/^msExchEdgeSyncCookie: \{"type":"Configuration","version":2,"hub":"HUB01",.*"position":/m);
    expect(cookie).toMatch(/^msExchEdgeSyncCookie: \{"type":"Recipients","version":2,/m);
    expect(cookie).toMatch(/^msExchEdgeSyncLease: \{"holder":"HUB01","kind":"Option",/m);

    const data = await run(lookAtData);
    expect(data).toMatch(/^dNSHostName: hub01\.corp\.test$/m);
    expect(data).toMatch(/^msExchServerInternalTLSCert:: /m);
    expect(data).toMatch(/^cn: ESRA\.EDGE01\.HUB01\.0$/m);
    expect(data).toMatch(/^routingList: SMTP:--;1$/m);
    expect(data).toMatch(/^msExchAcceptedDomainName: contoso\.test$/m);
    expect(data.match(/^msExchEdgeProxyAddressHash:: /gm)).toHaveLength(1);
    expect(data).not.toMatch(/^userPassword/m);

    const answer = await run(askForRecipient);
    expect(answer).toMatch(/^cn: [0-9a-f-]{36}$/m);
    expect(await run(askForRecipient.replace('anna@', 'nobody@'))).not.toMatch(/^cn: /m);
  });
});

it('the guide to EdgeSync names defaults as they are, and no event that there is not', () => {
  const {
    configurationSyncIntervalMs,
    recipientSyncIntervalMs,
    lockDurationMs,
    lockRenewalDurationMs,
    optionDurationMs,
  } = DEFAULT_EDGE_SYNC_SERVICE_CONFIG;
  const minutes = (ms: number) => ms / 60_000;
  expect(GUIDE).toContain(`\`ConfigurationSyncInterval\` | ${minutes(configurationSyncIntervalMs)} minutes |`);
  expect(GUIDE).toContain(`\`RecipientSyncInterval\` | ${minutes(recipientSyncIntervalMs)} minutes |`);
  const locks = [lockDurationMs, lockRenewalDurationMs, optionDurationMs].map(minutes).join(', ');
  expect(GUIDE).toContain(`\`LockDuration\`, \`LockRenewalDuration\`, \`OptionDuration\` | ${locks} minutes |`);
  const ids = new Set(Object.values(EVENTS).map(({ id }) => id));
  const failures = GUIDE.slice(
    GUIDE.indexOf('## When something fails'),
    GUIDE.indexOf('`Test-EdgeSynchronization` looks'),
  );
  const named = [...failures.matchAll(/\| (\d{4,5})\b/g)].map(([, id]) => Number(id));
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((id) => !ids.has(id))).toEqual([]);
});

/** The commands of the guide, with the port of this Edge. */
function blocks({ ports }: Servers): string[] {
  const found = [...GUIDE.matchAll(/```sh\n(.*?)```/gs)].map(([, text]) => text ?? '');
  return found.map((text) => text.replaceAll('50636', String(ports.ldaps)));
}

/** `relaypair` is this one, and finds the servers in the current folder. */
async function runGuide({ folder }: Servers, script: string): Promise<string> {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'relaypair'), `#!/bin/sh\nexec "${process.execPath}" "${LAUNCHER}" "$@"\n`);
  chmodSync(join(bin, 'relaypair'), 0o755);
  const env = { HOME: folder, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  return (await runToSuccess('bash', ['-eu', '-c', script], { cwd: folder, env })).stdout;
}
