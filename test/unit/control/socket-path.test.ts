import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { controlSocketPath, prepareSocketFolder, refuseSharedFolder } from '../../../src/control/socket-path.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  vi.stubEnv('TMPDIR', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe('controlSocketPath', () => {
  it('is in the data folder', () => {
    expect(controlSocketPath(folder)).toBe(join(folder, 'control.sock'));
  });

  it('is the same however the folder is spelled', () => {
    mkdirSync(join(folder, 'data'));
    symlinkSync('data', join(folder, 'link'));
    expect(controlSocketPath(join(folder, 'link'))).toBe(join(folder, 'data', 'control.sock'));
  });

  it('moves to a hashed name of the same owner when the path has more than 107 bytes', () => {
    const long = join(folder, 'ä'.repeat(60));
    mkdirSync(long);
    const path = controlSocketPath(long);
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(107);
    expect(dirname(path)).toBe(join(folder, `relaypair-${statSync(long).uid}`));
    expect(basename(path)).toMatch(/^[0-9a-f]{16}\.sock$/);
  });

  it('says that a server without a data folder does not run', () => {
    expect(() => controlSocketPath(join(folder, 'none'))).toThrow(
      expect.objectContaining({ code: 'server-not-running' }),
    );
  });
});

describe('prepareSocketFolder', () => {
  it('makes a missing folder private', () => {
    prepareSocketFolder(join(folder, 'data', 'control.sock'));
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
  });

  it('refuses a folder that others can enter', () => {
    mkdirSync(join(folder, 'data'));
    chmodSync(join(folder, 'data'), 0o711);
    expect(() => prepareSocketFolder(join(folder, 'data', 'control.sock'))).toThrow(
      expect.objectContaining({ code: 'folder-not-private' }),
    );
  });
});

describe('refuseSharedFolder', () => {
  it('refuses a folder in the temporary directory that is not of the user in its name', () => {
    const uid = statSync(folder).uid;
    for (const [owner, isRefused] of [
      [uid, false],
      [uid + 1, true],
    ] as const) {
      const path = join(folder, `relaypair-${owner}`, 'a.sock');
      mkdirSync(dirname(path), { mode: 0o700 });
      if (isRefused)
        expect(() => refuseSharedFolder(path)).toThrow(expect.objectContaining({ code: 'folder-not-private' }));
      else expect(() => refuseSharedFolder(path)).not.toThrow();
    }
  });

  it('refuses a link to a folder', () => {
    symlinkSync(folder, join(folder, 'link'));
    expect(() => refuseSharedFolder(join(folder, 'link', 'a.sock'))).toThrow(
      expect.objectContaining({ code: 'folder-not-private' }),
    );
  });
});
