import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashAddress, parseAddress } from '../../../src/directory/proxy-address.ts';
import { addressesOf, makeRecipient, type Recipient } from '../../../src/directory/recipient.ts';
import { readRecipientFile } from '../../../src/directory/recipient-file.ts';
import { importRecipients } from '../../../src/directory/recipient-import.ts';
import { recipientFromEntry } from '../../../src/directory/recipient-source.ts';
import { isReplicatedChange, planReplicated, replicate } from '../../../src/directory/replicated-recipient.ts';
import { layoutOf } from '../../../src/directory/layout.ts';
import { normalizeDn } from '../../../src/ldap/dn.ts';
import { toAttributes } from '../../../src/ldap/entry.ts';
import { AD_CONTEXT, openHub } from './fixtures.ts';

const GUID = '11111111-2222-4333-8444-555555555555';
const layout = layoutOf(AD_CONTEXT);

function recipient(primaryAddress: string, ...otherAddresses: string[]): Recipient {
  return makeRecipient({ primaryAddress, otherAddresses });
}

describe('a mail address', () => {
  it.each([
    ['ed@contoso.com', 'ed@contoso.com'],
    ['SMTP:Ed@CONTOSO.com', 'Ed@contoso.com'],
    [' ed@bücher.example ', 'ed@xn--bcher-kva.example'],
    ['"ed meadows"@contoso.com', '"ed meadows"@contoso.com'],
  ])('%s is kept as %s', (typed, kept) => {
    expect(parseAddress(typed)).toBe(kept);
  });

  it.each(['', 'ed', 'ed@', '@contoso.com', 'ed@[192.0.2.1]', 'ed@contoso.com, jo@contoso.com'])(
    'is not %j',
    (typed) => {
      expect(() => parseAddress(typed)).toThrow(expect.objectContaining({ code: 'bad-address' }));
    },
  );

  it('is hashed in lower case, as anybody can do with sha256sum', () => {
    expect(hashAddress('Ed@Contoso.com')).toEqual(createHash('sha256').update('ed@contoso.com').digest());
  });
});

describe('what an Edge holds of a recipient', () => {
  it('is its GUID and the hash of each of its addresses, and nothing to read', () => {
    const replica = replicate(recipient('ed@contoso.com', 'ED@contoso.com', 'meadows@contoso.com'), GUID);
    expect(replica?.name).toBe(GUID);
    expect(replica?.hashes.toSorted((a, b) => a.compare(b))).toEqual(
      ['ed@contoso.com', 'meadows@contoso.com'].map(hashAddress).toSorted((a, b) => a.compare(b)),
    );
    const operation = replica && planReplicated(replica, layout);
    expect(JSON.stringify(operation)).not.toContain('contoso.com"');
    expect(operation && isReplicatedChange(operation, normalizeDn(layout.recipients))).toBe(true);
  });

  it('is nothing for one that the outside may not write to', () => {
    expect(replicate({ ...recipient('ed@contoso.com'), requireSenderAuthentication: true }, GUID)).toBeUndefined();
  });

  const dn = `CN=${GUID},${layout.recipients}`;
  const add = (attributes: Parameters<typeof toAttributes>[0], name = dn) =>
    ({ kind: 'add', dn: name, attributes: toAttributes({ objectClass: 'msExchRecipient', ...attributes }) }) as const;

  it.each([
    ['an address that can be read', add({ proxyAddresses: 'smtp:ed@contoso.com' })],
    ['a name', add({ msExchRecipientDisplayName: 'Ed' })],
    ['what is no hash', add({ msExchEdgeProxyAddressHash: 'ed@contoso.com' })],
    ['another class', add({ objectClass: 'msExchContainer' })],
    ['an object elsewhere', add({}, `CN=${GUID},${layout.services}`)],
    ['an object deeper', add({}, `CN=x,${dn}`)],
    ['the container', { kind: 'delete', dn: layout.recipients } as const],
    ['another name', { kind: 'rename', dn, newRdn: 'CN=x', deleteOldRdn: true } as const],
    [
      'a change of anything but hashes',
      {
        kind: 'modify',
        dn,
        changes: [{ operation: 'add', attribute: 'description', values: [Buffer.from('x')] }],
      } as const,
    ],
  ])('may not be %s', (_what, operation) => {
    expect(isReplicatedChange(operation, normalizeDn(layout.recipients))).toBe(false);
  });
});

