// The machine's own pairs: which certificates this server has, what they serve for, and which one is published for direct
// trust. Keys leave only through `keyPair` (TLS inside this process) and, if made exportable, `exportPrivateKey`.
// States of an entry: pending request -> (its answer is imported) -> stored -> enabled for SMTP -> removed.

import type { Cancel } from '../clock.ts';
import type { Log } from '../log.ts';
import { Problem } from '../problem.ts';
import { type Certificate, hasSameKey } from './certificate.ts';
import type { IssuedCertificate } from './certificate-import.ts';
import type { CertificateRequest } from './certificate-request.ts';
import { selectCertificate, type SelectionQuestion } from './certificate-selection.ts';
import { checkKeyPair, type KeyPair } from './key-pair.ts';
import { type RootCaType, rootCaTypeOf } from './root-authority.ts';
import { type StoreEntry, StoreFolder } from './store-folder.ts';

export type { KeyPair } from './key-pair.ts';

/** What may be shown of an entry: no key in it. */
export interface StoredCertificate {
  /** For a pending request a placeholder, self-signed for the same key. */
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
  readonly services: readonly 'SMTP'[];
  readonly friendlyName: string;
  readonly privateKeyExportable: boolean;
  readonly hasPrivateKey: boolean;
  readonly rootCaType: RootCaType;
  readonly pendingRequest: boolean;
}

export interface AddOptions {
  /** True: the key may be exported later. Can never be changed. */
  exportable?: boolean;
  /** "Microsoft Exchange" in Exchange's own; empty when absent. */
  friendlyName?: string;
}

interface Kept {
  readonly entry: StoreEntry;
  readonly stored: StoredCertificate;
}

/** A folder of certificate pairs, readable by its owner alone. One process at a time. */
export class CertificateStore {
  readonly #folder: StoreFolder;
  readonly #kept = new Map<string, Kept>();
  readonly #listeners = new Set<() => void>();
  #internalTransport: string | undefined;
  /** Asked for each session and message; undefined after a change. */
  #serving: readonly StoredCertificate[] | undefined;

  private constructor(folder: StoreFolder) {
    this.#folder = folder;
    for (const entry of folder.readEntries()) this.#remember(entry);
    this.#internalTransport = folder.readInternalTransport();
    this.#dropAnsweredRequests();
  }

  /**
   * Opens the store, or makes an empty one. A damaged entry is set aside and reported to `log`; the others go on.
   * Throws Problem `format-too-new` or `store-unreadable`.
   */
  static open(folder: string, options: { log?: Log } = {}): CertificateStore {
    return new CertificateStore(new StoreFolder(folder, options.log));
  }

