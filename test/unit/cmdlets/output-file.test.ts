import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refuseUnwritable, saveOutputFile } from '../../../src/cmdlets/output-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = { parameter: 'FileName', content: Buffer.from('new') };

describe('refuseUnwritable', () => {
  it('accepts a name that is free', () => {
    expect(() => refuseUnwritable({ folder, name: 'edge.xml', overwrite: false })).not.toThrow();
  });

  it('refuses a file that is there, until it may be overwritten', () => {
    writeFileSync(join(folder, 'edge.xml'), 'old');
    expect(() => refuseUnwritable({ folder, name: 'edge.xml', overwrite: false })).toThrow(
      /edge.xml is already there; .* -Force/,
    );
    expect(() => refuseUnwritable({ folder, name: 'edge.xml', overwrite: true })).not.toThrow();
  });

  it('refuses a link that leads nowhere, and anything that is no file even with -Force', () => {
    symlinkSync('nowhere', join(folder, 'link'));
    mkdirSync(join(folder, 'sub'));
    expect(() => refuseUnwritable({ folder, name: 'link', overwrite: false })).toThrow(/already there/);
    expect(() => refuseUnwritable({ folder, name: 'link', overwrite: true })).toThrow(/not an ordinary file/);
    expect(() => refuseUnwritable({ folder, name: 'sub', overwrite: true })).toThrow(/not an ordinary file/);
  });

  it('refuses a folder that is not there', () => {
    expect(() => refuseUnwritable({ folder, name: 'no/such/edge.xml', overwrite: false })).toThrow(
      /not a folder that you can write to/,
    );
  });
});

describe('saveOutputFile', () => {
  it('writes where the command was typed, for its owner alone', () => {
    const path = saveOutputFile({ folder, name: 'edge.xml', overwrite: false }, file);
    expect(path).toBe(join(folder, 'edge.xml'));
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('refuses a file that appeared while the cmdlet ran', () => {
    writeFileSync(join(folder, 'edge.xml'), 'old');
    expect(() => saveOutputFile({ folder, name: 'edge.xml', overwrite: false }, file)).toThrow(
      expect.objectContaining({ code: 'file-exists' }),
    );
    expect(readFileSync(join(folder, 'edge.xml'), 'utf8')).toBe('old');
  });

  it('overwrites with -Force', () => {
    writeFileSync(join(folder, 'edge.xml'), 'old');
    saveOutputFile({ folder, name: 'edge.xml', overwrite: true }, file);
    expect(readFileSync(join(folder, 'edge.xml'), 'utf8')).toBe('new');
  });
});
