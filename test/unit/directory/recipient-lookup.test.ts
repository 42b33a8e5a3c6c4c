import { describe, expect, it } from 'vitest';
import type { Directory, DirectoryQuery } from '../../../src/directory/directory.ts';
import { layoutOf } from '../../../src/directory/layout.ts';
import { hashAddress } from '../../../src/directory/proxy-address.ts';
import { RecipientLookup } from '../../../src/directory/recipient-lookup.ts';
import { planReplicated } from '../../../src/directory/replicated-recipient.ts';
import { toAttributes } from '../../../src/ldap/entry.ts';
import { Problem } from '../../../src/problem.ts';
import { type Mailbox, parseMailbox } from '../../../src/smtp/address.ts';
import { ADAM_CONTEXT, closeLater, openEdge, openEmbedded } from './fixtures.ts';

const layout = layoutOf(ADAM_CONTEXT);

function mailbox(address: string): Mailbox {
  const parsed = parseMailbox(address);
  if (!parsed) throw new Error(`${address} is no address`);
  return parsed;
}

async function holding(...addresses: string[]): Promise<Directory> {
  const directory = openEmbedded(ADAM_CONTEXT);
  const attributes = toAttributes({ objectClass: 'msExchContainer' });
  await directory.apply([
    ...[ADAM_CONTEXT, layout.recipients].map((dn) => ({ kind: 'add', dn, attributes }) as const),
    planReplicated({ name: 'a-guid', hashes: addresses.map(hashAddress) }, layout),
  ]);
  return directory;
}

describe('looking a recipient up', () => {
  it.each([
    ['ed@contoso.com', true],
    ['ED@CONTOSO.COM', true],
    ['meadows@bücher.example', true],
    ['meadows@xn--bcher-kva.example', true],
    ['"ed m"@contoso.com', true],
    ['"ed"@contoso.com', true],
    ['edd@contoso.com', false],
    ['ed@sub.contoso.com', false],
  ])('finds %s: %s', async (address, expected) => {
    const directory = await holding('Ed@contoso.com', 'meadows@xn--bcher-kva.example', '"Ed M"@contoso.com');
    const lookup = closeLater(new RecipientLookup(directory, layout));
    expect(await lookup.isKnown(mailbox(address))).toBe(expected);
  });

  it('sees what was changed at once', async () => {
    const directory = await holding('ed@contoso.com');
    const lookup = closeLater(new RecipientLookup(directory, layout));
    expect(await lookup.isKnown(mailbox('ed@contoso.com'))).toBe(true);
    await directory.apply([{ kind: 'delete', dn: `CN=a-guid,${layout.recipients}` }]);
    expect(await lookup.isKnown(mailbox('ed@contoso.com'))).toBe(false);
  });
});

describe('looking a recipient up in a directory on the network', () => {
  async function distant(...addresses: string[]) {
    const held = await holding(...addresses);
    const listeners = new Set<() => void>();
    const state = { isAway: false, asked: 0, change: () => listeners.forEach((listener) => listener()) };
    const directory: Pick<Directory, 'backend' | 'search' | 'onChange'> = {
      backend: 'ldap',
      search: (query: DirectoryQuery) => {
        state.asked += 1;
        if (state.isAway) return Promise.reject(new Problem('ldap-unreachable', 'the directory is away'));
        return held.search(query);
      },
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    return { state, held, lookup: closeLater(new RecipientLookup(directory as Directory, layout)) };
  }

  it('asks once for an address until something may have changed', async () => {
    const { state, lookup } = await distant('ed@contoso.com');
    for (let time = 0; time < 3; time += 1) {
      expect(await lookup.isKnown(mailbox('ed@contoso.com'))).toBe(true);
      expect(await lookup.isKnown(mailbox('nobody@contoso.com'))).toBe(false);
    }
    expect(state.asked).toBe(2);
    state.change();
    expect(await lookup.isKnown(mailbox('ed@contoso.com'))).toBe(true);
    expect(state.asked).toBe(3);
  });

  it('holds to the last answer while the directory is away, and has none for an address never asked about', async () => {
    const { state, lookup } = await distant('ed@contoso.com', 'jo@contoso.com');
    await lookup.isKnown(mailbox('ed@contoso.com'));
    await lookup.isKnown(mailbox('nobody@contoso.com'));
    state.isAway = true;
    state.change();
    expect(await lookup.isKnown(mailbox('ed@contoso.com'))).toBe(true);
    expect(await lookup.isKnown(mailbox('nobody@contoso.com'))).toBe(false);
    await expect(lookup.isKnown(mailbox('jo@contoso.com'))).rejects.toMatchObject({ code: 'ldap-unreachable' });
    state.isAway = false;
    expect(await lookup.isKnown(mailbox('jo@contoso.com'))).toBe(true);
  });

  it('remembers a bounded number of addresses', async () => {
    const { state, lookup } = await distant('ed@contoso.com');
    for (let count = 0; count <= 20_000; count += 1) await lookup.isKnown(mailbox(`x${count}@contoso.com`));
    state.isAway = true;
    await expect(lookup.isKnown(mailbox('x0@contoso.com'))).rejects.toMatchObject({ code: 'ldap-unreachable' });
    expect(await lookup.isKnown(mailbox('x20000@contoso.com'))).toBe(false);
  });
});

describe('an Edge', () => {
  it('keeps no recipient when its subscription is removed, but its own filter settings', async () => {
    const { adam, directory } = await openEdge();
    await adam.exportSubscription(1000);
    await adam.setRecipientFilter({ name: 'RecipientFilterConfig', enabled: true, recipientValidationEnabled: true });
    const guids = Array.from({ length: 300 }, (_none, index) => `guid-${index}`);
    await directory.apply(guids.map((name) => planReplicated({ name, hashes: [hashAddress(name)] }, adam.layout)));
    await adam.removeSubscription();
    expect(await directory.search({ base: adam.layout.recipients, scope: 'one' })).toEqual([]);
    expect(adam.snapshot().recipientFilter).toMatchObject({ recipientValidationEnabled: true });
  });
});

describe('a question that the index alone answers', () => {
  const hash = hashAddress('ed@contoso.com');
  const filter = { kind: 'equal', attribute: 'msExchEdgeProxyAddressHash', value: hash } as const;
  const query = { base: layout.recipients, scope: 'one', filter, attributes: ['1.1'] } as const;

  it('is answered as the tree would be, in its scope alone', async () => {
    const directory = await holding('ed@contoso.com');
    const dn = `CN=a-guid,${layout.recipients}`;
    expect(await directory.search(query)).toEqual([{ dn, attributes: new Map() }]);
    expect(await directory.search({ ...query, base: ADAM_CONTEXT })).toEqual([]);
    expect(await directory.search({ ...query, base: ADAM_CONTEXT, scope: 'sub' })).toHaveLength(1);
    expect(await directory.search({ ...query, base: dn, scope: 'sub' })).toHaveLength(1);
    await expect(directory.search({ ...query, base: layout.sites })).rejects.toMatchObject({ resultCode: 32 });
    await directory.apply([{ kind: 'delete', dn }]);
    expect(await directory.search(query)).toEqual([]);
  });
});