  /** Everything in the store, pending requests included, newest first. */
  list(): readonly StoredCertificate[] {
    const all = [...this.#kept.values()].map(({ stored }) => stored);
    return all.toSorted((a, b) => b.certificate.notBefore.getTime() - a.certificate.notBefore.getTime());
  }

  /** Throws Problem `certificate-not-found`. Letter case, spaces and colons of a thumbprint do not matter. */
  get(thumbprint: string): StoredCertificate {
    return this.#find(thumbprint).stored;
  }

  /** True when there is an entry under this thumbprint. */
  has(thumbprint: string): boolean {
    return this.#kept.has(normalizeThumbprint(thumbprint));
  }

  /**
   * Stores a pair; a pending request for the same key is thereby answered. Serves for nothing until it is enabled.
   * Throws Problem `certificate-exists`, `key-mismatch` or `key-unsupported`.
   */
  add(pair: KeyPair, options: AddOptions = {}): StoredCertificate {
    checkKeyPair(pair);
    const { exportable = false, friendlyName = '' } = options;
    const base = { services: [], friendlyName, privateKeyExportable: exportable, requestPem: undefined };
    return this.#addNew({ ...base, pair });
  }

  /** Stores a request until its answer comes; throws Problem `certificate-exists`. */
  addRequest(request: CertificateRequest, options: AddOptions = {}): StoredCertificate {
    const { exportable = false, friendlyName = '' } = options;
    const { requestPem, privateKeyPem, placeholder } = request;
    const pair: KeyPair = { certificate: placeholder, chain: [], privateKeyPem };
    return this.#addNew({ pair, services: [], friendlyName, privateKeyExportable: exportable, requestPem });
  }

  /**
   * Completes the pending request that an authority's certificate answers: the entry takes its thumbprint, keeps friendly
   * name and exportability. Throws Problem `key-missing` when no request has its key, or `certificate-exists`.
   */
  completeRequest(issued: IssuedCertificate): StoredCertificate {
    const { certificate, chain } = issued;
    this.#refuseDuplicate(certificate);
    const request = this.#pendingFor(certificate)[0];
    if (request === undefined) {
      throw new Problem(
        'key-missing',
        `no private key here belongs to the certificate ${certificate.thumbprint}, and no pending request waits for it`,
      );
    }
    const pair: KeyPair = { certificate, chain, privateKeyPem: request.entry.pair.privateKeyPem };
    return this.#addNew({ ...request.entry, pair, requestPem: undefined });
  }

  /** Lets a certificate serve SMTP from the next handshake on. Throws Problem `certificate-not-found`, `certificate-pending`. */
  enable(thumbprint: string, service: 'SMTP'): StoredCertificate {
    const { entry, stored } = this.#findIssued(thumbprint);
    if (entry.services.includes(service)) return stored;
    return this.#write({ ...entry, services: [...entry.services, service] });
  }

  /** Throws Problem `certificate-not-found`, or `certificate-in-use` for the internal transport certificate. */
  remove(thumbprint: string): void {
    const { stored } = this.#find(thumbprint);
    const { thumbprint: found } = stored.certificate;
    if (found === this.#internalTransport) {
      throw new Problem(
        'certificate-in-use',
        `the certificate ${found} is the internal transport certificate: enable another one for SMTP in its place first`,
      );
    }
    this.#folder.removeEntry(found);
    this.#kept.delete(found);
    this.#announce();
  }

  /**
   * Chooses the certificate that is published for direct trust; durable when this returns. Throws Problem
   * `certificate-not-found`, `certificate-pending`, or `certificate-not-enabled` when it does not serve SMTP.
   */
  setInternalTransport(thumbprint: string): StoredCertificate {
    const { stored } = this.#findIssued(thumbprint);
    const { thumbprint: found } = stored.certificate;
    if (!stored.services.includes('SMTP')) {
      throw new Problem('certificate-not-enabled', `the certificate ${found} is not enabled for SMTP: enable it first`);
    }
    if (found === this.#internalTransport) return stored;
    this.#folder.writeInternalTransport(found);
    this.#internalTransport = found;
    this.#announce();
    return stored;
  }

  /** The certificate published for direct trust: Exchange's "default SMTP certificate". */
  internalTransport(): StoredCertificate | undefined {
    return this.#internalTransport === undefined ? undefined : this.#kept.get(this.#internalTransport)?.stored;
  }

  /** The pair for TLS inside this process; throws Problem `certificate-not-found` or `certificate-pending`. */
  keyPair(thumbprint: string): KeyPair {
    return this.#findIssued(thumbprint).entry.pair;
  }

  /** The pair to be carried elsewhere; throws as `keyPair` does, and Problem `key-not-exportable`. */
  exportPrivateKey(thumbprint: string): KeyPair {
    const { entry } = this.#findIssued(thumbprint);
    if (!entry.privateKeyExportable) {
      throw new Problem(
        'key-not-exportable',
        `the private key of ${entry.pair.certificate.thumbprint} was not made exportable and stays in the store`,
      );
    }
    return entry.pair;
  }

  /** The PKCS#10 text of a pending request, undefined for any other entry; throws Problem `certificate-not-found`. */
  requestPem(thumbprint: string): string | undefined {
    return this.#find(thumbprint).entry.requestPem;
  }

  /** Those that may answer an inbound STARTTLS, newest first. */
  serving(): readonly StoredCertificate[] {
    this.#serving ??= this.list().filter(
      ({ services, pendingRequest }) => services.includes('SMTP') && !pendingRequest,
    );
    return this.#serving;
  }

  /** The certificate that answers an inbound STARTTLS, or undefined: then it is not offered. See certificate-selection.ts. */
  selectFor(question: SelectionQuestion): StoredCertificate | undefined {
    return selectCertificate(this.serving(), this.internalTransport(), question);
  }

  /** Calls `listener` after every change, once it is on disk. */
  onChange(listener: () => void): Cancel {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  #addNew(entry: StoreEntry): StoredCertificate {
    this.#refuseDuplicate(entry.pair.certificate);
    this.#folder.writeEntry(entry);
    const stored = this.#remember(entry);
    // The answer is on disk before the request goes; a crash between the two is mended at the next opening.
    this.#dropAnsweredRequests();
    this.#announce();
    return stored;
  }

  #write(entry: StoreEntry): StoredCertificate {
    this.#folder.writeEntry(entry);
    const stored = this.#remember(entry);
    this.#announce();
    return stored;
  }

  #remember(entry: StoreEntry): StoredCertificate {
    const stored = describeEntry(entry);
    this.#kept.set(stored.certificate.thumbprint, { entry, stored });
    this.#serving = undefined;
    return stored;
  }

  #dropAnsweredRequests(): void {
    for (const { stored } of [...this.#kept.values()].filter((kept) => !kept.stored.pendingRequest)) {
      for (const answered of this.#pendingFor(stored.certificate)) {
        const { thumbprint } = answered.stored.certificate;
        this.#folder.removeEntry(thumbprint);
        this.#kept.delete(thumbprint);
      }
    }
  }

  #pendingFor(certificate: Certificate): readonly Kept[] {
    const pending = [...this.#kept.values()].filter(({ stored }) => stored.pendingRequest);
    return pending.filter(({ stored }) => hasSameKey(stored.certificate, certificate));
  }

  #refuseDuplicate({ thumbprint }: Certificate): void {
    if (this.#kept.has(thumbprint)) {
      throw new Problem('certificate-exists', `the certificate ${thumbprint} is in the store already`);
    }
  }

  #find(thumbprint: string): Kept {
    const kept = this.#kept.get(normalizeThumbprint(thumbprint));
    if (kept !== undefined) return kept;
    throw new Problem('certificate-not-found', `no certificate in the store has the thumbprint "${thumbprint}"`);
  }

  #findIssued(thumbprint: string): Kept {
    const kept = this.#find(thumbprint);
    if (!kept.stored.pendingRequest) return kept;
    throw new Problem(
      'certificate-pending',
      `the certificate ${kept.stored.certificate.thumbprint} is a pending request: import the authority's answer first`,
    );
  }

  #announce(): void {
    this.#serving = undefined;
    for (const listener of this.#listeners) listener();
  }
}

function describeEntry({
  pair,
  services,
  friendlyName,
  privateKeyExportable,
  requestPem,
}: StoreEntry): StoredCertificate {
  return {
    certificate: pair.certificate,
    chain: pair.chain,
    services,
    friendlyName,
    privateKeyExportable,
    hasPrivateKey: true,
    rootCaType: requestPem === undefined ? rootCaTypeOf(pair.certificate, pair.chain) : 'Unknown',
    pendingRequest: requestPem !== undefined,
  };
}

function normalizeThumbprint(thumbprint: string): string {
  return thumbprint.replaceAll(/[\s:]/g, '').toUpperCase();
}
