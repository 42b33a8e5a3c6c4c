import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chooseCredential,
  type EdgeSyncCredential,
  formatEdgeSyncCredential,
  isInForce,
  parseEdgeSyncCredential,
} from '../../../src/directory/edge-sync-credential.ts';
import { openHpke, sealHpke } from '../../../src/directory/hpke.ts';
import {
  checkPasswordVerifier,
  derivePasswordVerifier,
  verifyPassword,
} from '../../../src/directory/password-verifier.ts';
import { formatSealedLogin, parseSealedLogin } from '../../../src/directory/sealed-login.ts';
import { openSecretKey, seal, unseal } from '../../../src/directory/sealed-secret.ts';
import { temporaryFolder } from './fixtures.ts';

const PKCS8_HEADER = '302e020100300506032b656e04220420';
const SPKI_HEADER = '302a300506032b656e032100';

function privateKey(hex: string) {
  return createPrivateKey({ key: Buffer.from(PKCS8_HEADER + hex, 'hex'), type: 'pkcs8', format: 'der' });
}

function publicKey(hex: string) {
  return createPublicKey({ key: Buffer.from(SPKI_HEADER + hex, 'hex'), type: 'spki', format: 'der' });
}

/** RFC 9180 Appendix A.1.1, first encryption. */
const VECTOR = {
  ephemeral: '52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736',
  recipientPublic: '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
  recipientPrivate: '4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8',
  info: '4f6465206f6e2061204772656369616e2055726e',
  aad: '436f756e742d30',
  plaintext: '4265617574792069732074727574682c20747275746820626561757479',
  encapsulated: '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431',
  ciphertext: 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
};

describe('HPKE', () => {
  const context = { info: Buffer.from(VECTOR.info, 'hex'), aad: Buffer.from(VECTOR.aad, 'hex') };

  it('seals as the RFC does', () => {
    const sealed = sealHpke(
      publicKey(VECTOR.recipientPublic),
      Buffer.from(VECTOR.plaintext, 'hex'),
      context,
      privateKey(VECTOR.ephemeral),
    );
    expect(sealed.toString('hex')).toBe(VECTOR.encapsulated + VECTOR.ciphertext);
  });

  it('opens what the RFC sealed', () => {
    const sealed = Buffer.from(VECTOR.encapsulated + VECTOR.ciphertext, 'hex');
    expect(openHpke(privateKey(VECTOR.recipientPrivate), sealed, context).toString('hex')).toBe(VECTOR.plaintext);
  });
});

