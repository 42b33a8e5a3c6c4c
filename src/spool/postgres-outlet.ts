// Bodies on their way out of a shared spool, checked as they go, and guarded: of what this server has claimed nothing is handed out
// once others may have begun with it, least of all the last chunk, which makes a message of it for the next hop.

import { messageOf, Problem } from '../problem.ts';
import { BodyDamage, readBody } from './body-reader.ts';
import type { HeldMessages } from './held-messages.ts';
import type { PostgresBodies } from './postgres-bodies.ts';
import { unavailableProblem } from './postgres-fault.ts';
import type { PostgresNode } from './postgres-node.ts';
import type { PostgresShelf } from './postgres-shelf.ts';
import type { RecentMessages } from './recent-messages.ts';
import { goneProblem } from './spool-problems.ts';

export interface OutletOptions {
  readonly node: PostgresNode;
  readonly shelf: PostgresShelf;
  readonly bodies: PostgresBodies;
  readonly held: HeldMessages;
  readonly recent: RecentMessages;
}

export class PostgresOutlet {
  readonly #options: OutletOptions;

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  /** The body of a message; Problems of `Spool.openBody`, and what `requireOpen` throws where the spool is closed. */
  async *read(id: number, requireOpen: () => void): AsyncGenerator<Buffer> {
    const { bodies, shelf, recent } = this.#options;
    requireOpen();
    this.#requireLease(id);
    const content = recent.get(id)?.body.content;
    // It has been in memory ever since its checksum was made.
    if (content) {
      if (content.length > 0) yield content;
      return;
    }
    try {
      const place = await shelf.findBody(id);
      if (!place) throw goneProblem(id);
      for await (const chunk of readBody(place, bodies)) {
        this.#requireLease(id);
        yield chunk;
      }
    } catch (error) {
      if (!(error instanceof BodyDamage)) throw error;
      requireOpen();
      throw await this.#judgeDamage(id, error);
    }
  }

  #requireLease(id: number): void {
    const { held, node } = this.#options;
    if (held.isLost(id)) throw goneProblem(id);
    if (held.isClaimed(id) && !node.isSure()) {
      throw unavailableProblem(new Error('the lease on the message could not be renewed'));
    }
  }

  async #judgeDamage(id: number, damage: BodyDamage): Promise<Problem> {
    const { shelf } = this.#options;
    // What was settled while it was read has lost its body in good order.
    if (!(await shelf.findBody(id))) return goneProblem(id);
    const reason = messageOf(damage);
    await shelf.setAside(id, reason);
    return new Problem('spool-damaged', `message ${id} is damaged and was set aside: ${reason}`, { cause: damage });
  }
}
