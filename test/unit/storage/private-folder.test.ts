import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimPrivateFolder, ensurePrivateFolder } from '../../../src/storage/files.ts';
import { isServerData, signFolder } from '../../../src/storage/folder-owner.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-folder-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

function refusal(code: string): unknown {
  return expect.objectContaining({ code });
}

describe('a private folder', () => {
  it('is made with its parents, and they are private too', () => {
    ensurePrivateFolder(join(folder, 'a', 'b'));
    expect([modeOf(join(folder, 'a')), modeOf(join(folder, 'a', 'b'))]).toEqual([0o700, 0o700]);
  });

  it('is refused in one sentence when a file is in the way', () => {
    writeFileSync(join(folder, 'file'), '');
    for (const path of [join(folder, 'file'), join(folder, 'file', 'below')]) {
      expect(() => ensurePrivateFolder(path)).toThrow(refusal('folder-unusable'));
    }
  });

  it('is refused where the system lets nobody make one, and does not try for ever', () => {
    expect(() => ensurePrivateFolder('/proc/relaypair/data')).toThrow(refusal('folder-unusable'));
  });
});

describe('a folder that a person has named', () => {
  it.each([
    ['one that is not there', []],
    ['an empty one', ['data']],
    ['one with a config and what a server makes', ['data', 'data/hub.yaml', 'data/spool', 'data/server.json']],
  ])('becomes private: %s', (_case, names) => {
    for (const name of names) mkdirSync(join(folder, name), { mode: 0o755 });
    claimPrivateFolder(join(folder, 'data'), isServerData);
    expect(modeOf(join(folder, 'data'))).toBe(0o700);
  });

  it('is left as it is, and refused, when others can enter it and it holds something of theirs', () => {
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'passwd'), '');
    expect(() => claimPrivateFolder(folder, isServerData)).toThrow(refusal('folder-not-private'));
    expect(modeOf(folder)).toBe(0o755);
  });

  it('may hold anything when it is private already', () => {
    writeFileSync(join(folder, 'notes.txt'), '');
    expect(() => claimPrivateFolder(folder, isServerData)).not.toThrow();
  });
});

describe('the signature of a folder', () => {
  const hub = { role: 'hub', name: 'HUB01' } as const;

  it('lets the same server in again', () => {
    signFolder(folder, hub);
    expect(() => signFolder(folder, hub)).not.toThrow();
    expect(modeOf(join(folder, 'server.json'))).toBe(0o600);
  });

  it.each([{ role: 'edge', name: 'HUB01' } as const, { role: 'hub', name: 'HUB02' } as const])(
    'keeps out the $role $name and stays as it is',
    (other) => {
      signFolder(folder, hub);
      const before = readFileSync(join(folder, 'server.json'), 'utf8');
      expect(() => signFolder(folder, other)).toThrow(refusal('folder-of-another-server'));
      expect(readFileSync(join(folder, 'server.json'), 'utf8')).toBe(before);
    },
  );

  it.each([
    ['damaged', '{"for', 'folder-unusable'],
    ['of a newer format', '{"format":2,"role":"hub","name":"HUB01"}', 'format-too-new'],
  ])('is refused when it is %s', (_case, text, code) => {
    writeFileSync(join(folder, 'server.json'), text);
    expect(() => signFolder(folder, hub)).toThrow(refusal(code));
  });
});
