import { describe, expect, it } from 'vitest';
import type { DirectoryQuery } from '../../../src/directory/directory.ts';
import { layoutOf } from '../../../src/directory/layout.ts';
import { readTree } from '../../../src/directory/organization.ts';
import { CONTAINER_CLASS } from '../../../src/directory/schema.ts';
import { toAttributes } from '../../../src/ldap/entry.ts';
import { AD_CONTEXT, openEmbedded, openHub } from './fixtures.ts';

const layout = layoutOf(AD_CONTEXT);

describe('the containers of recipients and of deleted objects', () => {
  it.each([layout.recipients, layout.deletedObjects])('%s is made at first start', async (base) => {
    const { directory } = await openHub();
    expect(await directory.search({ base, scope: 'base' })).toHaveLength(1);
  });

  it('are never read together with the organization', async () => {
    const { directory } = await openHub();
    for (const parent of [layout.recipients, layout.deletedObjects]) {
      const attributes = toAttributes({ objectClass: CONTAINER_CLASS });
      await directory.apply([{ kind: 'add', dn: `CN=one of many,${parent}`, attributes }]);
    }
    const names = (await readTree(directory, layout)).map(({ dn }) => dn);
    expect(names).toContain(layout.acceptedDomains);
    expect(names.filter((dn) => dn.endsWith(layout.recipients) || dn.endsWith(layout.deletedObjects))).toEqual([]);
  });

  it('are not even asked for', async () => {
    const { directory } = await openHub();
    const asked: DirectoryQuery[] = [];
    const search = (query: DirectoryQuery) => {
      asked.push(query);
      return directory.search(query);
    };
    await readTree({ search }, layout);
    expect(asked.filter(({ base, scope }) => base === AD_CONTEXT && scope !== 'base')).toEqual([]);
  });
});

describe('an organization', () => {
  it('cannot be read from a directory without a tree', async () => {
    await expect(readTree(openEmbedded(AD_CONTEXT), layout)).rejects.toMatchObject({ resultCode: 32 });
  });
});
