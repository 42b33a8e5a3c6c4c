// OpenLDAP's client and ldapts at the door of the Edge's ADAM: what is to be seen before a bind and after one, and how long
// the account of a subscription file lives. RFC 4511 §4.2 and §4.5, RFC 4513 §5.1.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Client, InsufficientAccessError, InvalidCredentialsError } from 'ldapts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Pair, type Ran } from '../helpers/pair.ts';
import { requirePeer } from '../helpers/peers.ts';
import { runProgram } from '../helpers/program.ts';

/** RFC 4511 appendix A. */
const INVALID_CREDENTIALS = 49;
const INSUFFICIENT_ACCESS = 50;

interface Account {
  readonly dn: string;
  readonly password: string;
}

let pair: Pair;
let namingContext: string;
/** Of a file that was exported on the subscribed Edge and is not imported yet. */
let bootstrap: Account;

beforeAll(async () => {
  pair = await Pair.up({ smartHostPort: 9, deliver: 'maildir:mail' });
  await pair.cmdlet('edge', 'New-EdgeSubscription', '-FileName', 'again.xml', '-Force');
  bootstrap = readAccount(join(pair.folder, 'again.xml'));
  const client = open();
  const { searchEntries } = await client.search('', { scope: 'base', attributes: ['namingContexts'] });
  namingContext = String(searchEntries[0]?.['namingContexts']);
  await client.unbind();
});
afterAll(() => pair?.[Symbol.asyncDispose]());

function readAccount(file: string): Account {
  const text = readFileSync(file, 'utf8');
  const element = (name: string): string => new RegExp(`<${name}>(.*)</${name}>`).exec(text)?.[1] ?? '';
  return { dn: element('ESRAUsername'), password: element('ESRAPassword') };
}

function open(): Client {
  return new Client({ url: `ldaps://${pair.ready.edge.ldaps}`, tlsOptions: { rejectUnauthorized: false } });
}

function ldapsearch(account: Account | undefined, ...parameters: string[]): Promise<Ran> {
  const who = account ? ['-D', account.dn, '-w', account.password] : [];
  return runProgram(
    'ldapsearch',
    ['-x', '-LLL', '-o', 'ldif-wrap=no', '-H', `ldaps://${pair.ready.edge.ldaps}`, ...who, ...parameters],
    {
      env: { LDAPTLS_REQCERT: 'never' },
    },
  );
}

it('writes the file so that its owner alone can read the password in it', () => {
  expect(statSync(join(pair.folder, 'again.xml')).mode & 0o777).toBe(0o600);
  expect(bootstrap.dn).toMatch(/^CN=ESRA\.EDGE01/);
  expect(bootstrap.password.length).toBeGreaterThan(20);
});

