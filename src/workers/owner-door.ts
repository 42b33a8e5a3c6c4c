// What the owner does for its workers: stores their messages, looks recipients up, keeps their records. The words are those
// of owner-client.ts.

import type { Captures } from '../capture/captures.ts';
import type { Mailbox } from '../smtp/address.ts';
import { adoptMessage, type SharedSpool } from '../spool/spool-door.ts';
import type { EventLog } from '../tracking/event-log.ts';
import type { MailTally, TallyCount } from '../tracking/mail-tally.ts';
import {
  type ConnectionCounts,
  CountsShare,
  type Entry,
  type EntryClaim,
  type Spending,
} from '../transport/connection-counts.ts';
import type { RecipientValidation } from '../transport/recipient-validation.ts';
import type { Login, Logins } from '../transport/logins.ts';
import type { Handler } from './link.ts';
import { keepBatch, type LineKeeper, readEvent } from './worker-records.ts';

export interface OwnerDoorOptions {
  readonly spool: SharedSpool;
  readonly cards: LineKeeper;
  readonly tracking: LineKeeper;
  readonly events: Pick<EventLog, 'record'>;
  readonly captures: Pick<Captures, 'add'>;
  readonly counts: ConnectionCounts;
  readonly tally: MailTally;
  /** On an Edge. */
  readonly validation: RecipientValidation | undefined;
  /** On a Hub. */
  readonly logins: Logins | undefined;
}

/** One worker's door. */
export interface OwnerDoor {
  /** For its link. */
  readonly handlers: Record<string, Handler>;
  /** The worker is gone: its connections are counted no more. */
  close(): void;
}

export function openOwnerDoor({ counts, ...options }: OwnerDoorOptions): OwnerDoor {
  const share = new CountsShare(counts);
  return {
    handlers: {
      ...sharedHandlers(options),
      enter: ({ claim }) => share.enter(claim as EntryClaim),
      leave: ({ entry }) => share.leave(entry as Entry),
      vouch: ({ entry }) => share.vouch(entry as Entry),
      spend: ({ spending }) => share.spend(spending as Spending),
    },
    close: () => share.close(),
  };
}

function sharedHandlers({
  spool,
  cards,
  tracking,
  events,
  captures,
  tally,
  validation,
  logins,
}: Omit<OwnerDoorOptions, 'counts'>): Record<string, Handler> {
  const none = Buffer.alloc(0);
  return {
    store: ({ sizeBytes, fileName }, [envelope = none, traceFields = none, checksum = none, content]) =>
      adoptMessage(spool, {
        envelope,
        traceFields,
        body: {
          sizeBytes: Number(sizeBytes),
          checksum,
          content: typeof fileName === 'string' ? undefined : (content ?? none),
          fileName: typeof fileName === 'string' ? fileName : undefined,
        },
      }),
    isKnown: ({ mailbox }) => validation?.isKnown(mailbox as Mailbox),
    login: ({ login }) => logins?.check(login as Login),
    addressesOf: ({ identity }) => logins?.addressesOf(String(identity)),
    records: ({ atMs, counts }, [cardLines = none, trackingLines = none]) =>
      keepBatch(
        {
          atMs: Number(atMs),
          cards: cardLines.toString(),
          tracking: trackingLines.toString(),
          counts: counts as readonly TallyCount[],
        },
        { cards, tracking, tally },
      ),
    captured: ({ sizeBytes, sessions }) => captures.add({ sizeBytes: Number(sizeBytes), sessions: Number(sessions) }),
    event: (_facts, [octets = none]) => events.record(readEvent(octets)),
  };
}
