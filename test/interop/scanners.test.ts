// Programs that look for holes: nmap's scripts for SMTP and TLS, and sslscan, at every door of a Hub and an Edge that listen at the ports
// of the Internet, each in a network of its own. What they find has to be what we promise: no open relay, no users told, no TLS
// below 1.2, no weak suite.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noteInterop } from '../helpers/interop-report.ts';
import { requirePeer, requireRoot } from '../helpers/peers.ts';
import { runToSuccess } from '../helpers/program.ts';
import { NO_NAME_SERVER, ServerProcesses } from '../helpers/server-processes.ts';

const isPossible = [requirePeer('unshare'), requirePeer('nsenter'), requirePeer('ip'), requireRoot()].every(Boolean);
const hasNmap = requirePeer('nmap');
const hasSslscan = requirePeer('sslscan');

/** Only the loopback, and nobody else on it: the ports 25, 465 and 587 are free. */
const ALONE = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];

const DOORS = [
  { server: 'edge', port: 25, start: 'smtp' },
  { server: 'hub', port: 25, start: 'smtp' },
  { server: 'hub', port: 587, start: 'smtp' },
  { server: 'hub', port: 465, start: undefined },
] as const;
type Door = (typeof DOORS)[number];

let servers: ServerProcesses;

beforeAll(async () => {
  if (!isPossible) return;
  servers = new ServerProcesses();
  const common = { dns: NO_NAME_SERVER, hosts: {} };
  servers.configure('edge', {
    ...common,
    role: 'edge',
    fqdn: 'edge01.perimeter.test',
    listen: { smtp: ['127.0.0.1:25'], ldaps: '127.0.0.1:50636' },
  });
  servers.configure('hub', {
    ...common,
    role: 'hub',
    fqdn: 'hub01.corp.test',
    listen: { smtp: ['127.0.0.1:25'], submission: ['127.0.0.1:587'], smtps: ['127.0.0.1:465'] },
    deliver: 'maildir:mail',
  });
  await Promise.all(['edge', 'hub'].map((name) => servers.start(name, undefined, { under: ALONE })));
  for (const name of ['edge', 'hub'])
    await servers.ask(name, 'New-AcceptedDomain', { Name: 'contoso', DomainName: 'contoso.test' });
  // A scanner errs on purpose, and its questions are to be answered to the last: not held up, nor cut off for their number.
  const patient = { MaxProtocolErrors: '1000', TarpitInterval: '0s' };
  await servers.ask('edge', 'Set-ReceiveConnector', {
    Identity: 'Default internal receive connector EDGE01',
    ...patient,
  });
  await servers.ask('hub', 'Set-ReceiveConnector', { Identity: 'Default HUB01', ...patient });
  // Whoever is on the Hub's own machine may send to anybody by default; the scanner is to be met as a stranger.
  await servers.ask('hub', 'Set-ReceiveConnector', { Identity: 'Client HUB01', RemoteIPRanges: '127.0.0.2' });
  // A scanner makes more mistakes than a client may, and all of its questions are to be answered.
  const patience = { MaxProtocolErrors: '0', TarpitInterval: '0s' };
  for (const [name, connector] of [
    ['edge', 'Default internal receive connector EDGE01'],
    ['hub', 'Default HUB01'],
    ['hub', 'Client Frontend HUB01'],
  ] as const)
    await servers.ask(name, 'Set-ReceiveConnector', { Identity: connector, ...patience });
}, 120_000);
afterAll(() => servers?.[Symbol.asyncDispose]());

/** So many names nmap guesses, none of which there is. */
const GUESSES = 10;

/** Runs a program in the network of that server. */
async function scan(server: string, program: string, ...parameters: string[]): Promise<string> {
  const network = `--net=/proc/${servers.pid(server)}/ns/net`;
  const { stdout } = await runToSuccess('nsenter', [network, program, ...parameters]);
  return stdout;
}

/** What a script said, without the frame; empty when it said nothing. */
function saidBy(script: string, report: string): string {
  const lines = report.split('\n').filter((line) => line.startsWith('|'));
  const start = lines.findIndex((line) => line.startsWith(`| ${script}:`) || line.startsWith(`|_${script}:`));
  if (start === -1) return '';
  const length = lines.slice(start + 1).findIndex((line) => /^\|[ _](?=\S)/.test(line));
  const end = length === -1 ? lines.length : start + 1 + length;
  return lines
    .slice(start, end)
    .map((line) => line.replace(/^\|[ _]?/, ''))
    .join('\n');
}

const describeDoor = ({ server, port }: Door): string => `${server === 'edge' ? 'Edge' : 'Hub'}, port ${port}`;

