// A server's part in a failover on purpose (spool-drills.ts): while one is under way it takes in mail made for it, notes what it has
// accepted, and ends itself when that is wanted.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Foundation } from './server.ts';
import { messageOf } from './problem.ts';
import type { SpoolNodes } from './spool/spool-nodes.ts';
import { drillAddress } from './transport/drill-hop.ts';

export interface DrillParts {
  /** False while this server takes no mail. */
  readonly isAccepting: () => boolean;
  /** Ends the process without a word; absent where it is not this server's own. */
  readonly die?: (() => void) | undefined;
}

/** So much mail at a time, so often. */
const MAIL_AT_ONCE = 2;
const PACE_MS = 100;
const LIFE_MS = 3_600_000;
/** As much as a short letter. */
const BODY = 'This is mail of Test-Failover, and nobody reads it.\r\n'.repeat(40);

type Surroundings = Pick<Foundation, 'spool' | 'clock' | 'log' | 'config' | 'parts'>;

/** Takes part from now on, where the spool has nodes. */
export function beginDrillDuty(surroundings: Surroundings, parts: DrillParts): void {
  const { nodes } = surroundings.spool;
  if (!nodes) return;
  const duty = new DrillDuty(surroundings, nodes, parts);
  const cancel = nodes.onLook(() => duty.look());
  surroundings.parts.add(() => {
    cancel();
    return duty.close();
  });
}

class DrillDuty {
  readonly #surroundings: Surroundings;
  readonly #nodes: SpoolNodes;
  readonly #parts: DrillParts;
  #work: Promise<void> | undefined;
  #isClosed = false;

  constructor(surroundings: Surroundings, nodes: SpoolNodes, parts: DrillParts) {
    this.#surroundings = surroundings;
    this.#nodes = nodes;
    this.#parts = parts;
  }

  look(): void {
    this.#work ??= this.#takePart()
      .catch((error: unknown) => {
        // The next look goes on with it.
        this.#surroundings.log.debug({ error: messageOf(error) }, 'a failover test could not be taken part in');
      })
      .finally(() => {
        this.#work = undefined;
      });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
  }

  async #takePart(): Promise<void> {
    while (!this.#isClosed) {
      const drill = await this.#nodes.drills.current();
      if (!drill) return;
      if (drill.isToDie) return this.#end();
      if (drill.stage !== 'stop' && this.#parts.isAccepting()) {
        await Promise.all(Array.from({ length: MAIL_AT_ONCE }, () => this.#takeIn(drill.id)));
      }
      await delay(PACE_MS);
    }
  }

  #end(): void {
    const { log } = this.#surroundings;
    log.warn({}, 'a failover test ends this server');
    this.#parts.die?.();
  }

  /** The commit is what a 250 stands for, and the note is the 250: it is out of this server's hands. */
  async #takeIn(drill: string): Promise<void> {
    const { spool, clock, config } = this.#surroundings;
    const mail = randomUUID();
    const receivedAt = clock.now();
    const fields = ['From: <>', `Subject: Failover test ${drill}`, `Message-ID: <${mail}@${config.fqdn}>`];
    const writer = spool.receive();
    await writer.write(Buffer.from(`${fields.join('\r\n')}\r\n\r\n${BODY}`));
    const { id } = await writer.commit(
      {
        // Nobody is told of it, whatever becomes of it.
        reversePath: '',
        recipients: [{ address: drillAddress(drill, mail) }],
        eightBit: false,
        smtpUtf8: false,
        messageId: `<${mail}@${config.fqdn}>`,
        networkMessageId: mail,
        subject: `Failover test ${drill}`,
        source: 'Failover test',
        receivedAt,
        expiresAt: new Date(receivedAt.getTime() + LIFE_MS),
        hopCount: 0,
      },
      Buffer.alloc(0),
    );
    await this.#nodes.drills.noteAccepted(drill, mail, id);
  }
}
