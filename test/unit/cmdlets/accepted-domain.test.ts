import { beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getAcceptedDomain } from '../../../src/cmdlets/get-accepted-domain.ts';
import { newAcceptedDomain } from '../../../src/cmdlets/new-accepted-domain.ts';
import { removeAcceptedDomain } from '../../../src/cmdlets/remove-accepted-domain.ts';
import { setAcceptedDomain } from '../../../src/cmdlets/set-accepted-domain.ts';
import type { ActiveDirectory } from '../../../src/directory/active-directory.ts';
import {
  EDGE_SYNC_NOTICE,
  edgeFixture,
  hubFixture,
  type OrganizationFixture,
  subscribeEdge,
  valuesOf,
} from './organization-context.ts';

let hub: OrganizationFixture<ActiveDirectory>;

beforeEach(async () => {
  hub = await hubFixture();
});

const CONTOSO = { Name: 'Contoso', DomainName: 'Contoso.com' } as const;
const FABRIKAM = { Name: 'Fabrikam', DomainName: '*.fabrikam.com', DomainType: 'internalrelay' } as const;
const addBoth = async () => {
  await hub.run(newAcceptedDomain, CONTOSO);
  await hub.run(newAcceptedDomain, FABRIKAM);
};
const defaults = () => hub.snapshot().acceptedDomains.filter((domain) => domain.default);

describe('accepted domain cmdlets', () => {
  it.each(
    [getAcceptedDomain, newAcceptedDomain, removeAcceptedDomain, setAcceptedDomain].map((it) => [it.name, it] as const),
  )('%s is declared soundly', (_name, cmdlet) => {
    expect(faultsOf(cmdlet)).toEqual([]);
  });
});

describe('New-AcceptedDomain', () => {
  it('takes a domain, authoritative unless told otherwise, and the first is the default', async () => {
    expect((await hub.run(newAcceptedDomain, CONTOSO)).records).toMatchObject([
      { Name: 'Contoso', DomainName: 'contoso.com', DomainType: 'Authoritative', Default: true },
    ]);
    expect((await hub.run(newAcceptedDomain, FABRIKAM)).records).toMatchObject([
      { Name: 'Fabrikam', DomainName: '*.fabrikam.com', DomainType: 'InternalRelay', Default: false },
    ]);
  });

  it('says what brings it to a subscribed Edge', async () => {
    expect((await hub.run(newAcceptedDomain, CONTOSO)).notices).toEqual([]);
    await subscribeEdge(hub.directory);
    expect((await hub.run(newAcceptedDomain, FABRIKAM)).notices).toEqual([EDGE_SYNC_NOTICE]);
  });

  it.each([
    ['what is no domain', { DomainName: 'a b' }, 'bad-domain'],
    ['a domain that is there', { DomainName: 'CONTOSO.com' }, 'domain-twice'],
    ['a name that is there', { Name: 'contoso' }, 'already-exists'],
    ['another type', { DomainType: 'Foreign' }, 'bad-value'],
  ])('refuses %s', async (_what, typed, code) => {
    await hub.run(newAcceptedDomain, CONTOSO);
    await expect(hub.run(newAcceptedDomain, { ...FABRIKAM, ...typed })).rejects.toMatchObject({ code });
    expect(hub.snapshot().acceptedDomains).toHaveLength(1);
  });

  it('is refused on an Edge once its subscription is exported', async () => {
    const edge = await edgeFixture();
    await edge.run(newAcceptedDomain, CONTOSO);
    await edge.directory.exportSubscription(60_000);
    await expect(edge.run(newAcceptedDomain, CONTOSO)).rejects.toMatchObject({ code: 'edge-subscribed' });
  });
});

describe('Set-AcceptedDomain', () => {
  beforeEach(addBoth);

  it('hands the default over', async () => {
    await hub.run(setAcceptedDomain, { Identity: 'fabrikam', MakeDefault: '$true' });
    expect(defaults().map(({ name }) => name)).toEqual(['Fabrikam']);
  });

  it('changes name and type, and nothing else', async () => {
    await hub.run(setAcceptedDomain, { Identity: 'Fabrikam', Name: 'Partner', DomainType: 'ExternalRelay' });
    expect(hub.snapshot().acceptedDomains[1]).toMatchObject({
      name: 'Partner',
      domainName: 'fabrikam.com',
      matchSubDomains: true,
      domainType: 'ExternalRelay',
      default: false,
    });
  });

  it('never leaves the organization without a default', async () => {
    await expect(hub.run(setAcceptedDomain, { Identity: 'Contoso', MakeDefault: '$false' })).rejects.toMatchObject({
      code: 'default-domain',
    });
    expect(defaults()).toHaveLength(1);
  });

  it('refuses an unknown one', async () => {
    await expect(hub.run(setAcceptedDomain, { Identity: 'x', MakeDefault: '1' })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('Get- and Remove-AcceptedDomain', () => {
  beforeEach(addBoth);

  it('shows all, or one by name or GUID', async () => {
    expect(valuesOf(await hub.run(getAcceptedDomain), 'Name')).toEqual(['Contoso', 'Fabrikam']);
    const [Identity] = valuesOf(await hub.run(getAcceptedDomain, { Identity: 'CONTOSO' }), 'Guid');
    expect(valuesOf(await hub.run(getAcceptedDomain, { Identity: String(Identity) }), 'Name')).toEqual(['Contoso']);
  });

  it('removes one, but not the default of several', async () => {
    expect(removeAcceptedDomain.confirm?.({ Identity: 'Contoso' })).toMatch(/^Remove the accepted domain "Contoso"\?/);
    await expect(hub.run(removeAcceptedDomain, { Identity: 'Contoso' })).rejects.toMatchObject({
      code: 'default-domain',
    });
    await hub.run(removeAcceptedDomain, { Identity: 'Fabrikam' });
    expect(hub.snapshot().acceptedDomains.map(({ name }) => name)).toEqual(['Contoso']);
  });
});
