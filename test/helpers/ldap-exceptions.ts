// Where OpenLDAP's slapd 2.5 does otherwise than its RFC says, or does what an RFC leaves to each server: every difference that
// is let pass stands here, with the section. Nothing else is.

import { isWithinDn } from '../../src/ldap/dn.ts';
import type { LdapOperation } from '../../src/ldap/entry.ts';
import type { Extensible, Filter } from '../../src/ldap/filter-tree.ts';
import { ResultCode } from '../../src/ldap/result.ts';
import { isProblem } from '../../src/problem.ts';
import type { TwinAnswer, TwinRequest } from './ldap-twins.ts';

interface Scene {
  readonly request: TwinRequest;
  readonly ours: TwinAnswer;
  readonly theirs: TwinAnswer;
  /** The naming context of both. */
  readonly suffix: string;
}

interface Exception {
  readonly what: string;
  readonly section: string;
  readonly applies: (scene: Scene) => boolean;
}

export const EXCEPTIONS: readonly Exception[] = [
  {
    what: 'slapd is unwilling (53, 71) to look at what lies outside its naming context; ours says that it is not there (32), or what else is wrong',
    section: 'RFC 4511 §A.2: noSuchObject is for an object that does not exist in the DIT',
    applies: ({ request, ours, theirs, suffix }) =>
      [ResultCode.unwillingToPerform, ResultCode.affectsMultipleDSAs].some((code) => code === theirs.resultCode) &&
      ours.resultCode !== ResultCode.success &&
      namesOf(request).some((name) => isOutside(name, suffix)),
  },
  {
    what: 'slapd names no matched entry when it renames what is not there, or to where nothing is',
    section: 'RFC 4511 §4.1.9: matchedDN is the last entry that was found while looking for the name',
    applies: ({ request, ours, theirs }) =>
      request.kind === 'request' &&
      request.request.kind === 'update' &&
      request.request.operation.kind === 'rename' &&
      theirs.resultCode === ResultCode.noSuchObject &&
      ours.resultCode === ResultCode.noSuchObject &&
      theirs.matchedDn === '',
  },
  {
    what: 'slapd takes the value that names an entry for missing (64) when a replacement has another one',
    section: 'RFC 4511 §4.6: an attempt to remove a distinguished value is notAllowedOnRDN',
    applies: ({ ours, theirs }) =>
      ours.resultCode === ResultCode.notAllowedOnRDN && theirs.resultCode === ResultCode.namingViolation,
  },
  {
    what: 'slapd names the name (64) where an attribute that may have one value has one that is not in the name; ours the two values (19)',
    section: 'RFC 4511 §4.7: the values of the RDN are part of the entry; §4.1.9: of several errors a server tells one',
    applies: ({ ours, theirs }) =>
      ours.resultCode === ResultCode.constraintViolation &&
      theirs.resultCode === ResultCode.namingViolation &&
      ours.diagnostic.includes('cannot have multiple values'),
  },
  {
    what: 'slapd moves no entry to one that is above its parent',
    section: 'RFC 4511 §4.9: newSuperior is an existing entry, whichever',
    applies: ({ theirs }) => theirs.diagnostic === 'cannot place an entry above itself',
  },
  {
    what: 'slapd reads ";" as a separator in names',
    section: 'RFC 4514 §3: the parts of a name are separated by commas; ";" is to be escaped',
    applies: ({ request, ours }) =>
      ours.resultCode === ResultCode.invalidDNSyntax && namesOf(request).some((name) => name.includes(';')),
  },
  {
    what: 'of a name that cannot be read and a change without its values slapd sees the second first',
    section: 'RFC 4511 §4.1.9: of several errors a server tells one',
    applies: ({ ours, theirs }) =>
      ours.resultCode === ResultCode.invalidDNSyntax && theirs.resultCode === ResultCode.protocolError,
  },
  {
    what: 'of a transaction with several faults slapd finds some when the update comes, ours all at the commit: another one is the first',
    section: 'RFC 5805 §3.2 and §3.3 let a server check an update at either time',
    applies: ({ request, ours, theirs }) =>
      request.kind === 'transaction' &&
      ours.resultCode !== ResultCode.success &&
      theirs.resultCode !== ResultCode.success &&
      ours.failedOperation !== theirs.failedOperation,
  },
  {
    what: 'slapd 2.5 deletes the only child of an entry, but not in a transaction: there it answers 80',
    section: 'RFC 5805 §3.3: the updates of a transaction are those that the server would carry out one by one',
    applies: ({ request, ours, theirs }) =>
      request.kind === 'transaction' &&
      request.commit &&
      ours.resultCode === ResultCode.success &&
      theirs.resultCode === ResultCode.other &&
      request.operations[theirs.failedOperation ?? -1]?.kind === 'delete',
  },
  {
    what: 'a rule without an attribute: slapd has no numbers that count changes (uSNCreated, uSNChanged), and takes a value that the rule cannot read for one that does not match',
    section:
      'RFC 4511 §4.5.1.7.7: without a type the value is compared with all attributes that support the rule; one that cannot be read is Undefined',
    applies: (scene) => isSearched(scene, ({ attribute }) => attribute === undefined),
  },
  {
    what: 'slapd finds no class by its name when objectIdentifierMatch is asked for by its name',
    section: 'RFC 4517 §4.2.26: objectIdentifierMatch compares the object identifiers that names stand for',
    applies: (scene) => isSearched(scene, ({ rule }) => rule === 'objectIdentifierMatch'),
  },
];

const SEARCHED: readonly number[] = [ResultCode.success, ResultCode.sizeLimitExceeded];

/** The exception that the difference is, if it is one. */
export function findException(scene: Scene): Exception | undefined {
  return EXCEPTIONS.find(({ applies }) => applies(scene));
}

/** Whether both have carried out a search in which a rule is named in such a way. */
function isSearched({ request, ours, theirs }: Scene, isSuch: (filter: Extensible) => boolean): boolean {
  return (
    request.kind === 'request' &&
    request.request.kind === 'search' &&
    hasExtensible(request.request.filter, isSuch) &&
    [ours, theirs].every(({ resultCode }) => SEARCHED.includes(resultCode))
  );
}

function hasExtensible(filter: Filter, isSuch: (filter: Extensible) => boolean): boolean {
  if (filter.kind === 'not') return hasExtensible(filter.filter, isSuch);
  if (filter.kind === 'and' || filter.kind === 'or') return filter.filters.some((one) => hasExtensible(one, isSuch));
  return filter.kind === 'extensible' && isSuch(filter);
}

function namesOf(asked: TwinRequest): string[] {
  if (asked.kind === 'transaction') return asked.operations.flatMap(namesIn);
  const { request } = asked;
  if (request.kind === 'update') return namesIn(request.operation);
  if (request.kind === 'search') return [request.base];
  return request.kind === 'compare' ? [request.dn] : [];
}

function namesIn(operation: LdapOperation): string[] {
  if (operation.kind !== 'rename') return [operation.dn];
  return [operation.dn, operation.newRdn, ...(operation.newSuperior === undefined ? [] : [operation.newSuperior])];
}

function isOutside(name: string, suffix: string): boolean {
  try {
    return !isWithinDn(name, suffix);
  } catch (error) {
    if (isProblem(error)) return false;
    throw error;
  }
}
