// What a worker asks of its owner and tells it, in the words of the link; the owner's side of each word is owner-door.ts.

import type { CaptureCount } from '../capture/captures.ts';
import type { Mailbox } from '../smtp/address.ts';
import type { HandedMessage } from '../spool/spool-door.ts';
import type { Admission, Counts, Entry, EntryClaim, Spending } from '../transport/connection-counts.ts';
import type { Login, LoginAnswer } from '../transport/logins.ts';
import type { Link } from './link.ts';
import type { RecordBatch } from './worker-records.ts';

export class OwnerClient implements Counts {
  readonly #link: Link;
  #endedConnections = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  ready(): void {
    this.#link.tell('ready');
  }

  /** The connection that was handed over first of those not yet taken is here, and the owner may let go of it. */
  connectionTaken(): void {
    this.#link.tell('taken');
  }

  /** A connection that the owner handed over is over. */
  connectionEnded(): void {
    this.#endedConnections += 1;
    if (this.#endedConnections > 1) return;
    queueMicrotask(() => {
      this.#link.tell('ended', { count: this.#endedConnections });
      this.#endedConnections = 0;
    });
  }

  /** Resolves with the id once the message is synced. Never settles when the owner is gone. */
  async store({ envelope, traceFields, body }: HandedMessage): Promise<number> {
    const { sizeBytes, checksum, content, fileName } = body;
    const pieces = [envelope, traceFields, checksum, ...(content ? [content] : [])];
    return Number(await this.#link.ask('store', { sizeBytes, fileName }, pieces));
  }

  /** Whether a recipient is one of the organisation's; throws as the owner's look-up does. */
  async isKnown(mailbox: Mailbox): Promise<boolean> {
    return (await this.#link.ask('isKnown', { mailbox })) === true;
  }

  /** Looks at a log-in; throws as the owner's look-up does. */
  async check(login: Login): Promise<LoginAnswer> {
    return (await this.#link.ask('login', { login })) as LoginAnswer;
  }

  /** As UserLogins'. */
  async addressesOf(identity: string): Promise<readonly string[] | undefined> {
    return (await this.#link.ask('addressesOf', { identity })) as readonly string[] | undefined;
  }

  /** As Counts': the owner counts for all its workers. */
  async enter(claim: EntryClaim): Promise<Admission> {
    return (await this.#link.ask('enter', { claim })) as Admission;
  }

  leave({ connector, source }: Entry): void {
    this.#link.tell('leave', { entry: { connector, source } });
  }

  vouch({ connector, source }: Entry): void {
    this.#link.tell('vouch', { entry: { connector, source } });
  }

  async spend(spending: Spending): Promise<boolean> {
    return (await this.#link.ask('spend', { spending })) === true;
  }

  keep({ atMs, cards, tracking, counts }: RecordBatch): void {
    this.#link.tell('records', { atMs, counts }, [Buffer.from(cards), Buffer.from(tracking)]);
  }

  /** So much more was captured here. */
  captured(count: CaptureCount): void {
    this.#link.tell('captured', count);
  }

  raise(event: Buffer): void {
    this.#link.tell('event', {}, [event]);
  }
}
