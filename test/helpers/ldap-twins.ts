// Two LDAP servers with the same schema and the same tree: ours over an embedded directory, and OpenLDAP's slapd. Every request
// goes to both, and their answers are brought to a form in which they can be compared: result code, matched name, entries;
// the order of entries, attributes and values and the operational attributes aside.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { SystemClock } from '../../src/clock.ts';
import { DirectoryDoor } from '../../src/directory/directory-door.ts';
import { DIRECTORY_ACCOUNT_RIGHTS } from '../../src/directory/door-rights.ts';
import { EmbeddedDirectory } from '../../src/directory/embedded-directory.ts';
import { derivePasswordVerifier } from '../../src/directory/password-verifier.ts';
import { findAttributeType } from '../../src/directory/schema.ts';
import { keyOf } from '../../src/directory/schema-rules.ts';
import { ClientConnection, type ClientRequest } from '../../src/ldap/client-connection.ts';
import { type Control, Oid } from '../../src/ldap/control.ts';
import { normalizeDn } from '../../src/ldap/dn.ts';
import type { LdapEntry, LdapOperation } from '../../src/ldap/entry.ts';
import { isOperationalAttribute } from '../../src/ldap/entry.ts';
import { LdapListener } from '../../src/ldap/server.ts';
import { decodeFailedMessage, encodeEndTransaction } from '../../src/ldap/transaction.ts';
import { silentLog } from '../../src/log.ts';
import { isProblem } from '../../src/problem.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { SLAPD_PASSWORD, startSlapd } from './slapd.ts';

const SCHEMA_FILE = new URL('../../docker/slapd/relaypair.schema', import.meta.url).pathname;

/** A request as both servers get it. */
export type TwinRequest =
  | { readonly kind: 'request'; readonly request: ClientRequest; readonly controls?: readonly Control[] }
  | { readonly kind: 'transaction'; readonly operations: readonly LdapOperation[]; readonly commit: boolean };

export interface TwinAnswer {
  readonly resultCode: number;
  /** Normalized. */
  readonly matchedDn: string;
  /** Of a search: name, attributes and values in a fixed order. */
  readonly entries: readonly string[];
  /** Of a transaction: the place of the operation that failed. */
  readonly failedOperation?: number;
  /** For people. */
  readonly diagnostic: string;
}

export interface Twins {
  readonly suffix: string;
  ask(request: TwinRequest): Promise<{ ours: TwinAnswer; theirs: TwinAnswer }>;
  askTheirs(request: TwinRequest): Promise<TwinAnswer>;
  /** A new slapd, its tree empty, takes the place of the one before. */
  renewTheirs(): Promise<void>;
  close(): Promise<void>;
}

