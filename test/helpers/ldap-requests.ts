// A random request put in its place, and as text: what a person reads when two servers disagree about it.

import { formatFilter } from '../../src/ldap/filter.ts';
import type { LdapOperation } from '../../src/ldap/entry.ts';
import { RUN } from './ldap-arbitraries.ts';
import type { TwinRequest } from './ldap-twins.ts';

/** The request with the container of this run in place of the one that stands for it. */
export function placeRequest(asked: TwinRequest, run: string): TwinRequest {
  if (asked.kind === 'transaction')
    return { ...asked, operations: asked.operations.map((one) => placeOperation(one, run)) };
  const { request } = asked;
  switch (request.kind) {
    case 'search':
      return { ...asked, request: { ...request, base: placeName(request.base, run) } };
    case 'compare':
      return { ...asked, request: { ...request, dn: placeName(request.dn, run) } };
    case 'update':
      return { ...asked, request: { ...request, operation: placeOperation(request.operation, run) } };
    default:
      return asked;
  }
}

function placeOperation(operation: LdapOperation, run: string): LdapOperation {
  const placed = { ...operation, dn: placeName(operation.dn, run) };
  if (placed.kind !== 'rename' || placed.newSuperior === undefined) return placed;
  return { ...placed, newSuperior: placeName(placed.newSuperior, run) };
}

function placeName(name: string, run: string): string {
  return name === RUN || name.endsWith(`,${RUN}`) ? `${name.slice(0, -RUN.length)}${run}` : name;
}

export function printRequest(asked: TwinRequest): string {
  if (asked.kind === 'transaction') {
    return `transaction, ${asked.commit ? 'committed' : 'given up'}: ${asked.operations.map(printOperation).join(' / ')}`;
  }
  const { request } = asked;
  switch (request.kind) {
    case 'search': {
      const { base, scope, sizeLimit, typesOnly, filter, attributes } = request;
      return `search ${base} ${scope} ${formatFilter(filter)} [${attributes.join(' ')}] limit ${sizeLimit}${typesOnly ? ' types' : ''}`;
    }
    case 'compare':
      return `compare ${request.dn} ${request.attribute}=${print(request.value)}`;
    case 'update':
      return printOperation(request.operation);
    default:
      return request.kind;
  }
}

function printOperation(operation: LdapOperation): string {
  switch (operation.kind) {
    case 'add':
      return `add ${operation.dn} {${Array.from(operation.attributes, ([name, values]) => `${name}: ${values.map(print).join(', ')}`).join('; ')}}`;
    case 'modify':
      return `modify ${operation.dn} {${operation.changes.map((one) => `${one.operation} ${one.attribute}: ${one.values.map(print).join(', ')}`).join('; ')}}`;
    case 'rename':
      return `rename ${operation.dn} to ${operation.newRdn}${operation.deleteOldRdn ? ', old value goes' : ''}${operation.newSuperior === undefined ? '' : ` under ${operation.newSuperior}`}`;
    default:
      return `delete ${operation.dn}`;
  }
}

function print(value: Buffer): string {
  return JSON.stringify(value.toString('utf8'));
}
