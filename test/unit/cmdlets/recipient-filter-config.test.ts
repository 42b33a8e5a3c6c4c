import { expect, it } from 'vitest';
import { getRecipientFilterConfig } from '../../../src/cmdlets/get-recipient-filter-config.ts';
import { setRecipientFilterConfig } from '../../../src/cmdlets/set-recipient-filter-config.ts';
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
