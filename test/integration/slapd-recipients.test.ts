// Recipients where AD and ADAM are slapd's: there is no change feed, so a round compares all, and the Edge asks its slapd at RCPT.

import { describe, expect, it } from 'vitest';
import { requirePeer } from '../helpers/peers.ts';
import { INSIDER } from '../helpers/relaying.ts';
import { eventually } from '../helpers/server-processes.ts';
import { SlapdPair } from '../helpers/slapd-pair.ts';
import { rcpt } from '../helpers/submit.ts';

const UNKNOWN = '550 5.1.1 User unknown';
const KNOWN = '250 2.1.5 Recipient OK';

describe.skipIf(!requirePeer('slapd'))('recipients on slapd', () => {
  it('come to the Edge, are known at RCPT, and go again', async () => {
    await using pair = await SlapdPair.start();
    const { servers } = pair.relaying;
    const edge = servers.ports.edge;
    const answers = (...wanted: string[]): Promise<true> =>
      eventually(`the answers ${wanted.join()}`, async () => {
        const said = await rcpt(edge, INSIDER, 'leaver@contoso.test', 'nobody@contoso.test');
        return said.join() === wanted.join() || undefined;
      });
    await servers.ask('hub', 'New-MailUser', { Name: 'Inside', PrimarySmtpAddress: INSIDER });
    await servers.ask('hub', 'New-MailUser', { Name: 'Leaver', PrimarySmtpAddress: 'leaver@contoso.test' });
    await pair.relaying.synchronize();
    await servers.ask('edge', 'Set-RecipientFilterConfig', { RecipientValidationEnabled: '$true' });
    const connector = 'Default internal receive connector EDGE01';
    await servers.ask('edge', 'Set-ReceiveConnector', { Identity: connector, TarpitInterval: '0s' });
    await answers(KNOWN, KNOWN, UNKNOWN);

    await servers.cmdlet('hub', 'Remove-MailUser', 'leaver@contoso.test', '-Confirm:false');
    const reports = await servers.ask('hub', 'Start-EdgeSynchronization');
    expect(reports.find(({ Type }) => Type === 'Recipients')).toMatchObject({
      Result: 'Success',
      Added: 0,
      Deleted: 1,
    });
    await answers(KNOWN, UNKNOWN, UNKNOWN);

    const [compared] = await servers.ask('hub', 'Test-EdgeSynchronization', { FullCompareMode: '$true' });
    expect(compared).toMatchObject({ RecipientStatus: 'Synchronized' });
  });
});