describe.skipIf(!isPossible || !hasNmap)("nmap's scripts", () => {
  const SCRIPTS = [
    'smtp-commands',
    'smtp-open-relay',
    'smtp-enum-users',
    'smtp-strangeport',
    'ssl-cert',
    'ssl-enum-ciphers',
  ];

  it.each(DOORS)('find nothing at the $server, port $port', async (door) => {
    const report = await scan(
      door.server,
      'nmap',
      ...['-n', '-Pn', '-sT', '-p', String(door.port), '--script', SCRIPTS.join()],
      ...['--script-args', 'smtp-open-relay.domain=elsewhere.test,smtp-enum-users.domain=contoso.test', '127.0.0.1'],
    );
    expect(report).toMatch(new RegExp(`^${door.port}/tcp +open`, 'm'));
    const ciphers = saidBy('ssl-enum-ciphers', report);
    expect(ciphers).toMatch(/least strength: A/);
    expect([...ciphers.matchAll(/^ *(TLSv[\d.]+|SSLv\d)/gm)].map(([, version]) => version)).toEqual([
      'TLSv1.2',
      'TLSv1.3',
    ]);
    const suites = [...ciphers.matchAll(/^ *(TLS_\w+)/gm)].map(([, suite = '']) => suite);
    expect(suites.length).toBeGreaterThan(3);
    for (const suite of suites) expect(suite).toMatch(/^TLS_(?:ECDHE_RSA_WITH|AKE_WITH)_.*(?:GCM|CHACHA20)/);
    for (const [, compressor] of ciphers.matchAll(/compressors: *\n *(\S+)/g)) expect(compressor).toBe('NULL');
    expect(ciphers).toContain('compressors:');
    expect(saidBy('ssl-cert', report)).toMatch(/Subject: commonName=(?:EDGE01|HUB01)/);
    expect(saidBy('smtp-strangeport', report)).toBe('');
    if (door.start !== undefined) {
      expect(saidBy('smtp-commands', report)).toMatch(/STARTTLS/);
      expect(saidBy('smtp-open-relay', report)).toMatch(/Server doesn't seem to be an open relay|isn't/i);
      // Without recipient validation an Edge takes a stranger's word for every name: who is there cannot be told from who is not.
      const users = saidBy('smtp-enum-users', report).match(/^ +\w+$/gm) ?? [];
      expect(users).toHaveLength(door.server === 'edge' ? GUESSES : 0);
    }
    noteInterop({
      peer: 'nmap',
      as: 'scanner',
      what: describeDoor(door),
      result:
        door.start === undefined
          ? 'TLS 1.2 and 1.3 alone, every suite rated A'
          : 'no open relay, no users told apart, TLS 1.2 and 1.3 alone, every suite rated A',
      output: report,
    });
  });
});

describe.skipIf(!isPossible || !hasSslscan)('sslscan', () => {
  it.each(DOORS)('finds nothing at the $server, port $port', async (door) => {
    const report = await scan(
      door.server,
      'sslscan',
      ...['--no-colour', ...(door.start === undefined ? [] : ['--starttls-smtp']), `127.0.0.1:${door.port}`],
    );
    const versions = [...report.matchAll(/^((?:SSL|TLS)v[\d.]+) +(enabled|disabled)/gm)].map(
      ([, name, state]) => `${name} ${state}`,
    );
    expect(versions).toEqual([
      'SSLv2 disabled',
      'SSLv3 disabled',
      'TLSv1.0 disabled',
      'TLSv1.1 disabled',
      'TLSv1.2 enabled',
      'TLSv1.3 enabled',
    ]);
    const suites = [...report.matchAll(/^(?:Accepted|Preferred) +TLSv1\.[23] +\d+ bits +(\S+)/gm)].map(
      ([, suite = '']) => suite,
    );
    expect(suites.length).toBeGreaterThan(3);
    for (const suite of suites) expect(suite).toMatch(/^(?:TLS_|ECDHE-RSA-).*(?:GCM|CHACHA20)/);
    // Debian's OpenSSL can do none, so that it cannot ask for one either; nmap does.
    expect(report).not.toMatch(/Compression enabled/i);
    expect(report).toMatch(/Session renegotiation not supported/i);
    expect(report.match(/(?:not )?vulnerable to heartbleed/g)).toEqual(Array(2).fill('not vulnerable to heartbleed'));
    noteInterop({
      peer: 'sslscan',
      as: 'scanner',
      what: describeDoor(door),
      result: 'TLS 1.2 and 1.3 alone, no weak suite, no renegotiation',
      output: report,
    });
  });
});
