// What dashboard and alert rules ask Prometheus for is what a server says at /metrics.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
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
const expressions = [
  ...rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr)),
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
];

let hub: WebServerFixture;

beforeAll(async () => {
  hub = await openWebServer();
});

afterAll(() => hub.close());

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

describe.skipIf(!requirePeer('promtool'))('promtool', () => {
  it('takes the alert rules', () => {
    const path = new URL('../../docker/prometheus/alerts.yml', import.meta.url).pathname;
    const ran = spawnSync(peerPath('promtool'), ['check', 'rules', path], { encoding: 'utf8' });
    expect([ran.status, ran.stdout]).toEqual([0, expect.stringMatching(/SUCCESS: \d+ rules found/)]);
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

  it('counts what Get-Counter counts', async () => {
    hub.house.context.metrics.mail.noteTracking({ eventId: 'RECEIVE', totalBytes: 5 });
    const { text } = await hub.ask('/metrics');
    expect(text).toMatch(/^relaypair_message_bytes_total\{event="RECEIVE"\} 5$/m);
    const { json } = await hub.ask('/api/v1/cmdlets/Get-Counter?Counter=relaypair_message_bytes_total');
    expect(json['records']).toMatchObject([{ Labels: ['event=RECEIVE'], Value: 5 }]);
  });
});
