import { beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/clock.ts';
import { makeReceiveConnector } from '../../src/directory/default-receive-connectors.ts';
import type { TlsSettings } from '../../src/directory/tls-settings.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { selectCertificate } from '../../src/tls/certificate-selection.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { type PairSource, TlsContexts } from '../../src/tls-contexts.ts';
import type { TlsVerb } from '../../src/smtp/tls-verb.ts';

const FQDN = 'edge01.perimeter.test';
let internal: KeyPair;
let bought: KeyPair;
let contexts: TlsContexts;

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 1000);
  internal = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: FQDN, notBefore });
  const other = await createSelfSigned({
    netbiosName: 'EDGE01',
    fqdn: FQDN,
    notBefore: new Date(notBefore.getTime() - 86_400_000),
  });
  // Older than the other, and issued by somebody else.
  bought = { ...other, certificate: { ...other.certificate, selfSigned: false } };
  const pairs = [internal, bought];
  const source: PairSource = {
    selectFor: (question) => selectCertificate(pairs, internal, question),
    internalTransport: () => internal,
    keyPair: (thumbprint) => pairs.find(({ certificate }) => certificate.thumbprint === thumbprint) ?? internal,
  };
  contexts = new TlsContexts(source, FQDN, new SystemClock());
});

function identity(verb: TlsVerb, settings: Partial<TlsSettings> = {}, servername?: string) {
  const tls = makeReceiveConnector({ name: 'x', ...settings });
  return contexts.identityFor({ verb, servername, connectorFqdn: FQDN, tls });
}

describe('the identity of a handshake', () => {
  it('is the certificate of direct trust for everybody as long as the pair uses STARTTLS', () => {
    for (const name of [undefined, FQDN]) {
      expect(identity('STARTTLS', {}, name)).toMatchObject({
        certificate: internal.certificate,
        asksForCertificate: true,
      });
    }
  });

  it('is the one that was bought for strangers, and that of direct trust for the pair, once the pair has its own verb', () => {
    const settings = { tlsVerb: 'XAnonymousTls' } as const;
    for (const name of [undefined, FQDN]) {
      expect(identity('STARTTLS', settings, name)).toMatchObject({
        certificate: bought.certificate,
        asksForCertificate: false,
      });
      expect(identity('X-ANONYMOUSTLS', settings, name)).toMatchObject({
        certificate: internal.certificate,
        asksForCertificate: true,
      });
    }
  });

  it('has one context for the same certificate and terms, and another for others', () => {
    const first = identity('STARTTLS')?.context;
    expect(identity('STARTTLS', { comment: 'another connector' } as object)?.context).toBe(first);
    const old = identity('STARTTLS', { tlsMinimumVersion: 'Tls10' });
    expect(old?.context).not.toBe(first);
    expect(old?.minimumVersion).toBe('Tls10');
  });
});
