import { expect, it } from 'vitest';
import { getRecipientFilterConfig } from '../../../src/cmdlets/get-recipient-filter-config.ts';
import { setRecipientFilterConfig } from '../../../src/cmdlets/set-recipient-filter-config.ts';
import { findCookie, makeCookieStep } from '../../../src/directory/edge-sync-cookie.ts';
import { edgeFixture } from './organization-context.ts';

it('the recipient filter is on and validates nobody until it is told to', async () => {
  const edge = await edgeFixture();
  const shown = { Name: 'RecipientFilterConfig', Enabled: true, RecipientValidationEnabled: false };
  expect((await edge.run(getRecipientFilterConfig)).records).toEqual([shown]);
  const { warnings } = await edge.run(setRecipientFilterConfig, { RecipientValidationEnabled: 'true' });
  expect(warnings).toEqual([expect.stringMatching(/No recipient has come by EdgeSync yet/)]);
  expect((await edge.run(getRecipientFilterConfig)).records).toEqual([{ ...shown, RecipientValidationEnabled: true }]);
  expect((await edge.run(setRecipientFilterConfig, { Enabled: 'false' })).warnings).toEqual([]);
  expect((await edge.run(getRecipientFilterConfig)).records).toEqual([
    { ...shown, Enabled: false, RecipientValidationEnabled: true },
  ]);
  expect((await edge.run(setRecipientFilterConfig)).warnings).toHaveLength(1);
});

it('who lets an Edge validate to which EdgeSync has brought nobody is warned', async () => {
  const edge = await edgeFixture();
  const { record, edgeSyncCookies = [] } = edge.snapshot().self;
  const next = { type: 'Recipients', hub: 'HUB01', source: 'CN=Configuration', time: new Date() } as const;
  const step = makeCookieStep(record.dn, findCookie(edgeSyncCookies, 'Recipients'), next);
  await edge.directory.replicate([step], 'CN=ESRA.EDGE01');
  const { warnings } = await edge.run(setRecipientFilterConfig, { RecipientValidationEnabled: 'true' });
  expect(warnings).toEqual([expect.stringMatching(/no recipient for this Edge: .* refused with 550/)]);
  expect(await edge.directory.hasRecipients()).toBe(false);
});
