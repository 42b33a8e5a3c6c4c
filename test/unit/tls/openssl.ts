// Certificates and files made and read by the `openssl` command, so that the product's own code is never its own witness.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** False where the command is missing: the tests that need it are then skipped by name. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

export interface Workbench {
  readonly folder: string;
  /** Runs openssl in the folder and gives its standard output. */
  run(...args: string[]): string;
  read(name: string): Buffer;
  path(name: string): string;
  remove(): void;
}

export function makeWorkbench(): Workbench {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-tls-'));
  const path = (name: string): string => join(folder, name);
  return {
    folder,
    run: (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }).toString(),
    read: (name) => readFileSync(path(name)),
    path,
    remove: () => rmSync(folder, { recursive: true }),
  };
}

const KEY_ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  'rsa-1024': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'p-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'p-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'p-521': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  secp256k1: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
  ed25519: ['-algorithm', 'ED25519'],
};

/** NAME.key */
export function makeKey(bench: Workbench, name: string, kind: string): void {
  bench.run('genpkey', ...(KEY_ARGUMENTS[kind] ?? []), '-out', `${name}.key`);
}

/** NAME.key and NAME.pem, self-signed; `extensions` in the form of openssl's -addext. */
export function makeSelfSigned(bench: Workbench, name: string, kind: string, ...extensions: string[]): void {
  makeKey(bench, name, kind);
  const added = extensions.flatMap((extension) => ['-addext', extension]);
  bench.run(
    'req',
    '-x509',
    '-key',
    `${name}.key`,
    '-subj',
    `/CN=${name}`,
    '-days',
    '30',
    '-out',
    `${name}.pem`,
    ...added,
  );
}

/** root.pem and issuing.pem, with their keys. */
export function makeAuthority(bench: Workbench): void {
  makeSelfSigned(bench, 'root', 'p-256');
  makeKey(bench, 'issuing', 'p-256');
  sign(bench, { name: 'issuing', issuer: 'root', isAuthority: true });
}

/** NAME.key, and NAME.pem signed by "issuing". */
export function makeIssued(bench: Workbench, name: string, kind: string): void {
  makeKey(bench, name, kind);
  sign(bench, { name, issuer: 'issuing', isAuthority: false });
}

function sign(
  bench: Workbench,
  { name, issuer, isAuthority }: { name: string; issuer: string; isAuthority: boolean },
): void {
  const extensions = ['-addext', `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`];
  const san = ['-addext', `subjectAltName=DNS:${name}.contoso.com`];
  bench.run('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`, ...extensions, ...san);
  answerRequest(bench, name, issuer);
}

/** NAME.pem of NAME.csr, with the extensions that it asks for. */
export function answerRequest(bench: Workbench, name: string, issuer: string): void {
  const authority = ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial', '-copy_extensions', 'copy'];
  bench.run('x509', '-req', '-in', `${name}.csr`, ...authority, '-days', '20', '-out', `${name}.pem`);
}
