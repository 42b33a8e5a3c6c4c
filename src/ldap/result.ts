// What an LDAP operation ended in (RFC 4511 §4.1.9 and Appendix A): the result codes, the outcome as a value, and LdapFault
// for code that throws. The diagnostic text of an outcome is sent to the peer, so no reason that is not for it goes in.

import { Problem } from '../problem.ts';

/** Result codes by their RFC 4511 name; those that RFC 4511 reserves or this product never meets are left out. */
export const ResultCode = {
  success: 0,
  operationsError: 1,
  protocolError: 2,
  timeLimitExceeded: 3,
  sizeLimitExceeded: 4,
  compareFalse: 5,
  compareTrue: 6,
  authMethodNotSupported: 7,
  strongerAuthRequired: 8,
  referral: 10,
  adminLimitExceeded: 11,
  unavailableCriticalExtension: 12,
  confidentialityRequired: 13,
  saslBindInProgress: 14,
  noSuchAttribute: 16,
  undefinedAttributeType: 17,
  inappropriateMatching: 18,
  constraintViolation: 19,
  attributeOrValueExists: 20,
  invalidAttributeSyntax: 21,
  noSuchObject: 32,
  aliasProblem: 33,
  invalidDNSyntax: 34,
  aliasDereferencingProblem: 36,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
  loopDetect: 54,
  namingViolation: 64,
  objectClassViolation: 65,
  notAllowedOnNonLeaf: 66,
  notAllowedOnRDN: 67,
  entryAlreadyExists: 68,
  objectClassModsProhibited: 69,
  affectsMultipleDSAs: 71,
  other: 80,
} as const;

export type ResultName = keyof typeof ResultCode;

/** LDAPResult, with for a transaction the operation that it failed at. */
export interface LdapOutcome {
  readonly resultCode: number;
  /** The nearest entry that exists, for noSuchObject and its like; '' otherwise. */
  readonly matchedDn?: string;
  /** Read by the peer. */
  readonly diagnosticMessage?: string;
  /** Place, counted from 0, of the operation at which a list of several failed. */
  readonly failedOperation?: number;
}

/** The outcome of everything that went well. */
export const SUCCESS: LdapOutcome = { resultCode: ResultCode.success };

/** An outcome from its name: `outcomeOf('noSuchObject', { matchedDn })`. */
export function outcomeOf(name: ResultName, details: Omit<LdapOutcome, 'resultCode'> = {}): LdapOutcome {
  return { resultCode: ResultCode[name], ...details };
}

const NAMES: ReadonlyMap<number, ResultName> = new Map(
  Object.entries(ResultCode).map(([name, code]) => [code, name as ResultName]),
);

/** The RFC's name of a result code, `result-123` for one that is not in the table. */
export function nameResult(resultCode: number): string {
  return NAMES.get(resultCode) ?? `result-${resultCode}`;
}

/** True for the codes that are no error although they are not `success` (RFC 4511 Appendix A.1). */
export function isNonError(resultCode: number): boolean {
  return (
    resultCode === ResultCode.success || resultCode === ResultCode.compareFalse || resultCode === ResultCode.compareTrue
  );
}

/** An operation that was refused. `code` is the result's name as in `ldap-no-such-object`; programs may read `resultCode`. */
export class LdapFault extends Problem {
  readonly resultCode: number;
  readonly matchedDn: string;
  /** Place, counted from 0, in a list of operations; undefined when one operation failed or the place is not known. */
  readonly failedOperation: number | undefined;
  /** URLs at which the operation may be tried, of result `referral` (RFC 4511 §4.1.10); a peer chose them. */
  readonly referrals: readonly string[];

  constructor(resultCode: number, sentence: string, details: FaultDetails = {}) {
    super(codeOf(resultCode), sentence, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'LdapFault';
    this.resultCode = resultCode;
    this.matchedDn = details.matchedDn ?? '';
    this.failedOperation = details.failedOperation;
    this.referrals = details.referrals ?? [];
  }
}

export interface FaultDetails {
  matchedDn?: string;
  failedOperation?: number | undefined;
  referrals?: readonly string[];
  cause?: unknown;
}

function codeOf(resultCode: number): string {
  const words = nameResult(resultCode).replace(/DN|RDN|DSAs/g, (acronym) => `-${acronym.toLowerCase()}-`);
  const kebab = words.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `ldap-${kebab.replace(/-+/g, '-').replace(/-$/, '')}`;
}

/** A fault from its name: `throw fault('noSuchObject', '… is not there', { matchedDn })`. */
export function fault(name: ResultName, sentence: string, details: FaultDetails = {}): LdapFault {
  return new LdapFault(ResultCode[name], sentence, details);
}

/** What a peer is told of a fault: its code, its sentence and where it was. */
export function outcomeOfFault(error: LdapFault): LdapOutcome {
  return {
    resultCode: error.resultCode,
    matchedDn: error.matchedDn,
    diagnosticMessage: error.message,
    ...(error.failedOperation === undefined ? {} : { failedOperation: error.failedOperation }),
  };
}
