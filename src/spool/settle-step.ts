// What one settlement does to the tables: runs inside the group's transaction, perhaps twice, and touches nothing else. The
// message and those that it brings forth change together or not at all.

import { isLate, isPending, settleState } from './delivery-state.ts';
import type { RecentMessages } from './recent-messages.ts';
import type { Settlement, SpooledMessage } from './spool.ts';
import type { LoadedMessage, SpoolDatabase, UnstoredMessage } from './spool-database.ts';

export interface SettleRequest {
  readonly id: number;
  readonly settlement: Settlement;
  readonly newMessages: readonly UnstoredMessage[];
  /** Nobody holds it: it must be found at its new time. */
  readonly unclaimed: boolean;
}

export type Settled =
  /** Not there; nothing was stored. */
  | { readonly kind: 'gone' }
  /** Somebody else settled these recipients; nothing was stored. */
  | { readonly kind: 'late'; readonly message: SpooledMessage }
  | { readonly kind: 'damaged'; readonly reason: string }
  | { readonly kind: 'kept'; readonly message: SpooledMessage; readonly added: readonly SpooledMessage[] }
  | {
      readonly kind: 'removed';
      readonly sizeBytes: number;
      readonly fileName: string | null;
      readonly added: readonly SpooledMessage[];
    };

/** Where messages are. */
export interface SettlePlaces {
  readonly database: SpoolDatabase;
  readonly recent: RecentMessages;
}

/** Applies a settlement; see Spool.settle. */
export function settleMessage({ database, recent }: SettlePlaces, request: SettleRequest): Settled {
  const { id, settlement } = request;
  const loaded = recall(recent, request) ?? database.load(id);
  if (!loaded) return { kind: 'gone' };
  if (loaded.kind === 'damaged') return loaded;
  const state = settleState(loaded.message, settlement);
  if (isLate(loaded.message, settlement, state)) return { kind: 'late', message: loaded.message };
  const added = request.newMessages.map((message) => database.insert(message));
  if (!isPending(state)) {
    const removed = database.remove(id);
    return removed ? { kind: 'removed', ...removed, added } : { kind: 'gone' };
  }
  recent.drop(id);
  database.saveState(id, state);
  if (request.unclaimed) database.wait(id);
  return { kind: 'kept', message: { ...loaded.message, ...state }, added };
}

/** True when nothing is left of the message, and nothing came of it that somebody waits for. */
export function isAllOver(settled: Settled): boolean {
  return settled.kind === 'removed' && settled.added.length === 0;
}

/** The message as it is in memory, where all of it ends here: it is neither read nor checked again to be deleted. */
function recall(recent: RecentMessages, { id, settlement }: SettleRequest): LoadedMessage | undefined {
  const message = recent.get(id)?.message;
  if (!message || isPending(settleState(message, settlement))) return undefined;
  return { kind: 'good', message };
}
