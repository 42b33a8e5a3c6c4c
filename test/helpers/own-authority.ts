// A company's own authority as openssl makes it: a root, an intermediate that signs, and certificates for servers.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Order {
  readonly key: 'rsa' | 'ec';
  /** The first one is the common name too. */
  readonly domains: readonly string[];
}

export class OwnAuthority {
  readonly #folder: string;

  /** Everything is written into `folder`; `root.pem` is what clients would know. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#run(
      'req',
      '-x509',
      ...newKey('rsa', 'root'),
      '-subj',
      '/CN=Contoso Root',
      '-days',
      '3650',
      '-out',
      'root.pem',
    );
    const ca = 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n';
    this.#sign('intermediate', 'rsa', { by: 'root', subject: '/CN=Contoso Issuing', extensions: ca });
  }

  /** Makes NAME.pem with certificate, chain and key, and gives back the SHA-1 thumbprint as Exchange shows it. */
  issue(name: string, { key, domains }: Order): string {
    const names = domains.map((domain) => `DNS:${domain}`).join();
    const extensions = `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`;
    this.#sign(name, key, { by: 'intermediate', subject: `/O=Contoso/CN=${domains[0] ?? name}`, extensions });
    const parts = [`${name}.crt`, 'intermediate.crt', `${name}.key`];
    writeFileSync(this.#path(`${name}.pem`), parts.map((part) => readFileSync(this.#path(part), 'utf8')).join(''));
    const fingerprint = this.#run('x509', '-in', `${name}.crt`, '-noout', '-fingerprint', '-sha1');
    return fingerprint.replaceAll(/^.*=|[:\s]/g, '');
  }

  /** NAME.pfx of what was issued, and NAME.password with what opens it. */
  pack(name: string, password: string): void {
    writeFileSync(this.#path(`${name}.password`), `${password}\n`);
    const parts = ['-inkey', `${name}.key`, '-in', `${name}.crt`, '-certfile', 'intermediate.crt'];
    this.#run('pkcs12', '-export', ...parts, '-passout', `pass:${password}`, '-out', `${name}.pfx`);
  }

  /** What a client that knows the root alone says about the server at a port; throws when it does not trust it. */
  verify(port: number, name: string): string {
    const server = ['-connect', `127.0.0.1:${port}`, '-starttls', 'smtp', '-servername', name];
    const check = ['-CAfile', 'root.pem', '-verify_return_error', '-verify_hostname', name, '-brief'];
    return this.#run('s_client', ...server, ...check);
  }

  #sign(name: string, key: Order['key'], request: { by: string; subject: string; extensions: string }): void {
    const { by, subject, extensions } = request;
    writeFileSync(this.#path(`${name}.ext`), extensions);
    this.#run('req', ...newKey(key, name), '-subj', subject, '-out', `${name}.csr`);
    const issuer = ['-CA', by === 'root' ? 'root.pem' : `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial'];
    const terms = ['-days', '400', '-extfile', `${name}.ext`];
    this.#run('x509', '-req', '-in', `${name}.csr`, ...issuer, ...terms, '-out', `${name}.crt`);
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #run(...parameters: string[]): string {
    // s_client ends with its input and tells what it found on its standard error.
    const command = 'openssl "$@" 2>&1 < /dev/null';
    return execFileSync('sh', ['-c', command, 'openssl', ...parameters], { cwd: this.#folder, encoding: 'utf8' });
  }
}

function newKey(key: Order['key'], name: string): string[] {
  const kind = key === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : ['rsa:2048'];
  return ['-newkey', ...kind, '-nodes', '-keyout', `${name}.key`];
}
