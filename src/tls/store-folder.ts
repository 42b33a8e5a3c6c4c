// How certificate pairs lie on disk: one private file per pair, named by its thumbprint and written atomically, and `store.json`
// with the format's version and the choice of the internal transport certificate. A crash leaves a pair whole or absent.
// What the pairs mean is certificate-store.ts.

import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Log } from '../log.ts';
import { messageOf, Problem } from '../problem.ts';
import { ensurePrivateFolder, syncFolder, writeFileDurably } from '../storage/files.ts';
import { parseCertificate } from './certificate.ts';
import { checkKeyPair, type KeyPair } from './key-pair.ts';

const FORMAT = 1;
const ENTRY_NAME = /^[0-9A-F]{40}\.json$/;
const LEFTOVER_NAME = /^\..*\.tmp$/;

/** Everything the store remembers of one pair. Holds the key: never to be logged. */
export interface StoreEntry {
  readonly pair: KeyPair;
  readonly services: readonly 'SMTP'[];
  readonly friendlyName: string;
  readonly privateKeyExportable: boolean;
  /** The PKCS#10 text while its answer is awaited; the certificate is then a placeholder. */
  readonly requestPem: string | undefined;
}

const entryFormat = z.strictObject({
  certificate: z.string(),
  chain: z.array(z.string()),
  privateKey: z.string(),
  services: z.array(z.literal('SMTP')),
  friendlyName: z.string(),
  privateKeyExportable: z.boolean(),
  request: z.string().optional(),
});

const settingsFormat = z.object({ format: z.int(), internalTransport: z.string().optional() });

/** The folder of one store. Owns the files in it; one process at a time. */
export class StoreFolder {
  readonly #path: string;
  readonly #log: Log | undefined;

  /** Makes the folder if need be; throws Problem `format-too-new` or `store-unreadable`. */
  constructor(path: string, log: Log | undefined) {
    this.#path = path;
    this.#log = log;
    ensurePrivateFolder(path);
    if (existsSync(this.#settingsPath)) this.readInternalTransport();
    else this.writeInternalTransport(undefined);
    for (const name of readdirSync(path)) {
      if (LEFTOVER_NAME.test(name)) unlinkSync(join(path, name));
    }
  }

  /** The thumbprint chosen for direct trust, if any. */
  readInternalTransport(): string | undefined {
    const settings = parseSettings(this.#settingsPath);
    if (settings.format > FORMAT) {
      throw new Problem(
        'format-too-new',
        `the certificate store ${this.#path} has format ${settings.format}, this relaypair knows up to ${FORMAT}: start the newer relaypair that wrote it`,
      );
    }
    return settings.internalTransport;
  }

  writeInternalTransport(thumbprint: string | undefined): void {
    writeFileDurably(this.#settingsPath, toJson({ format: FORMAT, internalTransport: thumbprint }));
  }

  /** Every whole entry; a damaged one is renamed out of the way and reported, the others go on. */
  readEntries(): readonly StoreEntry[] {
    const entries: StoreEntry[] = [];
    for (const name of readdirSync(this.#path).filter((file) => ENTRY_NAME.test(file))) {
      this.#keepPrivate(name);
      const text = readFileSync(join(this.#path, name), 'utf8');
      try {
        entries.push(decodeEntry(text, name));
      } catch (error) {
        this.#setAside(name, error);
      }
    }
    return entries;
  }

  /** Writes an entry whole, in place of one with the same thumbprint. */
  writeEntry(entry: StoreEntry): void {
    writeFileDurably(this.#entryPath(entry.pair.certificate.thumbprint), encodeEntry(entry));
  }

  removeEntry(thumbprint: string): void {
    unlinkSync(this.#entryPath(thumbprint));
    syncFolder(this.#path);
  }

  get #settingsPath(): string {
    return join(this.#path, 'store.json');
  }

  #entryPath(thumbprint: string): string {
    return join(this.#path, `${thumbprint}.json`);
  }

  #keepPrivate(name: string): void {
    const path = join(this.#path, name);
    if ((statSync(path).mode & 0o077) === 0) return;
    chmodSync(path, 0o600);
    this.#log?.warn(
      { file: name },
      'a private key could be read by others than its owner; the permission was taken away',
    );
  }

  #setAside(name: string, error: unknown): void {
    const aside = `${name}.damaged-${randomBytes(4).toString('hex')}`;
    renameSync(join(this.#path, name), join(this.#path, aside));
    // A decoder's own text could quote the file, and with it the key: only a Problem's sentence is known to be clean.
    const reason = error instanceof Problem ? messageOf(error) : 'it does not have the form of an entry';
    this.#log?.error({ file: name, setAside: aside, reason }, 'a damaged entry of the certificate store was set aside');
  }
}

function parseSettings(path: string): z.infer<typeof settingsFormat> {
  try {
    return settingsFormat.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new Problem(
      'store-unreadable',
      `${path} is damaged: move it aside and choose the internal transport certificate again`,
      {
        cause,
      },
    );
  }
}

function decodeEntry(text: string, name: string): StoreEntry {
  const stored = entryFormat.parse(JSON.parse(text));
  const pair: KeyPair = {
    certificate: parseCertificate(stored.certificate),
    chain: stored.chain.map((pem) => parseCertificate(pem)),
    privateKeyPem: stored.privateKey,
  };
  checkKeyPair(pair);
  if (name !== `${pair.certificate.thumbprint}.json`) {
    throw new Problem('certificate-unreadable', 'the file is not named for the certificate in it');
  }
  const { services, friendlyName, privateKeyExportable, request: requestPem } = stored;
  return { pair, services, friendlyName, privateKeyExportable, requestPem };
}

function encodeEntry({ pair, services, friendlyName, privateKeyExportable, requestPem }: StoreEntry): string {
  return toJson({
    certificate: pair.certificate.pem,
    chain: pair.chain.map(({ pem }) => pem),
    privateKey: pair.privateKeyPem,
    services,
    friendlyName,
    privateKeyExportable,
    request: requestPem,
  });
}

function toJson(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