describe('recipients in AD', () => {
  it('are found by name, by any address in any letter case, and by GUID', async () => {
    const { recipients } = (await openHub()).ad;
    await recipients.add({ ...recipient('Ed@contoso.com', 'meadows@contoso.com'), name: 'Ed Meadows' });
    const found = await recipients.find('ed meadows');
    for (const identity of [
      'MEADOWS@contoso.com',
      'SMTP:ed@CONTOSO.COM',
      found.record.guid,
      `{${found.record.guid.toUpperCase()}}`,
    ])
      expect((await recipients.find(identity)).name).toBe('Ed Meadows');
    await expect(recipients.find('nobody@contoso.com')).rejects.toMatchObject({ code: 'not-found' });
    await expect(recipients.find('*')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('share no address, whoever comes first', async () => {
    const { recipients } = (await openHub()).ad;
    await recipients.add(recipient('ed@contoso.com', 'sales@contoso.com'));
    const both = [recipient('jo@contoso.com', 'SALES@contoso.com'), recipient('jim@contoso.com', 'Ed@contoso.com')];
    for (const other of both) await expect(recipients.add(other)).rejects.toMatchObject({ code: 'address-in-use' });
    const racing = ['a', 'b'].map((name) => recipients.add(recipient(`${name}@contoso.com`, 'info@contoso.com')));
    const results = await Promise.allSettled(racing);
    expect(results.map(({ status }) => status).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'fulfilled',
      'rejected',
    ]);
    expect(await recipients.list(10)).toHaveLength(2);
  });

  it('share none either when the directory is written to past the rules of this process', async () => {
    const { ad, directory } = await openHub();
    await ad.recipients.add(recipient('ed@contoso.com'));
    const attributes = toAttributes({ objectClass: 'msExchRecipient', proxyAddresses: 'smtp:ED@contoso.com' });
    const adding = directory.apply([{ kind: 'add', dn: `CN=x,${layout.recipients}`, attributes }]);
    await expect(adding).rejects.toMatchObject({ resultCode: 19 });
  });

  it('are changed, renamed and removed; an address is free then', async () => {
    const { recipients } = (await openHub()).ad;
    await recipients.add(recipient('ed@contoso.com', 'sales@contoso.com'));
    const before = await recipients.find('ed@contoso.com');
    await recipients.replace(before.name, { ...before, name: 'Ed', proxyAddresses: ['SMTP:ed@contoso.com'] });
    expect((await recipients.find('Ed')).record.guid).toBe(before.record.guid);
    await recipients.add(recipient('sales@contoso.com'));
    await recipients.remove('Ed');
    await recipients.add(recipient('ed@contoso.com'));
    expect((await recipients.list(10)).map(({ name }) => name)).toEqual(['ed@contoso.com', 'sales@contoso.com']);
  });
});

describe('a file of recipients', () => {
  const read = (text: string) => readRecipientFile('people.csv', Buffer.from(text));

  it('has a header row and one recipient a line, quoted or not, with a byte order mark or not', async () => {
    const text = `\ufeffDisplayName,primarysmtpaddress,EmailAddresses,RequireSenderAuthenticationEnabled\r
"Meadows, Ed",ed@contoso.com,meadows@contoso.com; e.meadows@contoso.com,\r
\r
"Jo ""the boss""",jo@contoso.com,,TRUE\r\n`;
    const [ed, jo] = await read(text);
    expect(ed?.recipient).toEqual({
      name: 'ed@contoso.com',
      displayName: 'Meadows, Ed',
      proxyAddresses: ['SMTP:ed@contoso.com', 'smtp:meadows@contoso.com', 'smtp:e.meadows@contoso.com'],
      requireSenderAuthentication: false,
    });
    expect([jo?.recipient.displayName, jo?.recipient.requireSenderAuthentication, jo?.place]).toEqual([
      'Jo "the boss"',
      true,
      'line 4 of people.csv',
    ]);
  });

  it.each([
    ['PrimarySmtpAddress,Phone\na@b.example,1', /^line 1 of people\.csv: "Phone" is no column/],
    ['Name\nEd', /there is no column PrimarySmtpAddress/],
    ['PrimarySmtpAddress\n', /has no recipient/],
    ['', /has no recipient/],
    ['PrimarySmtpAddress\na@b.example\nnobody', /^line 3 of people\.csv: "nobody" is no mail address/],
    ['PrimarySmtpAddress,EmailAddresses\na@b.example,x y@b.example', /^line 2 of people\.csv: "x" is no mail address/],
    ['PrimarySmtpAddress,RequireSenderAuthenticationEnabled\na@b.example,perhaps', /line 2 .* neither true nor false/],
    ['PrimarySmtpAddress,Name\na@b.example', /people\.csv: Invalid Record Length.* line 2/],
    ['PrimarySmtpAddress\n"a@b.example', /people\.csv: Quote Not Closed/],
  ])('is refused in one sentence: %j', async (text, sentence) => {
    await expect(read(text)).rejects.toThrow(sentence);
  });

  it('is refused in another encoding than UTF-8, in which names would be damaged', async () => {
    const content = Buffer.from('PrimarySmtpAddress,Name\na@b.example,J\u00fcrgen', 'latin1');
    await expect(readRecipientFile('people.csv', content)).rejects.toThrow(/^people\.csv is not in UTF-8: save it/);
  });
});

describe('an entry of another directory', () => {
  it.each([
    [{ mail: 'ed@contoso.com', cn: 'Ed' }, ['ed@contoso.com']],
    [
      { proxyAddresses: ['smtp:b@contoso.com', 'SMTP:a@contoso.com', 'X400:c=us'], mail: 'A@contoso.com' },
      ['a@contoso.com', 'b@contoso.com'],
    ],
    [{ proxyAddresses: ['smtp:b@contoso.com', 'smtp:c@contoso.com'] }, ['b@contoso.com', 'c@contoso.com']],
    [{ proxyAddresses: ['smtp:b@contoso.com'], mail: 'ed@contoso.com' }, ['ed@contoso.com', 'b@contoso.com']],
    [{ cn: 'a printer' }, []],
  ])('%j has the addresses %j', (attributes, addresses) => {
    const found = recipientFromEntry({ dn: 'cn=x', attributes: toAttributes(attributes) });
    expect(found ? addressesOf(found.recipient) : []).toEqual(addresses);
  });

  it('is named when its address cannot be read', () => {
    const attributes = toAttributes({ mail: 'not an address' });
    expect(() => recipientFromEntry({ dn: 'cn=x', attributes })).toThrow(/^cn=x: "not an address"/);
  });
});

describe('an import', () => {
  const item = (place: string, value: Recipient) => ({ place, recipient: value });
  const options = { dryRun: false, progress: () => undefined };

  it('makes, changes and leaves alone, and can be run again', async () => {
    const { recipients } = (await openHub()).ad;
    await recipients.add(recipient('ed@contoso.com'));
    await recipients.add(recipient('jo@contoso.com'));
    const people = [
      item('line 2', { ...recipient('ed@contoso.com', 'meadows@contoso.com'), name: 'Ed' }),
      item('line 3', recipient('jo@contoso.com')),
      item('line 4', recipient('new@contoso.com')),
    ];
    expect(await importRecipients(recipients, people, { ...options, dryRun: true })).toEqual({
      added: 1,
      updated: 1,
      unchanged: 1,
    });
    expect(await recipients.list(10)).toHaveLength(2);
    expect(await importRecipients(recipients, people, options)).toEqual({ added: 1, updated: 1, unchanged: 1 });
    expect((await recipients.find('meadows@contoso.com')).name).toBe('Ed');
    expect(await importRecipients(recipients, people, options)).toEqual({ added: 0, updated: 0, unchanged: 3 });
  });

  it.each([
    [
      'an address that is in it twice',
      [recipient('a@contoso.com'), recipient('b@contoso.com', 'A@contoso.com')],
      /^line 3: A@contoso.com is there already in line 2/,
    ],
    [
      'a name that is in it twice',
      [
        { ...recipient('a@contoso.com'), name: 'X' },
        { ...recipient('b@contoso.com'), name: 'x' },
      ],
      /^line 3: the name "x" is there already in line 2/,
    ],
    [
      'an address that another recipient has',
      [recipient('a@contoso.com'), recipient('b@contoso.com', 'Sales@contoso.com')],
      /^line 3: Sales@contoso.com is already an address of the recipient "ed@contoso.com"/,
    ],
    [
      'the name of another recipient',
      [recipient('a@contoso.com'), { ...recipient('b@contoso.com'), name: 'ED@contoso.com' }],
      /^line 3: the recipient "ED@contoso.com" is there already/,
    ],
  ])('is refused whole for %s', async (_what, people, sentence) => {
    const { recipients } = (await openHub()).ad;
    await recipients.add(recipient('ed@contoso.com', 'sales@contoso.com'));
    const imported = people.map((value, index) => item(`line ${index + 2}`, value));
    await expect(importRecipients(recipients, imported, options)).rejects.toThrow(sentence);
    expect(await recipients.list(10)).toHaveLength(1);
  });
});
