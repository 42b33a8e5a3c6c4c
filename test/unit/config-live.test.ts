import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { updateConfiguration } from '../../src/cmdlets/update-configuration.ts';
import { readConfig } from '../../src/config.ts';
import { LiveConfig } from '../../src/config-live.ts';
import { reloadConfig } from '../../src/config-reloading.ts';
import { isProblem } from '../../src/problem.ts';
import type { ServerEvent } from '../../src/tracking/events.ts';
import { makeContext, rows, runCmdlet } from '../helpers/cmdlet-context.ts';

const HUB = { role: 'hub', fqdn: 'hub01.corp.test', deliver: 'maildir:mail' };

describe('LiveConfig', () => {
  let folder: string;
  let path: string;
  let live: LiveConfig;

  function write(changes: object | string): void {
    writeFileSync(path, typeof changes === 'string' ? changes : JSON.stringify({ ...HUB, ...changes }));
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-live-'));
    path = join(folder, 'hub.yaml');
    write({});
    live = new LiveConfig(readConfig(path));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    ['hosts', { hosts: { 'edge01.perimeter.test': '127.0.0.1:2525' } }, ['hosts']],
    ['dns', { dns: { servers: ['127.0.0.1'] } }, ['dns.servers']],
    ['deliver', { deliver: 'lmtp:127.0.0.1:24' }, ['deliver']],
    ['retry', { retry: { expiration: '1h', glitchCount: 1 } }, ['retry.expiration', 'retry.glitchCount']],
    ['limits', { limits: { maxConnectionsPerHop: 3 } }, ['limits.maxConnectionsPerHop']],
    ['back pressure', { backPressure: { diskMedium: '1GB' } }, ['backPressure.diskMedium']],
    ['the level of the log', { log: { level: 'debug' } }, ['log.level']],
  ])('takes up %s, and says so to those who listen', (_what, changes, applied) => {
    let told = 0;
    const cancel = live.onChange(() => told++);
    write(changes);
    expect(live.reload()).toEqual({ applied, needsRestart: [] });
    expect(live.current()).toEqual(readConfig(path));
    expect(told).toBe(1);
    expect(live.reload()).toEqual({ applied: [], needsRestart: [] });
    cancel();
    write({});
    live.reload();
    expect(told).toBe(1);
  });

  it.each([
    ['role', { role: 'edge', deliver: undefined }],
    ['fqdn', { fqdn: 'hub02.corp.test' }],
    ['folder', { folder: 'elsewhere' }],
    ['site', { site: 'Other' }],
    ['listen.smtp', { listen: { smtp: ['127.0.0.1:2526'] } }],
    ['listen.ldaps', { listen: { ldaps: '127.0.0.1:2636' } }],
    ['log.file', { log: { file: 'hub.log' } }],
  ])('names %s as what needs a restart, and leaves it', (name, changes) => {
    const before = live.current();
    write(changes);
    expect(live.reload().needsRestart).toContain(name);
    const { role, fqdn, folder: data, site, listen, log } = live.current();
    expect({ role, fqdn, folder: data, site, listen, log }).toEqual({
      role: before.role,
      fqdn: before.fqdn,
      folder: before.folder,
      site: before.site,
      listen: before.listen,
      log: before.log,
    });
  });

  it('names what waits for a restart each time, also beside what is in force at once', () => {
    write({ site: 'Other', limits: { maxConnections: 7 } });
    expect(live.reload()).toEqual({ applied: ['limits.maxConnections'], needsRestart: ['site'] });
    expect(live.reload()).toEqual({ applied: [], needsRestart: ['site'] });
  });

  it.each([
    ['is no YAML', '{ role: hub', 'config-invalid'],
    ['has a setting that is none', JSON.stringify({ ...HUB, colour: 'red' }), 'config-invalid'],
    ['has a value that is none', JSON.stringify({ ...HUB, retry: { expiration: 'soon' } }), 'config-invalid'],
    ['is of a newer format', JSON.stringify({ ...HUB, format: 99 }), 'format-too-new'],
    ['is empty', '', 'config-invalid'],
  ])('takes nothing of a file that %s', (_what, text, code) => {
    const before = live.current();
    let told = 0;
    live.onChange(() => told++);
    write(text);
    expect(() => live.reload()).toThrow(expect.objectContaining({ code }));
    expect(live.current()).toBe(before);
    expect(told).toBe(0);
  });

  it('takes nothing when the file is gone', () => {
    rmSync(path);
    expect(() => live.reload()).toThrow(expect.objectContaining({ code: 'config-unreadable' }));
  });

  it('has it on record', () => {
    const events: ServerEvent[] = [];
    const log = { record: (event: ServerEvent) => void events.push(event) };
    write({ site: 'Other', limits: { maxConnections: 7 } });
    reloadConfig(live, log);
    write('{ role: hub');
    try {
      reloadConfig(live, log);
      expect.unreachable();
    } catch (error) {
      expect(isProblem(error, 'config-invalid')).toBe(true);
    }
    expect(events.map(({ id, facts }) => [id, facts])).toEqual([
      [30_180, { path, applied: 'limits.maxConnections', needsRestart: 'site' }],
      [30_181, { cause: expect.stringContaining('is not YAML') }],
    ]);
  });

  it('is what Update-Configuration works on', async () => {
    const reload = { applied: ['hosts'], needsRestart: ['site', 'fqdn'] };
    const { records, notices } = await runCmdlet(updateConfiguration, makeContext({ reloadConfig: () => reload }));
    expect(rows(records, 'Setting', 'State')).toEqual([
      'hosts | InForce',
      'site | NeedsRestart',
      'fqdn | NeedsRestart',
    ]);
    expect(notices).toEqual(['/etc/test.yaml was read again; restart the server to change site, fqdn.']);
  });
});
