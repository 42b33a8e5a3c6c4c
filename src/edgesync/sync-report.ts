// What a round of one type with one Edge came to, in Exchange's words (Start-EdgeSynchronization).

import type { SyncTypeName } from '../directory/edge-sync-cookie.ts';
import { isProblem } from '../problem.ts';
import type { SyncCounts } from './sync-type.ts';

/**
 * Success: the Edge is what AD says. Incomplete: the Edge refused it, and the cookie was moved on by order. CouldNotConnect: the Edge
 * cannot be reached. CouldNotLease: another hub synchronizes it. LostLease: another hub took over meanwhile. SyncDisabled:
 * this hub does not take part in EdgeSync with that Edge. Aborted: anything else. NoSubscriptions: there is no Edge.
 */
export type SyncResult =
  | 'Success'
  | 'Incomplete'
  | 'CouldNotConnect'
  | 'CouldNotLease'
  | 'LostLease'
  | 'SyncDisabled'
  | 'Aborted'
  | 'NoSubscriptions';

export interface SyncReport extends SyncCounts {
  readonly result: SyncResult;
  readonly type: SyncTypeName;
  /** The Edge's name; '' when there is none. */
  readonly name: string;
  readonly failureDetails: string;
  readonly startUtc: Date;
  readonly endUtc: Date;
}

const RESULTS: Readonly<Record<string, SyncResult>> = {
  'ldap-unreachable': 'CouldNotConnect',
  'lease-held': 'CouldNotLease',
  'lease-lost': 'LostLease',
  'sync-disabled': 'SyncDisabled',
};

/** The result and the sentence for what was thrown; a bug's text is the log's alone. */
export function describeFailure(error: unknown): Pick<SyncReport, 'result' | 'failureDetails'> {
  if (!isProblem(error)) return { result: 'Aborted', failureDetails: 'an internal error, see the log' };
  return { result: RESULTS[error.code] ?? 'Aborted', failureDetails: error.message };
}
