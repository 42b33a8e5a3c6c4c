// The LDAP server under fuzzing: requests in BER, a few of their octets changed. Whatever comes, answers are LDAP messages, the
// connection ends, and others are served.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PduCutter } from '../../src/ldap/ber-guard.ts';
import { Oid } from '../../src/ldap/control.ts';
import { toAttributes } from '../../src/ldap/entry.ts';
import { parseFilter } from '../../src/ldap/filter.ts';
import { decodeMessage, encodeMessage } from '../../src/ldap/message.ts';
import { encodeRequest, type LdapRequest } from '../../src/ldap/request.ts';
import { decodeResult } from '../../src/ldap/response.ts';
import { LdapListener } from '../../src/ldap/server.ts';
import { messageOf } from '../../src/problem.ts';
import { silentLog } from '../../src/log.ts';
import type { Chance } from '../crash/chance.ts';
import { ADMIN, MemoryLdapHandler, PASSWORD } from '../helpers/memory-ldap-handler.ts';
import { cut, mutateOctets, mutateTokens } from './mutate.ts';
import type { Target } from './target.ts';

type Request = Exclude<LdapRequest, { kind: 'abandon' }>;

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const BIND: Request = {
  kind: 'bind',
  version: 3,
  dn: ADMIN,
  authentication: { kind: 'simple', password: Buffer.from(PASSWORD) },
};

function search(base: string, filter: string): Request {
  const limits = { sizeLimit: 0, timeLimitSeconds: 0, typesOnly: false, attributes: ['*', '+'] };
  return { kind: 'search', base, scope: 'sub', ...limits, filter: parseFilter(filter) };
}

const REQUESTS: readonly Request[] = [
  BIND,
  search('dc=test', '(objectClass=*)'),
  search('', '(&(|(cn=a*b*c)(!(cn>=x)))(dc:caseExactMatch:=test)(sn~=y))'),
  search('ou=people,dc=test', '(cn=\\2a\\00)'),
  { kind: 'compare', dn: 'dc=test', attribute: 'dc', value: Buffer.from('TEST') },
  {
    kind: 'update',
    operation: {
      kind: 'add',
      dn: 'cn=a,ou=people,dc=test',
      attributes: toAttributes({ objectClass: ['person'], cn: 'a' }),
    },
  },
  {
    kind: 'update',
    operation: {
      kind: 'modify',
      dn: 'ou=people,dc=test',
      changes: [{ operation: 'replace', attribute: 'description', values: [Buffer.from('x')] }],
    },
  },
  {
    kind: 'update',
    operation: {
      kind: 'rename',
      dn: 'cn=a,ou=people,dc=test',
      newRdn: 'cn=b',
      deleteOldRdn: true,
      newSuperior: 'dc=test',
    },
  },
  { kind: 'update', operation: { kind: 'delete', dn: 'cn=b,dc=test' } },
  { kind: 'extended', oid: Oid.whoAmI },
  { kind: 'extended', oid: Oid.startTransaction },
  { kind: 'extended', oid: Oid.endTransaction, value: Buffer.from([0x30, 0x03, 0x04, 0x01, 0x31]) },
  { kind: 'unbind' },
];
const CONTROLS = [
  [],
  [{ oid: Oid.pagedResults, critical: true, value: Buffer.from([0x30, 0x05, 0x02, 0x01, 0x01, 0x04, 0x00]) }],
  [{ oid: Oid.transactionSpecification, critical: true, value: Buffer.from('1') }],
  [{ oid: '1.2.3.4', critical: false }],
];
const PDUS = REQUESTS.flatMap((request, place) =>
  CONTROLS.map((controls, other) =>
    encodeMessage(2 + place * CONTROLS.length + other, encodeRequest(request), controls),
  ),
);

export class LdapTarget implements Target {
  readonly name = 'LDAP server';
  readonly #handler: MemoryLdapHandler;
  readonly #listener: LdapListener;

  private constructor(handler: MemoryLdapHandler, listener: LdapListener) {
    this.#handler = handler;
    this.#listener = listener;
  }

  static async open(): Promise<LdapTarget> {
    const handler = new MemoryLdapHandler();
    const place = { host: '127.0.0.1', port: 0, security: { kind: 'plain' } } as const;
    return new LdapTarget(handler, await LdapListener.open({ ...place, handler, log: silentLog() }));
  }

  async run(chance: Chance): Promise<string | undefined> {
    const requests = Array.from({ length: 1 + chance.below(4) }, () => PDUS[chance.below(PDUS.length)] as Buffer);
    const pdus = mutateTokens(chance, [encodeMessage(1, encodeRequest(BIND)), ...requests], PDUS);
    const said = Buffer.concat(pdus.map((pdu) => mutateOctets(chance, pdu)));
    const heard = await this.#converse(cut(chance, said));
    return judgeAnswers(heard);
  }

  async checkService(): Promise<string | undefined> {
    const said = [BIND, search('dc=test', '(dc=test)')].map((request, place) =>
      encodeMessage(place + 1, encodeRequest(request)),
    );
    const heard = await this.#converse(said, 3);
    const messages = cutPdus(heard).map(decodeMessage);
    const codes = messages.filter(({ tag }) => tag !== 0x64).map((message) => decodeResult(message).resultCode);
    return messages.length === 3 && codes.every((code) => code === 0)
      ? undefined
      : `a sound client got ${codes.join()}`;
  }

  /** Says it all and hears all, at least so many answers before it hangs up. */
  async #converse(pieces: readonly Buffer[], awaited = 0): Promise<Buffer> {
    // The directory at its start: what was added is in no later run's way.
    this.#handler.entries = new MemoryLdapHandler().entries;
    for (const list of [this.#handler.applied, this.#handler.closedIds, this.#handler.binds]) list.length = 0;
    const socket: Socket = connect({ host: '127.0.0.1', port: this.#listener.address.port, noDelay: true });
    const heard: Buffer[] = [];
    const gone = this.#handler.departure();
    socket.on('error', () => undefined).on('data', (octets: Buffer) => heard.push(octets));
    const closed = once(socket, 'close');
    await once(socket, 'connect');
    for (const piece of pieces) socket.write(piece);
    while (cutPdus(Buffer.concat(heard)).length < awaited && !socket.destroyed)
      await Promise.race([once(socket, 'data'), closed]);
    socket.end();
    await Promise.all([closed, gone]);
    return Buffer.concat(heard);
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

function cutPdus(heard: Buffer): Buffer[] {
  return [...new PduCutter(MAX_ANSWER_BYTES).push(heard)];
}

function judgeAnswers(heard: Buffer): string | undefined {
  try {
    for (const message of cutPdus(heard).map(decodeMessage)) {
      if (message.tag !== 0x64) decodeResult(message);
    }
    return undefined;
  } catch (error) {
    return `an answer that is no LDAP message (${messageOf(error)}): ${heard.toString('hex')}`;
  }
}
