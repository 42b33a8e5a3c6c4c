// The pair's own verb as the queue opens a hop by it: used where it is offered, STARTTLS where it is not, and on the card either way.

import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_TLS_SETTINGS } from '../../../src/directory/tls-settings.ts';
import { silentLog } from '../../../src/log.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { type OpenedSmtp, openSmtpHop, termsFor } from '../../../src/transport/smtp-hop.ts';
import { SenderFixture } from '../../helpers/sender-fixture.ts';
import type { SmtpScript } from '../../helpers/scripted-smtp-server.ts';
import { makePeer } from './organisation-fixtures.ts';

const EDGE = 'edge01.perimeter.test';
const fixture = new SenderFixture();
let hub: KeyPair;
let edge: KeyPair;
let bought: KeyPair;

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 60_000);
  [hub, edge, bought] = await Promise.all([
    createSelfSigned({ netbiosName: 'HUB01', fqdn: 'hub01.corp.test', notBefore }),
    createSelfSigned({ netbiosName: 'EDGE01', fqdn: EDGE, notBefore }),
    createSelfSigned({ netbiosName: 'EDGE01', fqdn: EDGE, notBefore }),
  ]);
});
afterEach(() => fixture.cleanUp());

function shows({ privateKeyPem: key, certificate }: KeyPair): NonNullable<SmtpScript['tls']> {
  return { key, cert: certificate.pem, requestCert: true, rejectUnauthorized: false };
}

async function open(script: SmtpScript, isPeer = true): Promise<OpenedSmtp> {
  const server = await fixture.listen({
    keywordsInTls: ['AUTH EXTERNAL'],
    answers: { AUTH: '235 2.7.0 Ok' },
    ...script,
  });
  const opened = await openSmtpHop({
    address: { host: '127.0.0.1', port: server.port, name: EDGE },
    stance: 'opportunistic',
    peer: isPeer ? makePeer(EDGE, { certificate: edge.certificate }) : undefined,
    connector: 'Out',
    names: [],
    tls: { ...DEFAULT_TLS_SETTINGS, tlsVerb: 'XAnonymousTls' },
    name: 'hub01.corp.test',
    own: hub,
    settings: { expiredCertificate: 'Plaintext', untrustedCertificate: 'Defer' },
    now: () => new Date(),
    hasWaited: false,
    lmtp: false,
    handshakeTimeoutMs: 5000,
    log: silentLog(),
  });
  if (opened.kind === 'ready') opened.session.destroy();
  return opened;
}

const BOTH = ['STARTTLS', 'X-ANONYMOUSTLS'];

describe('a hop of the pair that wants X-ANONYMOUSTLS', () => {
  it('has it where it is offered, in direct trust', async () => {
    expect(await open({ keywords: BOTH, tls: shows(edge) })).toMatchObject({
      kind: 'ready',
      facts: {
        reason: 'direct-trust',
        channel: 'tls',
        protection: 'authenticated-and-protected',
        startTls: { offered: true, attempted: true, verb: 'X-ANONYMOUSTLS' },
        authentication: { mechanism: 'EXTERNAL', result: 'recognised' },
      },
    });
  });

  it('has STARTTLS where that alone is offered, which the card says', async () => {
    const opened = await open({ keywords: ['STARTTLS'], tls: shows(edge) });
    expect(opened.facts).toMatchObject({ reason: 'direct-trust', policy: 'direct-trust' });
    expect(opened.facts.startTls).toEqual({
      offered: true,
      attempted: true,
      verb: 'STARTTLS',
      notOffered: 'X-ANONYMOUSTLS',
    });
  });

  it('lets mail wait when STARTTLS shows a certificate that is not on record', async () => {
    expect(await open({ keywords: ['STARTTLS'], tls: shows(bought) })).toMatchObject({
      kind: 'deferred',
      facts: { reason: 'certificate-not-trusted', startTls: { verb: 'STARTTLS', notOffered: 'X-ANONYMOUSTLS' } },
    });
  });

  it('lets mail wait when X-ANONYMOUSTLS itself shows one', async () => {
    expect(await open({ keywords: BOTH, tls: shows(bought) })).toMatchObject({
      kind: 'deferred',
      facts: { reason: 'certificate-not-trusted', startTls: { verb: 'X-ANONYMOUSTLS' } },
    });
  });

  it('suspects a downgrade where neither is offered, and a refusal is one of X-ANONYMOUSTLS', async () => {
    const bare = await open({ keywords: [] });
    expect(bare.facts.startTls).toEqual({ offered: false, attempted: false, notOffered: 'X-ANONYMOUSTLS' });
    expect(bare.facts.events).toContain(30_001);
    const refused = await open({
      keywords: BOTH,
      answers: { 'X-ANONYMOUSTLS': '454 4.7.0 Not now' },
      tls: shows(edge),
    });
    expect(refused.facts.startTls).toEqual({ offered: true, attempted: true, verb: 'X-ANONYMOUSTLS', answer: 454 });
  });

  it('is not what a stranger gets', async () => {
    const opened = await open({ keywords: BOTH, tls: shows(bought) }, false);
    expect(opened.facts.startTls).toEqual({ offered: true, attempted: true, verb: 'STARTTLS' });
    expect(opened.facts.reason).toBe('tls-opportunistic');
  });
});

describe('the terms of a hop', () => {
  const weak = { ...DEFAULT_TLS_SETTINGS, tlsMinimumVersion: 'Tls10' } as const;
  const strict = { ...DEFAULT_TLS_SETTINGS, tlsMinimumVersion: 'Tls13' } as const;

  it("are the connector's, but never weak for mail whose sender demands TLS", () => {
    expect(termsFor({ tls: weak, demand: undefined })).toBe(weak);
    expect(termsFor({ tls: weak, demand: 'tls-optional' })).toBe(weak);
    for (const demand of ['requiretls', 'requiretls-report'] as const) {
      expect(termsFor({ tls: weak, demand })).toMatchObject({ tlsMinimumVersion: 'Tls12', tlsCipherSuites: [] });
      expect(termsFor({ tls: strict, demand })).toBe(strict);
    }
  });
});
