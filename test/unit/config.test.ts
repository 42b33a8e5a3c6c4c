import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  defaultWorkers,
  formatEndpoint,
  netbiosNameOf,
  parseConfig,
  parseDeliveryTarget,
  parseEndpoint,
  readConfig,
} from '../../src/config.ts';

const HUB = 'role: hub\nfqdn: hub01.corp.test\n';
const PATH = '/srv/mail/hub.yaml';
const LDAP = 'backend: ldap, url: "ldaps://192.0.2.1:1636", certificate: a.crt';

describe('parseConfig', () => {
  it('fills in every default', () => {
    expect(parseConfig(HUB, PATH)).toEqual({
      path: PATH,
      format: 1,
      role: 'hub',
      fqdn: 'hub01.corp.test',
      netbiosName: 'HUB01',
      folder: '/srv/mail',
      site: 'Default-First-Site-Name',
      listen: {
        smtp: [
          { host: '0.0.0.0', port: 25 },
          { host: '::', port: 25 },
        ],
        submission: [],
        smtps: [],
      },
      hosts: {},
      dns: { servers: [], timeout: 10_000 },
      deliver: undefined,
      directory: { backend: 'embedded' },
      retry: {
        glitchCount: 4,
        glitchInterval: 60_000,
        transientCount: 6,
        transientInterval: 300_000,
        outboundInterval: 600_000,
        messageInterval: 60_000,
        expiration: 172_800_000,
        delayNotification: 14_400_000,
      },
      backPressure: {
        diskMedium: 524_288_000,
        diskHigh: 209_715_200,
        memoryMedium: 72,
        memoryHigh: 75,
        submissionMedium: 9999,
        submissionHigh: 15_000,
      },
      limits: expect.objectContaining({ maxConnectionsPerHop: 20, drainTimeout: 10_000, idleTimeout: 2000 }),
      proxies: { proxyProtocol: [], xclient: [] },
      log: { level: 'info', maxAge: 2_592_000_000, maxFileSize: 10_485_760, maxFolderSize: 262_144_000 },
      spool: { backend: 'embedded' },
      workers: defaultWorkers(availableParallelism()),
      lab: { capture: false, maxCaptureSize: 104_857_600, maxCaptureDuration: 3_600_000 },
    });
  });

  it('listens for mail users where a Hub says so, and nowhere on an Edge', () => {
    const lines = 'listen: { submission: ["0.0.0.0:587"], smtps: ["[::1]:465"] }';
    expect(parseConfig(`${HUB}${lines}`, PATH).listen).toMatchObject({
      submission: [{ host: '0.0.0.0', port: 587 }],
      smtps: [{ host: '::1', port: 465 }],
    });
    expect(() => parseConfig(`role: edge\nfqdn: edge01.corp.test\n${lines}`, PATH)).toThrow(
      /at listen: an Edge has no mail users/,
    );
  });

  it('has as many workers as it says, and by default as many as the machine has cores for', () => {
    expect(parseConfig(`${HUB}workers: 2`, PATH).workers).toBe(2);
    expect(parseConfig(HUB, PATH).workers).toBe(defaultWorkers(availableParallelism()));
    expect([1, 2, 3, 4, 6, 64].map(defaultWorkers)).toEqual([0, 0, 0, 2, 4, 4]);
    expect(() => parseConfig(`${HUB}workers: -1`, PATH)).toThrow(/at workers: less than 0/);
    expect(() => parseConfig(`${HUB}workers: many`, PATH)).toThrow(/at workers: not a/);
  });

  it('takes an address for LDAPS from a hub too, which serves nothing there without one', () => {
    const { listen } = parseConfig(`${HUB}listen: { ldaps: "127.0.0.1:3636" }`, PATH);
    expect(listen.ldaps).toEqual({ host: '127.0.0.1', port: 3636 });
    expect(parseConfig(HUB, PATH).listen.ldaps).toBeUndefined();
    const joining = 'directory: { backend: ldap, url: "ldaps://hub01", certificate: c, bind: { method: external } }';
    expect(() => parseConfig(`${HUB}${joining}\nlisten: { ldaps: "127.0.0.1:3636" }`, PATH)).toThrow(
      /listen\.ldaps: only an embedded directory is served/,
    );
  });

  it("has Exchange's longer waits on an edge", () => {
    const { retry } = parseConfig('role: edge\nfqdn: edge01.perimeter.test', PATH);
    expect([retry.transientInterval, retry.outboundInterval]).toEqual([600_000, 1_800_000]);
  });

  it('reads sizes as texts and as octets, and refuses thresholds in the wrong order', () => {
    const { backPressure } = parseConfig(`${HUB}backPressure: { diskMedium: 1GB, diskHigh: 4096 }`, PATH);
    expect([backPressure.diskMedium, backPressure.diskHigh]).toEqual([2 ** 30, 4096]);
    expect(() => parseConfig(`${HUB}backPressure: { diskHigh: 2GB }`, PATH)).toThrow(
      /backPressure\.diskHigh: more than/,
    );
    expect(() => parseConfig(`${HUB}backPressure: { diskHigh: much }`, PATH)).toThrow(/"much" is not a size/);
  });

  it('reads durations as texts and as seconds', () => {
    const { retry } = parseConfig(
      `${HUB}retry: { glitchInterval: 2s, messageInterval: 90, expiration: 1.00:00:00 }`,
      PATH,
    );
    expect([retry.glitchInterval, retry.messageInterval, retry.expiration]).toEqual([2000, 90_000, 86_400_000]);
  });

  it('makes paths absolute from the place of the file', () => {
    const config = parseConfig(`${HUB}folder: data\ndeliver: maildir:mail\nlog: { file: hub.log }`, PATH);
    expect([config.folder, config.deliver, config.log.file]).toEqual([
      '/srv/mail/data',
      { kind: 'maildir', folder: '/srv/mail/mail' },
      '/srv/mail/hub.log',
    ]);
  });

  it('reads where an LDAP directory is, whom to believe there and who to be', () => {
    const { directory } = parseConfig(
      `${HUB}directory:
  backend: ldap
  url: ldaps://dc01.corp.test
  certificate: dc01.crt
  bind: { method: simple, user: "cn=hub01,dc=corp,dc=test", passwordFile: secrets/ldap }
`,
      PATH,
    );
    expect(directory).toEqual({
      backend: 'ldap',
      urls: [{ host: 'dc01.corp.test', port: 636 }],
      certificate: '/srv/mail/dc01.crt',
      bind: { method: 'simple', user: 'cn=hub01,dc=corp,dc=test', passwordFile: '/srv/mail/secrets/ldap' },
      namingContext: undefined,
      refreshInterval: 30_000,
      announce: { port: 636, certificate: '/srv/mail/dc01.crt' },
    });
  });

  it('reads several servers of an LDAP directory in the order in which they are preferred', () => {
    const { directory } = parseConfig(
      `${HUB}directory: { backend: ldap, urls: ["ldaps://dc01", "ldaps://dc02:1636"], certificate: c, bind: { method: external } }`,
      PATH,
    );
    expect(directory).toMatchObject({
      urls: [
        { host: 'dc01', port: 636 },
        { host: 'dc02', port: 1636 },
      ],
    });
  });

  it('lets an Edge announce its directory at another port and with another certificate', () => {
    const { directory } = parseConfig(
      `role: edge
fqdn: edge01.perimeter.test
directory: { ${LDAP}, bind: { method: external, certificate: e.crt, key: e.key }, announce: { port: 50636, certificate: out.crt } }`,
      PATH,
    );
    expect(directory).toMatchObject({
      bind: { method: 'external', pair: { certificate: '/srv/mail/e.crt', key: '/srv/mail/e.key' } },
      announce: { port: 50_636, certificate: '/srv/mail/out.crt' },
    });
  });

  it('reads names in lower case, in which they are compared', () => {
    const config = parseConfig(
      'role: hub\nfqdn: Hub01.CORP.test\nhosts: { Edge01.Perimeter.Test: "127.0.0.1:2526" }',
      PATH,
    );
    expect([config.fqdn, config.netbiosName, config.hosts]).toEqual([
      'hub01.corp.test',
      'HUB01',
      { 'edge01.perimeter.test': { host: '127.0.0.1', port: 2526 } },
    ]);
  });

  it('reads name servers by address, with or without a port', () => {
    const { dns } = parseConfig(
      `${HUB}dns: { servers: [192.0.2.53, "127.0.0.1:5353", "2001:db8::53", "[::1]:5353"], timeout: 3s }`,
      PATH,
    );
    expect(dns).toEqual({
      servers: ['192.0.2.53:53', '127.0.0.1:5353', '[2001:db8::53]:53', '[::1]:5353'],
      timeout: 3000,
    });
  });

  it('reads JSON, which is YAML', () => {
    expect(parseConfig('{"role":"edge","fqdn":"edge01.perimeter.test"}', PATH).role).toBe('edge');
  });

  it.each([
    ['an empty file', '', 'config-invalid', 'not a list of settings such as "role: hub"'],
    ['a text', 'hello', 'config-invalid', 'not a list of settings such as "role: hub"'],
    ['a name server by name', `${HUB}dns: { servers: [ns.test] }`, 'config-invalid', '"ns.test" is not the address'],
    ['a name server at port 0', `${HUB}dns: { servers: ["127.0.0.1:0"] }`, 'config-invalid', 'dns.servers.0: "127.0'],
    ['one name server', `${HUB}dns: { servers: 127.0.0.1 }`, 'config-invalid', 'at dns.servers: not a list'],
    ['no time for DNS', `${HUB}dns: { timeout: 0 }`, 'config-invalid', 'at dns.timeout: too short'],
    ['a list', '- hub', 'config-invalid', 'not a list of settings such as "role: hub"'],
    ['no YAML', 'role: [hub', 'config-invalid', 'is not YAML: '],
    ['a setting twice', `${HUB}role: edge`, 'config-invalid', 'is not YAML: '],
    ['no role', 'fqdn: hub01.corp.test', 'config-invalid', 'at role: neither hub nor edge'],
    ['another role', 'role: mailbox\nfqdn: hub01.corp.test', 'config-invalid', 'at role: neither hub nor edge'],
    ['no name', 'role: hub', 'config-invalid', 'at fqdn: this setting is needed'],
    ['a short name', 'role: hub\nfqdn: hub01', 'config-invalid', 'at fqdn: not a fully qualified name'],
    ['a name with a hyphen at an end', 'role: hub\nfqdn: hub01-.corp.test', 'config-invalid', 'at fqdn: not a fully'],
    ['a number for a name', 'role: hub\nfqdn: 7', 'config-invalid', 'at fqdn: not a fully qualified name'],
    [
      'a NetBIOS name too long',
      `${HUB}netbiosName: ABCDEFGHIJKLMNOP`,
      'config-invalid',
      'at netbiosName: not a NetBIOS',
    ],
    ['an unknown setting', `${HUB}lisen: x`, 'config-invalid', '"lisen" is not a setting'],
    ['an unknown setting inside', `${HUB}retry: { often: 3 }`, 'config-invalid', 'at retry: "often" is not a setting'],
    ['an older format', `${HUB}format: 0`, 'config-invalid', 'at format: not a format that this relaypair knows'],
    ['a newer format', `${HUB}format: 2`, 'format-too-new', 'has format 2, this relaypair knows up to 1'],
    [
      'an address without a port',
      `${HUB}listen: { smtp: ["127.0.0.1"] }`,
      'config-invalid',
      'at listen.smtp.0: "127.0.0.1" is',
    ],
    ['a port alone', `${HUB}listen: { smtp: [25] }`, 'config-invalid', 'at listen.smtp.0: not an address and port'],
    ['no address to listen at', `${HUB}listen: { smtp: [] }`, 'config-invalid', 'at listen.smtp: '],
    ['a host with port 0', `${HUB}hosts: { a.test: "127.0.0.1:0" }`, 'config-invalid', 'at hosts.a.test: port 0 can'],
    [
      'a host that is no name',
      `${HUB}hosts: { "a b": "127.0.0.1:1" }`,
      'config-invalid',
      '"a b" is not a fully qualified',
    ],
    [
      'a duration without a unit',
      `${HUB}retry: { expiration: "2" }`,
      'config-invalid',
      'at retry.expiration: "2" is not a duration',
    ],
    ['a duration below zero', `${HUB}retry: { expiration: -2 }`, 'config-invalid', 'at retry.expiration: less than 0'],
    [
      'one address where a list belongs',
      `${HUB}listen: { smtp: "127.0.0.1:25" }`,
      'config-invalid',
      'at listen.smtp: not a list such as',
    ],
    [
      'a count that is none',
      `${HUB}limits: { maxConnections: many }`,
      'config-invalid',
      'at limits.maxConnections: not a number',
    ],
    [
      'a delivery target on an Edge',
      `role: edge\nfqdn: edge01.perimeter.test\ndeliver: maildir:mail\n`,
      'config-invalid',
      'at deliver: only a Hub delivers',
    ],
    [
      'a duration of another kind',
      `${HUB}retry: { expiration: true }`,
      'config-invalid',
      'at retry.expiration: not a duration',
    ],
    [
      'a retry without a pause',
      `${HUB}retry: { glitchInterval: 0s }`,
      'config-invalid',
      'at retry.glitchInterval: too short',
    ],
    ['a count below zero', `${HUB}retry: { glitchCount: -1 }`, 'config-invalid', 'at retry.glitchCount: '],
    ['a limit that is none', `${HUB}limits: { maxConnections: 0 }`, 'config-invalid', 'at limits.maxConnections: '],
    [
      'a proxy by name',
      `${HUB}proxies: { proxyProtocol: [balancer.test] }`,
      'config-invalid',
      '"balancer.test" is no address, no CIDR and no low-high range',
    ],
    [
      'a delivery target of another kind',
      `${HUB}deliver: mbox:/x`,
      'config-invalid',
      'at deliver: "mbox:/x" is no delivery target',
    ],
    [
      'a delivery target without a port',
      `${HUB}deliver: smtp:mail.test`,
      'config-invalid',
      'at deliver: "smtp:mail.test" is no',
    ],
    [
      'a directory of another kind',
      `${HUB}directory: { backend: nis }`,
      'config-invalid',
      'at directory.backend: neither',
    ],
    ['a directory that is a word', `${HUB}directory: ldap`, 'config-invalid', 'at directory: neither'],
    [
      'an embedded directory with an address',
      `${HUB}directory: { backend: embedded, url: x }`,
      'config-invalid',
      'at directory: "url" is not a setting',
    ],
    [
      'an LDAP directory without an address',
      `${HUB}directory: { backend: ldap, certificate: a, bind: { method: external } }`,
      'config-invalid',
      'at directory.url: this setting is needed',
    ],
    [
      'an LDAP directory with an address beside a list of them',
      `${HUB}directory: { ${LDAP}, urls: ["ldaps://dc02"], bind: { method: external } }`,
      'config-invalid',
      'at directory.url: there is a list of urls',
    ],
    [
      'an LDAP directory with a server twice',
      `${HUB}directory: { backend: ldap, urls: ["ldaps://a", "ldaps://a:636"], certificate: a, bind: { method: external } }`,
      'config-invalid',
      'at directory.urls: a:636 is named twice',
    ],
    [
      'an LDAP directory with an empty list of servers',
      `${HUB}directory: { backend: ldap, urls: [], certificate: a, bind: { method: external } }`,
      'config-invalid',
      'at directory.urls: not a list',
    ],
    [
      'an LDAP directory nobody binds to',
      `${HUB}directory: { ${LDAP} }`,
      'config-invalid',
      'at directory.bind: this setting is needed',
    ],
    [
      'a bind of another kind',
      `${HUB}directory: { ${LDAP}, bind: { method: md5 } }`,
      'config-invalid',
      'at directory.bind.method: ',
    ],
    [
      'a bind without a password',
      `${HUB}directory: { ${LDAP}, bind: { method: simple, user: x } }`,
      'config-invalid',
      'at directory.bind.passwordFile: this setting',
    ],
    [
      'a key without its certificate',
      `${HUB}directory: { ${LDAP}, bind: { method: external, key: x } }`,
      'config-invalid',
      'at directory.bind: certificate and key',
    ],
    [
      'a Hub that announces',
      `${HUB}directory: { ${LDAP}, bind: { method: external }, announce: { port: 636 } }`,
      'config-invalid',
      'at directory.announce: only an Edge',
    ],
    [
      'LDAP without TLS',
      `${HUB}directory: { backend: ldap, url: "ldap://a:389", certificate: a, bind: { method: external } }`,
      'config-invalid',
      'would be LDAP without TLS',
    ],
    [
      'a directory without a scheme',
      `${HUB}directory: { backend: ldap, url: "dc01:636", certificate: a, bind: { method: external } }`,
      'config-invalid',
      'is no address of an LDAP server',
    ],
    [
      'a directory at no port',
      `${HUB}directory: { backend: ldap, url: "ldaps://dc01:0", certificate: a, bind: { method: external } }`,
      'config-invalid',
      'a port that is none',
    ],
    ['a log level of another name', `${HUB}log: { level: loud }`, 'config-invalid', 'at log.level: '],
  ])('refuses %s in one clear sentence', (_, text, code, part) => {
    let refusal: unknown;
    try {
      parseConfig(text, PATH);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({ code });
    const { message } = refusal as Error;
    expect(message).toContain(part);
    expect(message).toContain(PATH);
    expect(message).not.toContain('\n');
  });
});

describe('readConfig', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-config-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('reads a file', () => {
    writeFileSync(join(folder, 'hub.yaml'), HUB);
    expect(readConfig(join(folder, 'hub.yaml'))).toMatchObject({ role: 'hub', folder });
  });

  it.each([
    ['absent.yaml', 'ENOENT'],
    ['.', 'EISDIR'],
  ])('says which file cannot be read: %s', (name, code) => {
    expect(() => readConfig(join(folder, name))).toThrow(
      expect.objectContaining({
        code: 'config-unreadable',
        message: expect.stringContaining(`cannot be read (${code})`),
      }),
    );
  });
});

