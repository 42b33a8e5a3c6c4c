// OpenSSL's client and server in every version of TLS against what connectors say of versions and suites: TLS 1.2 and strong suites
// unless they say otherwise, up as well as down, and down never without a warning.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import type { TlsTerms } from '../../src/tls/tls-terms.ts';
import { noteInterop } from '../helpers/interop-report.ts';
import { openOpensslServer } from '../helpers/openssl-server.ts';
import { requirePeer } from '../helpers/peers.ts';
import { runProgram } from '../helpers/program.ts';
import { Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import { SenderFixture } from '../helpers/sender-fixture.ts';

const AT_THE_EDGE = 'Default internal receive connector EDGE01';
const FLAGS = { TLSv1: '-tls1', 'TLSv1.1': '-tls1_1', 'TLSv1.2': '-tls1_2', 'TLSv1.3': '-tls1_3' } as const;
type Version = keyof typeof FLAGS;
const VERSIONS = Object.keys(FLAGS) as Version[];
/** Whatever OpenSSL has. */
const ANYTHING = ['-cipher', 'ALL:@SECLEVEL=0'];

const FLOORS = [
  ['Tls12', ['TLSv1.2', 'TLSv1.3']],
  ['Tls13', ['TLSv1.3']],
  ['Tls11', ['TLSv1.1', 'TLSv1.2', 'TLSv1.3']],
  ['Tls10', VERSIONS],
] as const;

describe.skipIf(!requirePeer('openssl'))('a connector with a floor', () => {
  describe('that receives', () => {
    let relaying: Relaying;
    beforeAll(async () => {
      relaying = await Relaying.start();
    }, 240_000);
    afterAll(() => relaying?.[Symbol.asyncDispose]());

    /** The suite, by OpenSSL's name; undefined when there was no handshake. */
    async function shake(version: Version, cipher: readonly string[] = ANYTHING): Promise<string | undefined> {
      const where = ['-connect', `127.0.0.1:${relaying.servers.ports.edge}`, '-starttls', 'smtp', '-name', 'me.test'];
      const ran = await runProgram('openssl', ['s_client', ...where, FLAGS[version], ...cipher], {
        env: { OPENSSL_CONF: '/dev/null' },
      });
      return new RegExp(
        `^New, .*, Cipher is (?!\\(NONE\\))(\\S+)[^]*^ *Protocol *: ${version}$|^New, ${version}, Cipher is (?!\\(NONE\\))(\\S+)`,
        'm',
      )
        .exec(ran.stdout)
        ?.slice(1)
        .find((name) => name !== undefined);
    }

    async function served(): Promise<Version[]> {
      const seen = await Promise.all(
        VERSIONS.map(async (version) => ((await shake(version)) === undefined ? [] : [version])),
      );
      return seen.flat();
    }

    it.each(FLOORS)('of %s serves %j', async (floor, expected) => {
      const { servers } = relaying;
      if (floor !== 'Tls12')
        await servers.ask('edge', 'Set-ReceiveConnector', { Identity: AT_THE_EDGE, TlsMinimumVersion: floor });
      expect(await served()).toEqual(expected);
      noteInterop({
        peer: 'OpenSSL',
        as: 'client',
        what: `s_client in each version, TlsMinimumVersion ${floor}`,
        result: expected.join(', '),
      });
    });

    it('below TLS 1.2 says so: when it is set, whenever it is shown, in the event log', async () => {
      const { servers } = relaying;
      const weak = `"${AT_THE_EDGE}" allows TLS that can be broken: TLS 1.0`;
      const set = await servers.call('edge', 'Set-ReceiveConnector', {
        Identity: AT_THE_EDGE,
        TlsMinimumVersion: 'Tls10',
      });
      expect(set.warnings?.join()).toContain(weak);
      const shown = await servers.call('edge', 'Get-ReceiveConnector', { Identity: AT_THE_EDGE });
      expect(shown.warnings?.join()).toContain(weak);
      expect(shown.records[0]).toMatchObject({ TlsMinimumVersion: 'Tls10', TlsCipherSuites: [] });
      const events = await servers.ask('edge', 'Get-EventLog', { EventId: '30350' });
      expect(events.map(({ Message }) => Message)).toContainEqual(expect.stringContaining(weak));
      await servers.ask('edge', 'Set-ReceiveConnector', { Identity: AT_THE_EDGE, TlsMinimumVersion: 'Tls12' });
      expect((await servers.call('edge', 'Get-ReceiveConnector')).warnings).toEqual([]);
    });

    it('with suites of its own serves those and no other, to the pair as well, and the card names version and suite', async () => {
      const { servers } = relaying;
      const suites = { TlsCipherSuites: 'aes128-sha' };
      await servers.ask('edge', 'Set-ReceiveConnector', { Identity: AT_THE_EDGE, ...suites });
      expect([await shake('TLSv1.2'), await shake('TLSv1.3')]).toEqual(['AES128-SHA', undefined]);
      expect(await shake('TLSv1.2', ['-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'])).toBeUndefined();
      const warned = await servers.call('hub', 'Set-TransportConfig', {
        IntraOrgTlsMinimumVersion: 'Tls11',
        IntraOrgTlsCipherSuites: 'AES128-SHA',
      });
      expect(warned.warnings?.join()).toMatch(
        /"Intra-Organization SMTP Send Connector" allows .*: TLS 1\.1, AES128-SHA\./,
      );
      const weak = { version: 'TLSv1.2', cipher: 'TLS_RSA_WITH_AES_128_CBC_SHA' };
      const { outbound } = await relaying.exchangeLetters('weak suite');
      expect(outbound).toMatchObject({ ...TRUSTED_TLS, tls: weak });
      const received = servers
        .cards('edge')
        .findLast(({ side, reason }) => side === 'receiver' && reason === 'direct-trust');
      expect(received).toMatchObject({ tls: weak });
      await servers.ask('edge', 'Set-ReceiveConnector', { Identity: AT_THE_EDGE, TlsCipherSuites: '$null' });
      expect(await shake('TLSv1.2')).toMatch(/^ECDHE-RSA-.*(?:GCM|CHACHA20)/);
    });

    it('that contradicts itself is refused in a sentence', async () => {
      const { servers } = relaying;
      const ran = await servers.run('edge', 'Set-ReceiveConnector', AT_THE_EDGE, '-TlsCipherSuites', 'RC5');
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toMatch(
        /^relaypair: Receive connector ".*": TlsCipherSuites: OpenSSL has no suite "RC5" [^\n]+\n$/,
      );
    });
  });

  describe('that sends', () => {
    const fixture = new SenderFixture();
    afterEach(() => fixture.cleanUp());

    it.each(FLOORS)('of %s uses %j', async (tlsMinimumVersion, expected) => {
      const pair = await createSelfSigned({ netbiosName: 'MX', fqdn: 'mx.test', notBefore: new Date() });
      const tlsTerms: TlsTerms = { tlsMinimumVersion, tlsCipherSuites: [] };
      const used: string[] = [];
      for (const version of VERSIONS) {
        const server = await openOpensslServer(pair, [FLAGS[version], ...ANYTHING]);
        fixture.adopt(server);
        const result = await fixture.dial(server.port, { startTls: 'attempt', tlsTerms });
        if (result.kind === 'connected' && result.session.tls.kind === 'established')
          used.push(result.session.tls.session.protocol);
        else expect(result).toMatchObject({ phase: 'starttls', tls: { kind: 'failed', verb: 'STARTTLS' } });
      }
      expect(used).toEqual(expected);
      noteInterop({
        peer: 'OpenSSL',
        as: 'server',
        what: `s_server in each version, TlsMinimumVersion ${tlsMinimumVersion}`,
        result: expected.join(', '),
      });
    });
  });
});