describe.skipIf(!requirePeer('ldapsearch'))('ldapsearch', () => {
  it('sees the root DSE before a bind, and nothing else', async () => {
    const root = await ldapsearch(undefined, '-s', 'base', '-b', '', '(objectClass=*)', '*', '+');
    expect([root.code, root.stderr]).toEqual([0, '']);
    expect(root.stdout).toMatch(/^namingContexts: CN=Configuration,CN=\{[0-9A-F-]{36}\}$/m);
    expect(root.stdout).toMatch(/^supportedLDAPVersion: 3$/m);
    for (const scope of ['base', 'one', 'sub']) {
      const below = await ldapsearch(undefined, '-s', scope, '-b', namingContext);
      expect([scope, below.code, below.stdout]).toEqual([scope, INSUFFICIENT_ACCESS, '']);
    }
  });

  it('reads the tree with the account of the file, and no password in it', async () => {
    const tree = await ldapsearch(bootstrap, '-b', namingContext, '(objectClass=*)', '*', '+');
    expect([tree.code, tree.stderr]).toEqual([0, '']);
    expect(tree.stdout).toMatch(/^dn: CN=HUB01,CN=Servers,/m);
    expect(tree.stdout).toMatch(/^dn: CN=contoso\.test,CN=Accepted Domains,/m);
    expect(tree.stdout).toMatch(/^msExchServerInternalTLSCert:: MII/m);
    expect(tree.stdout).not.toMatch(/userPassword/i);
    expect(tree.stdout).not.toContain(bootstrap.password);
    const some = await ldapsearch(
      bootstrap,
      '-b',
      namingContext,
      '(&(objectClass=msExchExchangeServer)(cn=hub*))',
      'cn',
    );
    expect(some.stdout).toMatch(/^dn: CN=HUB01,[^\n]*\ncn: HUB01\n\n$/);
  });

  it("changes nothing that is not EdgeSync's", async () => {
    const change = `dn: ${namingContext}\nchangetype: modify\nreplace: cn\ncn: x\n`;
    const where = ['-x', '-H', `ldaps://${pair.ready.edge.ldaps}`, '-D', bootstrap.dn, '-w', bootstrap.password];
    const ran = await runProgram('ldapmodify', where, { env: { LDAPTLS_REQCERT: 'never' }, input: change });
    expect(ran.code).toBe(INSUFFICIENT_ACCESS);
    expect(ran.stderr).toMatch(/Insufficient access \(50\)/);
  });

  it.each([
    ['the account of the file with a wrong password', () => ({ ...bootstrap, password: `${bootstrap.password}x` })],
    ['an account that does not exist', () => ({ ...bootstrap, dn: bootstrap.dn.replace('EDGE01', 'EDGE02') })],
  ])('is told 49, invalid credentials, as %s', async (_who, account) => {
    const ran = await ldapsearch(account(), '-b', namingContext);
    expect(ran.code).toBe(INVALID_CREDENTIALS);
    expect(ran.stdout).toBe('');
  });

  it('finds no LDAP in clear at that port', async () => {
    const ran = await runProgram('ldapsearch', ['-x', '-H', `ldap://${pair.ready.edge.ldaps}`, '-s', 'base', '-b', '']);
    expect(ran.code).not.toBe(0);
    expect(ran.stdout).not.toContain('namingContexts');
  });
});

describe('ldapts', () => {
  it('reads nothing before a bind, and the tree after one', async () => {
    const client = open();
    await expect(client.search(namingContext, { scope: 'sub' })).rejects.toBeInstanceOf(InsufficientAccessError);
    await client.bind(bootstrap.dn, bootstrap.password);
    const { searchEntries } = await client.search(namingContext, { filter: '(objectClass=msExchExchangeServer)' });
    expect(searchEntries.map((entry) => String(entry['cn'])).toSorted()).toEqual(['EDGE01', 'HUB01']);
    await client.unbind();
  });

  it('pages through the tree and finds each entry once', async () => {
    const client = open();
    await client.bind(bootstrap.dn, bootstrap.password);
    const whole = await client.search(namingContext, { scope: 'sub' });
    const paged = await client.search(namingContext, { scope: 'sub', paged: { pageSize: 3 } });
    expect(whole.searchEntries.length).toBeGreaterThan(6);
    const names = ({ searchEntries }: typeof whole): string[] => searchEntries.map(({ dn }) => dn).toSorted();
    expect(names(paged)).toEqual(names(whole));
    await client.unbind();
  });
});

// The last one: it takes the account away that the others use.
it('knows the account of the file no more once the Hub has replaced it by one of its own', async () => {
  const held = open();
  await held.bind(bootstrap.dn, bootstrap.password);
  const site = ['-Site', 'Default-First-Site-Name'];
  const imported = await pair.run('hub', 'New-EdgeSubscription', '-FileName', 'again.xml', ...site);
  expect([imported.code, imported.stderr]).toEqual([0, '']);
  await expect(held.search(namingContext, { scope: 'base' })).rejects.toBeInstanceOf(InsufficientAccessError);
  await held.unbind();
  const anew = open();
  await expect(anew.bind(bootstrap.dn, bootstrap.password)).rejects.toBeInstanceOf(InvalidCredentialsError);
  await anew.unbind();
  const [synchronized] = await pair.cmdlet('hub', 'Start-EdgeSynchronization');
  expect(synchronized).toMatchObject({ Name: 'EDGE01', Result: 'Success' });
});
