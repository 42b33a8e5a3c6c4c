import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';

const BASE = ['role: hub', 'fqdn: hub01.corp.test'];

function read(...lines: string[]) {
  return parseConfig([...BASE, 'spool:', ...lines.map((line) => `  ${line}`)].join('\n'), '/etc/relaypair/hub.yaml');
}

describe('the spool section', () => {
  it('is embedded by default', () => {
    expect(parseConfig(BASE.join('\n'), '/etc/relaypair/hub.yaml').spool).toEqual({ backend: 'embedded' });
  });

  it('names hosts, user and database of PostgreSQL, with defaults for the rest', () => {
    const { spool, workers } = read(
      'backend: postgres',
      'url: postgres://mail%40corp@db01.corp.test,[2001:db8::2]:5433/spool',
      'passwordFile: database.password',
      'certificate: database.crt',
    );
    expect(spool).toEqual({
      backend: 'postgres',
      hosts: [
        { host: 'db01.corp.test', port: 5432 },
        { host: '2001:db8::2', port: 5433 },
      ],
      user: 'mail@corp',
      database: 'spool',
      passwordFile: '/etc/relaypair/database.password',
      certificate: '/etc/relaypair/database.crt',
      schema: 'relaypair_hub',
      connections: 8,
      lease: 30_000,
      timeout: 15_000,
      pollInterval: 5000,
      allowUnsafe: false,
    });
    expect(workers).toBe(0);
  });

  it.each<[string, string[], string]>([
    ['another backend', ['backend: mysql'], 'neither "backend: embedded" nor "backend: postgres"'],
    ['no address', ['backend: postgres'], 'this setting is needed'],
    ['no user', ['backend: postgres', 'url: postgres://127.0.0.1/spool'], 'names no user'],
    ['no database', ['backend: postgres', 'url: postgres://mail@127.0.0.1'], 'is none of a PostgreSQL database'],
    ['a port that is none', ['backend: postgres', 'url: postgres://mail@127.0.0.1:0/spool'], 'has no host, or a port'],
    ['mail in clear', ['backend: postgres', 'url: postgres://mail@db01/spool'], 'would go to the database in clear'],
    [
      'a schema',
      ['backend: postgres', 'url: postgres://mail@127.0.0.1/spool', 'schema: a;b'],
      'not the name of a schema',
    ],
    [
      'TLS without a certificate',
      ['backend: postgres', 'url: postgres://mail@127.0.0.1/spool', 'tls: true'],
      'TLS needs "certificate"',
    ],
  ])('refuses %s in one sentence', (_name, lines, sentence) => {
    expect(() => read(...lines)).toThrow(sentence);
  });

  it('refuses a password in the address and does not repeat it', () => {
    const lines = ['backend: postgres', 'url: postgres://mail:hunter2@127.0.0.1/spool'];
    expect(() => read(...lines)).toThrow('belongs into passwordFile');
    expect(() => read(...lines)).toThrow(/^(?!.*hunter2)/s);
  });

  it('goes with no workers', () => {
    const text = [...BASE, 'workers: 2', 'spool:', '  backend: postgres', '  url: postgres://mail@127.0.0.1/spool'];
    expect(() => parseConfig(text.join('\n'), '/hub.yaml')).toThrow('worker processes are for the embedded spool');
  });
});
