// What dashboard and alert rules ask Prometheus for is what a server says at /metrics.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { QUEUE_STATUSES } from '../../src/transport/hop-queue.ts';
import { peerPath, requirePeer } from '../helpers/peers.ts';
import { openWebServer, type WebServerFixture } from '../helpers/web-server.ts';

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
}
interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
}

const rules = parse(read('docker/prometheus/alerts.yml')) as Rules;
const dashboard = JSON.parse(read('docker/grafana/relaypair.json')) as Dashboard;
const expressions = [...rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr)), ...asksOf(dashboard)];

function asksOf({ panels }: Dashboard): string[] {
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

let hub: WebServerFixture;

beforeAll(async () => {
  hub = await openWebServer();
});

afterAll(() => hub.close());

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

describe.skipIf(!requirePeer('promtool'))('promtool', () => {
  const check = (path: string): unknown[] => {
    const ran = spawnSync(peerPath('promtool'), ['check', 'rules', path], { encoding: 'utf8' });
    return [ran.status, ran.stdout];
  };
  const found = (rules: number): unknown[] => [0, expect.stringContaining(`SUCCESS: ${rules} rules found`)];

  it('takes the alert rules', () => {
    expect(check(new URL('../../docker/prometheus/alerts.yml', import.meta.url).pathname)).toEqual(
      found(rules.groups.flatMap((group) => group.rules).length),
    );
  });

  it('takes what the dashboard asks, each as a rule', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'relaypair-rules-')), 'dashboard.yml');
    const asked = asksOf(dashboard).map((expr, index) => ({ record: `panel:${index}`, expr }));
    writeFileSync(path, stringify({ groups: [{ name: 'dashboard', rules: asked }] }));
    expect(asked.length).toBeGreaterThan(10);
    expect(check(path)).toEqual(found(asked.length));
    rmSync(dirname(path), { recursive: true });
  });
});

describe('/metrics', () => {
  it('has every metric that the dashboard and the alert rules name', async () => {
    const { text } = await hub.ask('/metrics');
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? ''));
    const named = expressions.flatMap((expr) => expr.match(/\b(?:relaypair|nodejs|process)_\w+/g) ?? []);
    expect(named.length).toBeGreaterThan(15);
    expect([...new Set(named)].filter((name) => !known.has(name.replace(/_bucket$/, '')))).toEqual([]);
  });

  it('says 0 of every status of a queue while no mail is there', async () => {
    const { text } = await hub.ask('/metrics');
    for (const name of ['relaypair_queues', 'relaypair_queue_messages']) {
      const found = [...text.matchAll(new RegExp(`^${name}\\{status="(\\w+)"\\} (\\d+)$`, 'gm'))];
      expect(found.map(([, status, value]) => [status, value])).toEqual(QUEUE_STATUSES.map((status) => [status, '0']));
    }
  });

  it('counts what Get-Counter counts', async () => {
    hub.house.context.metrics.mail.noteTracking({ eventId: 'RECEIVE', totalBytes: 5 });
    const { text } = await hub.ask('/metrics');
    expect(text).toMatch(/^relaypair_message_bytes_total\{event="RECEIVE"\} 5$/m);
    const { json } = await hub.ask('/api/v1/cmdlets/Get-Counter?Counter=relaypair_message_bytes_total');
    expect(json['records']).toMatchObject([{ Labels: ['event=RECEIVE'], Value: 5 }]);
  });
});
