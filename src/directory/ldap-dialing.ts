// The way to a directory on an LDAP server, as the config file has it: connects, judges the server by exact match with the
// certificates on record before anything is sent, and binds. Dates are no reason to refuse, as everywhere in direct trust, but
// are told. Files are read at each connection, so that a certificate or a password can be replaced while the server runs.

import { readFileSync, statSync } from 'node:fs';
import type { OpenTap } from '../capture/tap.ts';
import type { Clock } from '../clock.ts';
import type { LdapBindConfig, LdapDirectoryConfig } from '../config-directory.ts';
import { type Endpoint, formatEndpoint } from '../config.ts';
import { connectLdap, type LdapClient } from '../ldap/client.ts';
import { LdapFault, ResultCode } from '../ldap/result.ts';
import { messageOf, Problem } from '../problem.ts';
import { type Certificate, isSameCertificate, parseCertificateChain, validityAt } from '../tls/certificate.ts';
import { importPair } from '../tls/certificate-import.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import type { TlsSession } from '../tls/tls-session.ts';

export interface LdapDialingOptions {
  readonly config: LdapDirectoryConfig;
  /** Which of the servers of the config. */
  readonly url: Endpoint;
  readonly clock: Clock;
  /** What SASL EXTERNAL shows when the config names no pair of its own. */
  readonly ownKeyPair: () => KeyPair | undefined;
  /** From the config's hosts table; undefined: the name itself is resolved. */
  readonly hostOf?: (name: string) => string | undefined;
  /** What the organization has on record for the server, where it is one of its own: accepted beside what the file holds. */
  readonly onRecord?: () => readonly Certificate[];
  /** Told when the server's certificate is the right one and out of its dates. */
  readonly onOutOfDates?: (certificate: Certificate) => void;
  readonly tap?: OpenTap | undefined;
}

/**
 * Gives a connection that is approved and bound. Rejects with Problem `directory-not-trusted`, `directory-bind-refused`,
 * `directory-file-unreadable`, `ldap-unreachable` or `ldap-peer-refused`.
 */
export function dialDirectory(options: LdapDialingOptions): () => Promise<LdapClient> {
  return async () => {
    const { config, url } = options;
    const { bind } = config;
    const pinned = [...readCertificates(config.certificate), ...(options.onRecord?.() ?? [])];
    const pair = bind.method === 'external' ? readOwnPair(bind, options) : undefined;
    const password = bind.method === 'simple' ? readPassword(bind.passwordFile) : undefined;
    const client = await connectLdap({
      host: options.hostOf?.(url.host) ?? url.host,
      port: url.port,
      ...(options.hostOf?.(url.host) !== undefined && { servername: url.host }),
      ...(pair && { clientCertificate: pair }),
      tap: options.tap,
      approve: (session) => judge(session, pinned, options),
    });
    try {
      if (bind.method === 'simple') await client.bindSimple(bind.user, password ?? '');
      else await client.bindExternal();
      return client;
    } catch (error) {
      await client.close();
      throw explainBind(error, options);
    }
  };
}

/** The certificates on record in a file: the present one, and while a renewal is under way the next one. */
export function readCertificates(path: string): readonly Certificate[] {
  try {
    return parseCertificateChain(readFileSync(path));
  } catch (error) {
    throw unreadable("the LDAP server's certificate", path, error);
  }
}

function judge({ peerCertificate }: TlsSession, pinned: readonly Certificate[], options: LdapDialingOptions) {
  const { config, url, clock, onOutOfDates } = options;
  if (!peerCertificate || !pinned.some((certificate) => isSameCertificate(certificate, peerCertificate))) {
    return new Problem(
      'directory-not-trusted',
      `the LDAP server ${formatEndpoint(url)} showed the certificate ${peerCertificate?.thumbprint ?? 'none'}, which is not in ${config.certificate}: nothing was sent; put its certificate there if it was renewed`,
    );
  }
  if (validityAt(peerCertificate, clock.now()) !== 'valid') onOutOfDates?.(peerCertificate);
  return undefined;
}

function readOwnPair(
  bind: Extract<LdapBindConfig, { method: 'external' }>,
  { ownKeyPair, url }: LdapDialingOptions,
): KeyPair {
  if (bind.pair) {
    const { certificate, key } = bind.pair;
    try {
      return importPair(Buffer.concat([readFileSync(certificate), Buffer.from('\n'), readPrivateFile(key)]));
    } catch (error) {
      throw unreadable('the certificate and key to bind with', `${certificate} and ${key}`, error);
    }
  }
  const pair = ownKeyPair();
  if (pair) return pair;
  throw new Problem(
    'directory-bind-refused',
    `there is no internal transport certificate to show to ${formatEndpoint(url)}: make one with New-ExchangeCertificate`,
  );
}

function readPassword(path: string): string {
  let text: string;
  try {
    text = readPrivateFile(path)
      .toString('utf8')
      .replace(/\r?\n$/, '');
  } catch (error) {
    throw unreadable('the password for the LDAP server', path, error);
  }
  if (text === '' || text.includes('\n'))
    throw new Problem(
      'directory-file-unreadable',
      `the password for the LDAP server cannot be read from ${path}: it must be one line`,
    );
  return text;
}

function readPrivateFile(path: string): Buffer {
  if ((statSync(path).mode & 0o007) !== 0) throw new Error('everybody may open it, chmod it to 600');
  return readFileSync(path);
}

function unreadable(what: string, path: string, error: unknown): Problem {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const why =
    code === 'ENOENT' ? 'there is no such file' : syscall === undefined ? messageOf(error) : (code ?? syscall);
  return new Problem('directory-file-unreadable', `${what} cannot be read from ${path}: ${why}`, { cause: error });
}

function explainBind(error: unknown, { url, config: { bind } }: LdapDialingOptions): unknown {
  if (!(error instanceof LdapFault)) return error;
  const peer = formatEndpoint(url);
  const isRefusal = REFUSALS.has(error.resultCode);
  const who = bind.method === 'simple' ? `${bind.user} with its password` : 'the certificate of this server';
  const remedy = isRefusal ? 'let it in there, or correct directory.bind' : 'try again later';
  return new Problem(
    'directory-bind-refused',
    `the LDAP server ${peer} does not take ${who} (${error.message}): ${remedy}`,
    { cause: error },
  );
}

const REFUSALS: ReadonlySet<number> = new Set([
  ResultCode.invalidCredentials,
  ResultCode.inappropriateAuthentication,
  ResultCode.insufficientAccessRights,
  ResultCode.authMethodNotSupported,
]);
