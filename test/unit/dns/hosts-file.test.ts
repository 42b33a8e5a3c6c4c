import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressesIn, withHostsFile } from '../../../src/dns/hosts-file.ts';
import type { Resolver } from '../../../src/dns/resolver.ts';

const FILE = `127.0.0.1\tlocalhost
# 192.0.2.9 hidden.test
192.0.2.1  hub01.corp.test hub01   # the Hub
::1 localhost ip6-localhost
2001:db8::1 HUB01.corp.test
nonsense hub01.corp.test
`;

describe('addressesIn', () => {
  it.each([
    ['localhost', ['127.0.0.1', '::1']],
    ['hub01.corp.test', ['192.0.2.1', '2001:db8::1']],
    ['Hub01', ['192.0.2.1']],
    ['hidden.test', []],
    ['Hub', []],
    ['nonsense', []],
  ])('finds %s', (name, expected) => {
    expect(addressesIn(FILE, name)).toEqual(expected);
  });
});

describe('withHostsFile', () => {
  const behind: Resolver = {
    mailExchangers: () => Promise.resolve({ kind: 'no-data' }),
    addresses: () => Promise.resolve({ kind: 'failed', code: 'ESERVFAIL' }),
  };

  it('answers from the file as it is now, and asks for what is not there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
    const path = join(folder, 'hosts');
    try {
      const resolver = withHostsFile(behind, path);
      await expect(resolver.addresses('hub01')).resolves.toMatchObject({ kind: 'failed' });
      writeFileSync(path, FILE);
      await expect(resolver.addresses('hub01')).resolves.toEqual({ kind: 'found', records: ['192.0.2.1'], ttlMs: 0 });
      await expect(resolver.addresses('other')).resolves.toMatchObject({ kind: 'failed' });
      await expect(resolver.mailExchangers('hub01')).resolves.toEqual({ kind: 'no-data' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
