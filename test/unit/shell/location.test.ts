import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locateConfig, nameConfig } from '../../../src/shell/location.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  for (const name of ['here', 'there', 'env']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'hub.yaml'), '');
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('locateConfig', () => {
  it.each([
    ['--config before all', { config: '../there/hub.yaml', dir: '../env' }, true, 'there/hub.yaml'],
    ['--dir before the environment', { dir: '../there' }, true, 'there/hub.yaml'],
    ['RELAYPAIR_DIR before the current folder', {}, true, 'env/hub.yaml'],
    ['the current folder', {}, false, 'here/hub.yaml'],
  ])('takes %s', (_what, options, hasEnvironment, found) => {
    const env: Record<string, string> = hasEnvironment ? { RELAYPAIR_DIR: join(folder, 'env') } : {};
    expect(locateConfig('hub', options, { env, folder: join(folder, 'here') })).toBe(join(folder, found));
  });

  it('says where it looked when there is none', () => {
    const terminal = { env: {}, folder: join(folder, 'here') };
    expect(() => locateConfig('edge', {}, terminal)).toThrow(
      `no edge.yaml in ${folder}/here or /etc/relaypair; name it with`,
    );
    expect(() => locateConfig('edge', { dir: '../there' }, terminal)).toThrow(`there is no ${folder}/there/edge.yaml`);
  });

  it('names nothing outright in the usual places', () => {
    expect(nameConfig('hub', {}, { env: { RELAYPAIR_DIR: '' }, folder })).toBeUndefined();
  });
});