/** Starts both, their trees empty. */
export async function openTwins(keyPair: KeyPair, suffix: string): Promise<Twins> {
  const ends: Ends = [];
  let slapdEnds: Ends = [];
  const close = async (): Promise<void> => {
    await endAll(slapdEnds);
    await endAll(ends);
  };
  try {
    const ours = await openOurs(keyPair, suffix, ends);
    let theirs = await openTheirs(keyPair, suffix, slapdEnds);
    return {
      suffix,
      close,
      ask: async (request) => {
        const [one, two] = await Promise.all([ask(ours, request), ask(theirs, request)]);
        return { ours: one, theirs: two };
      },
      askTheirs: (request) => ask(theirs, request),
      renewTheirs: async () => {
        await endAll(slapdEnds);
        slapdEnds = [];
        theirs = await openTheirs(keyPair, suffix, slapdEnds);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Ends = (() => unknown)[];

async function endAll(ends: Ends): Promise<void> {
  for (const end of ends.splice(0).toReversed()) await end();
}

async function openOurs(keyPair: KeyPair, suffix: string, ends: Ends): Promise<ClientConnection> {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-twins-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const clock = new SystemClock();
  const directory = EmbeddedDirectory.open({ folder, namingContext: suffix, clock, log: silentLog() });
  ends.push(() => directory.close());
  const account = {
    name: 'admin',
    dn: `cn=admin,${suffix}`,
    passwordVerifier: await derivePasswordVerifier(SLAPD_PASSWORD),
    certificate: undefined,
    // slapd's administrator reads password values too.
    rights: { ...DIRECTORY_ACCOUNT_RIGHTS.Hub, hidden: new Set<string>() },
  };
  const door = {
    name: 'twin',
    accounts: () => [account],
    welcome: () => Promise.resolve(),
    write: (operations: readonly LdapOperation[], author: string) => directory.apply(operations, { author }),
  };
  const handler = new DirectoryDoor({ door, directory, clock, log: silentLog() });
  const security = { kind: 'tls', keyPair: () => keyPair } as const;
  const listener = await LdapListener.open({ host: '127.0.0.1', port: 0, security, handler, log: silentLog() });
  ends.push(() => listener.close());
  return enter(listener.address.port, 'ours', { suffix, ends });
}

async function openTheirs(keyPair: KeyPair, suffix: string, ends: Ends): Promise<ClientConnection> {
  const slapd = await startSlapd({
    server: keyPair,
    client: keyPair,
    suffix,
    schemaFile: SCHEMA_FILE,
    database: ['dbnosync'],
  });
  ends.push(() => slapd.stop());
  return enter(slapd.port, 'slapd', { suffix, ends });
}

async function enter(
  port: number,
  name: string,
  { suffix, ends }: { suffix: string; ends: Ends },
): Promise<ClientConnection> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const connection = new ClientConnection(socket, name, 20_000);
  ends.push(() => connection.close());
  const authentication = { kind: 'simple', password: Buffer.from(SLAPD_PASSWORD) } as const;
  const { result } = await connection.request({ kind: 'bind', version: 3, dn: `cn=admin,${suffix}`, authentication });
  if (result.resultCode !== 0) throw new Error(`the bind failed with ${result.resultCode}`);
  return connection;
}

async function ask(connection: ClientConnection, asked: TwinRequest): Promise<TwinAnswer> {
  if (asked.kind === 'transaction') return askTogether(connection, asked.operations, asked.commit);
  const { result, entries } = await connection.request(asked.request, asked.controls);
  return {
    resultCode: result.resultCode,
    matchedDn: normalizeIfName(result.matchedDn),
    entries: entries.map(describeEntry).toSorted(),
    diagnostic: result.diagnosticMessage,
  };
}

async function askTogether(
  connection: ClientConnection,
  operations: readonly LdapOperation[],
  commit: boolean,
): Promise<TwinAnswer> {
  const started = await connection.request({ kind: 'extended', oid: Oid.startTransaction });
  const id = started.result.responseValue ?? Buffer.alloc(0);
  const control: Control = { oid: Oid.transactionSpecification, critical: true, value: id };
  const messageIds: number[] = [];
  let refused: TwinAnswer | undefined;
  for (const operation of operations) {
    const { messageId, result } = await connection.request({ kind: 'update', operation }, [control]);
    messageIds.push(messageId);
    // A server may say at once that it will not do, or only at the end: both are the failure of this operation.
    if (result.resultCode !== 0) {
      refused ??= {
        resultCode: result.resultCode,
        matchedDn: '',
        entries: [],
        failedOperation: messageIds.length - 1,
        diagnostic: result.diagnosticMessage,
      };
    }
  }
  const value = encodeEndTransaction({ commit: commit && !refused, id });
  const { result } = await connection.request({ kind: 'extended', oid: Oid.endTransaction, value });
  if (refused) return refused;
  const place = messageIds.indexOf(decodeFailedMessage(result.responseValue) ?? -1);
  return {
    resultCode: result.resultCode,
    matchedDn: '',
    entries: [],
    ...(place < 0 ? {} : { failedOperation: place }),
    diagnostic: result.diagnosticMessage,
  };
}

function normalizeIfName(dn: string): string {
  try {
    return normalizeDn(dn);
  } catch (error) {
    if (isProblem(error)) return `not a name: ${dn}`;
    throw error;
  }
}

function describeEntry({ dn, attributes }: LdapEntry): string {
  const shown = [...attributes]
    .filter(([name]) => !isOperationalAttribute(name) && findAttributeType(name)?.isOperational !== true)
    .map(
      ([name, values]) =>
        `${name.toLowerCase()}=${values
          .map((value) => describeValue(name, value))
          .toSorted()
          .join('|')}`,
    );
  return [normalizeIfName(dn), ...shown.toSorted()].join(' ; ');
}

/** Equal values are the same here, whichever of them a server kept. */
function describeValue(name: string, value: Buffer): string {
  return keyOf(name, value) ?? value.toString('latin1');
}