describe('sealed secret', () => {
  it('comes back with the key it was sealed to, and twice the same looks different', () => {
    const key = openSecretKey(temporaryFolder());
    fc.assert(
      fc.property(fc.string(), fc.string(), (secret, label) => {
        const sealed = seal(key.publicKeyPem, secret, label);
        expect(unseal(key, sealed, label).toString('utf8')).toBe(Buffer.from(secret).toString('utf8'));
        expect(seal(key.publicKeyPem, secret, label).equals(sealed)).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('stays shut for another key, another label, or a changed bit', () => {
    const [key, other] = [openSecretKey(temporaryFolder()), openSecretKey(temporaryFolder())];
    const sealed = seal(key.publicKeyPem, 'secret', 'label');
    const failed = expect.objectContaining({ code: 'unsealing-failed' });
    expect(() => unseal(other, sealed, 'label')).toThrow(failed);
    expect(() => unseal(key, sealed, 'other')).toThrow(failed);
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(() => unseal(key, changed, 'label')).toThrow(failed);
    }
    for (const length of [0, 1, 33, 48]) expect(() => unseal(key, sealed.subarray(0, length), 'label')).toThrow(failed);
  });

  it('keeps one key in its folder, for its owner alone', () => {
    const folder = join(temporaryFolder(), 'secrets');
    const key = openSecretKey(folder);
    expect(openSecretKey(folder).publicKeyPem).toBe(key.publicKeyPem);
    expect(readdirSync(folder)).toEqual(['secret-key.pem']);
    expect(statSync(join(folder, 'secret-key.pem')).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('says which file is damaged', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'secret-key.pem'), 'rubbish');
    expect(() => openSecretKey(folder)).toThrow(expect.objectContaining({ code: 'secret-key-unreadable' }));
  });

  it('seals to no other kind of key', () => {
    const rsa = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const own = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const pem of [rsa, own, 'rubbish']) {
      expect(() => seal(pem, 'secret')).toThrow(expect.objectContaining({ code: 'bad-encryption-key' }));
    }
  });
});

describe('password verifier', () => {
  it('takes the password it was made of and no other', async () => {
    const verifier = await derivePasswordVerifier('right');
    expect(verifier).toMatch(/^\{SCRYPT\}16384:8:1\$/);
    expect(await verifyPassword('right', verifier)).toBe(true);
    expect(await verifyPassword(Buffer.from('right'), verifier)).toBe(true);
    expect(await verifyPassword('wrong', verifier)).toBe(false);
    expect(await verifyPassword('right', await derivePasswordVerifier('other'))).toBe(false);
  });

  it('says no without a verifier', async () => {
    expect(await verifyPassword('any', undefined)).toBe(false);
  });

  it.each([
    '',
    'right',
    '{SSHA}abc',
    '{SCRYPT}1:8:1$AAAA$AAAA',
    '{SCRYPT}99999999:8:1$AAAA$AAAA',
    `{SCRYPT}16384:8:1$${'A'.repeat(24)}$AAAA`,
  ])('refuses the damaged verifier %j without quoting it', async (text) => {
    expect(() => checkPasswordVerifier(text)).toThrow(expect.objectContaining({ code: 'verifier-unreadable' }));
    const fault: unknown = await verifyPassword('right', text).catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'verifier-unreadable', message: expect.not.stringContaining('AAAA') });
  });
});

describe('EdgeSync credential', () => {
  const credential: EdgeSyncCredential = {
    targetServerFqdn: 'edge01.perimeter.test',
    sourceServerFqdn: 'hub01.contoso.test',
    effective: new Date('2026-01-01T00:00:00.000Z'),
    expiration: new Date('2026-03-01T00:00:00.000Z'),
    userName: 'ESRA.EDGE01.HUB01.0',
    purpose: 'LDAP',
  };

  it.each<Partial<EdgeSyncCredential>>([
    {},
    { sourceServerFqdn: '' },
    { purpose: 'SMTP', sealedPassword: Buffer.from([0, 255, 10]) },
    { verifier: 'SCRAM-SHA-256$4096:a$b:c' },
  ])('comes back from its text as it was: %j', (given) => {
    const value = { ...credential, ...given };
    expect(parseEdgeSyncCredential(formatEdgeSyncCredential(value))).toEqual(value);
  });

  const text = formatEdgeSyncCredential(credential);
  it.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['a property more', text.replace('{', '{"extra":1,')],
    ['a property less', text.replace('"purpose":"LDAP"', '"purposes":"LDAP"')],
    ['an unknown purpose', text.replace('"LDAP"', '"POP"')],
    ['a time that is none', text.replace('2026-01-01', '2026-13-01')],
    ['a window that ends before it begins', text.replace('2026-01-01', '2027-01-01')],
    ['no target', text.replace('edge01.perimeter.test', '')],
    ['a password that is no base64', text.replace('}', ',"sealed":"***"}')],
  ])('refuses %s', (_what, damaged) => {
    expect(() => parseEdgeSyncCredential(damaged)).toThrow(new RangeError('not an EdgeSync credential'));
  });

  it.each([
    ['2025-12-31T23:54:59Z', false],
    ['2025-12-31T23:55:00Z', true],
    ['2026-01-01T00:00:00Z', true],
    ['2026-02-28T23:59:59Z', true],
    ['2026-03-01T00:00:00Z', false],
  ])('is in force at %s: %s', (now, expected) => {
    expect(isInForce(credential, new Date(now))).toBe(expected);
  });

  it('is chosen by purpose and servers, the one that ends last', () => {
    const later = { ...credential, userName: 'later', expiration: new Date('2026-06-01T00:00:00Z') };
    const others = [
      { ...later, userName: 'smtp', purpose: 'SMTP' as const },
      { ...later, userName: 'elsewhere', targetServerFqdn: 'edge02.perimeter.test' },
      { ...later, userName: 'ended', expiration: new Date('2026-01-15T00:00:00Z') },
    ];
    const wanted = {
      purpose: 'LDAP',
      sourceServerFqdn: 'HUB01.contoso.test',
      targetServerFqdn: 'edge01.perimeter.TEST',
    } as const;
    expect(chooseCredential([credential, ...others, later], wanted, new Date('2026-02-01T00:00:00Z'))?.userName).toBe(
      'later',
    );
    expect(chooseCredential(others, wanted, new Date('2026-02-01T00:00:00Z'))).toBeUndefined();
  });
});

describe('sealed login', () => {
  it('comes back from its text, and refuses any other', () => {
    const login = { userName: 'relay', sealedPassword: Buffer.from([1, 2, 3]) };
    expect(parseSealedLogin(formatSealedLogin(login))).toEqual(login);
    for (const text of ['', '{}', '{"user":"a","sealed":"!"}', '{"user":"a","sealed":"AQ==","x":1}']) {
      expect(() => parseSealedLogin(text)).toThrow(RangeError);
    }
  });
});
