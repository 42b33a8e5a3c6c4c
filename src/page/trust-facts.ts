// Whose certificate is what, from both sides: what its owner shows, and what each directory has on record of it. Pure.

import type { ApiRecord } from './api.ts';
import { text, time } from './fields.ts';
import type { Role } from '../config.ts';

export interface CertificateFacts {
  readonly thumbprint: string;
  readonly sha256: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A certificate of the owner in somebody's directory. */
export interface OnRecord extends CertificateFacts {
  /** "Current", "Next", "Previous" or "In use", as Get-TrustStatus says. */
  readonly part: string;
  readonly state: string;
}

/** What the directory of one server has on record. */
export interface DirectoryCopy {
  readonly server: string;
  readonly directory: 'AD' | 'ADAM';
  readonly certificates: readonly OnRecord[];
}

export interface Ownership {
  readonly owner: string;
  /** The certificate that serves SMTP now; undefined where the owner was not asked, or has none. */
  readonly shown: CertificateFacts | undefined;
  readonly copies: readonly DirectoryCopy[];
}

/** What one server answered. */
export interface TrustAnswer {
  readonly server: string;
  readonly role: Role;
  /** Get-TrustStatus */
  readonly status: readonly ApiRecord[];
  /** Get-ExchangeCertificate */
  readonly certificates: readonly ApiRecord[];
}

export type Verdict = 'agreed' | 'mismatch' | 'expired' | 'not-yet-valid' | 'unknown-there' | 'incomplete';

/** Each owner once, in the order of the answers. */
export function listOwnerships(answers: readonly TrustAnswer[]): readonly Ownership[] {
  const owners = [
    ...new Set([
      ...answers.map(({ server }) => server),
      ...answers.flatMap(({ status }) => status.map((row) => text(row, 'Server'))),
    ]),
  ];
  return owners.map((owner) => ({
    owner,
    shown: answers.filter(({ server }) => server === owner).flatMap(({ certificates }) => findShown(certificates))[0],
    copies: answers.map(({ server, role, status }) => ({
      server,
      directory: role === 'hub' ? 'AD' : 'ADAM',
      certificates: status.filter((row) => text(row, 'Server') === owner).map(readOnRecord),
    })),
  }));
}

function findShown(certificates: readonly ApiRecord[]): CertificateFacts[] {
  return certificates
    .filter((each) => text(each, 'Services').includes('SMTP') && text(each, 'Renewal') === 'Current')
    .map(readFacts);
}

function readOnRecord(row: ApiRecord): OnRecord {
  return { ...readFacts(row), part: text(row, 'Certificate'), state: text(row, 'State') };
}

function readFacts(record: ApiRecord): CertificateFacts {
  return {
    thumbprint: text(record, 'Thumbprint'),
    sha256: text(record, 'Sha256'),
    notBefore: time(record, 'NotBefore') ?? 0,
    notAfter: time(record, 'NotAfter') ?? 0,
  };
}

/** Whether the two sides would trust each other by this certificate at `now`, in milliseconds. */
export function judgeOwnership({ owner, shown, copies }: Ownership, now: number): Verdict {
  const others = copies.filter(({ server }) => server !== owner);
  const own = shown ?? copies.find(({ server }) => server === owner)?.certificates.find(isCurrent);
  if (own === undefined || others.length === 0) return 'incomplete';
  const known = others.map(({ certificates }) => certificates);
  if (known.some((certificates) => certificates.length === 0)) return 'unknown-there';
  if (!known.every((certificates) => certificates.some(({ sha256 }) => sha256 === own.sha256))) return 'mismatch';
  if (now > own.notAfter) return 'expired';
  return now < own.notBefore ? 'not-yet-valid' : 'agreed';
}

function isCurrent({ part }: OnRecord): boolean {
  return part === 'Current';
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A time line that holds all of `certificates` and `now`, with a little room at both ends. */
export function spanOf(certificates: readonly CertificateFacts[], now: number): Span {
  const from = Math.min(now, ...certificates.map(({ notBefore }) => notBefore));
  const to = Math.max(now, ...certificates.map(({ notAfter }) => notAfter));
  const room = Math.max((to - from) * 0.04, 3_600_000);
  return { from: from - room, to: to + room };
}

/** Where `at` stands on the line, from 0 to 1. */
export function placeOn({ from, to }: Span, at: number): number {
  return Math.min(1, Math.max(0, (at - from) / (to - from)));
}

/** "373C E5E4 …": letters that are compared by eye. */
export function groupThumbprint(thumbprint: string): string {
  return thumbprint.replaceAll(/(.{4})(?=.)/g, '$1 ');
}