describe('parseEndpoint', () => {
  it.each([
    ['127.0.0.1:25', { host: '127.0.0.1', port: 25 }],
    ['[::1]:2525', { host: '::1', port: 2525 }],
    ['mail.corp.test:25', { host: 'mail.corp.test', port: 25 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    [' 127.0.0.1:65535 ', { host: '127.0.0.1', port: 65_535 }],
  ])('reads %s', (text, expected) => {
    expect(parseEndpoint(text)).toEqual(expected);
  });

  it.each([
    '',
    '25',
    ':25',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '::1:25',
    '[127.0.0.1]:25',
    '[::g]:25',
    'a b:25',
    'a/b:25',
    '256.1.1.1:25',
    '1:2:3',
  ])('refuses "%s"', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });

  it('reads back whatever formatEndpoint writes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 65_535 }), (host, port) => {
        expect(parseEndpoint(formatEndpoint({ host, port }))).toEqual({ host, port });
      }),
    );
  });
});

describe('parseDeliveryTarget', () => {
  it.each([
    ['smtp:127.0.0.1:2527', { kind: 'smtp', host: '127.0.0.1', port: 2527 }],
    ['lmtp:[::1]:24', { kind: 'lmtp', host: '::1', port: 24 }],
    ['maildir:/var/mail', { kind: 'maildir', folder: '/var/mail' }],
    ['maildir:mail', { kind: 'maildir', folder: '/base/mail' }],
  ])('reads %s', (text, expected) => {
    expect(parseDeliveryTarget(text, '/base')).toEqual(expected);
  });

  it.each(['', 'smtp:', 'maildir:', 'smtp:h', 'smtp:h:0', 'SMTP:h:25', 'file:/x'])('refuses "%s"', (text) => {
    expect(() => parseDeliveryTarget(text, '/base')).toThrow(expect.objectContaining({ code: 'bad-delivery-target' }));
  });
});

describe('netbiosNameOf', () => {
  it.each([
    ['hub01.corp.test', 'HUB01'],
    ['a-very-long-host-name.corp.test', 'A-VERY-LONG-HOS'],
  ])('takes the first label of %s', (fqdn, expected) => {
    expect(netbiosNameOf(fqdn)).toBe(expected);
  });
});

it('keeps records for 30 days, 250 MB of each in files of 10 MB, unless told otherwise', () => {
  const limitsOf = (log: string) => {
    const { maxAge, maxFileSize, maxFolderSize } = parseConfig(
      `{ role: hub, fqdn: hub01.contoso.test${log} }`,
      '/etc/test.yaml',
    ).log;
    return { maxAge, maxFileSize, maxFolderSize };
  };
  expect(limitsOf('')).toEqual({ maxAge: 30 * 86_400_000, maxFileSize: 10 * 2 ** 20, maxFolderSize: 250 * 2 ** 20 });
  expect(limitsOf(', log: { maxAge: 7d, maxFileSize: 1MB, maxFolderSize: 2GB }')).toEqual({
    maxAge: 7 * 86_400_000,
    maxFileSize: 2 ** 20,
    maxFolderSize: 2 * 2 ** 30,
  });
});
