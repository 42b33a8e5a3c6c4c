// A spool backend as a worker of its owner sees it: what is received goes through a link to the owner, all else is the owner's.
// With it the contract of a backend is tested a second time.

import { duplexPair } from 'node:stream';
import { isShared, type SharedSpool } from '../../src/spool/spool-door.ts';
import type { Spool, SpoolBackend, SpoolOptions } from '../../src/spool/spool.ts';
import { WorkerSpool } from '../../src/spool/worker-spool.ts';
import { silentLog } from '../../src/log.ts';
import { SystemClock } from '../../src/clock.ts';
import { CardLog } from '../../src/tracking/card-log.ts';
import { EventLog } from '../../src/tracking/event-log.ts';
import { MailTally } from '../../src/tracking/mail-tally.ts';
import { MessageTracking } from '../../src/tracking/message-tracking.ts';
import { Link } from '../../src/workers/link.ts';
import { ConnectionCounts } from '../../src/transport/connection-counts.ts';
import { OwnerClient } from '../../src/workers/owner-client.ts';
import { openOwnerDoor } from '../../src/workers/owner-door.ts';

interface WorkerSide {
  readonly owner: SharedSpool;
  readonly worker: WorkerSpool;
}

/** Opens the spool as its owner does, and a worker's view of it. */
async function openWorkerSide(backend: SpoolBackend, options: SpoolOptions): Promise<WorkerSide> {
  const owner = await backend.open(options);
  if (!isShared(owner)) throw new Error(`${backend.name} knows no workers`);
  const [ownerEnd, workerEnd] = duplexPair();
  const logs = { folder: `${options.folder}-logs`, clock: new SystemClock(), log: silentLog(), version: '0' };
  const ends = { onEnd: () => undefined, onFault: () => undefined };
  Link.open({
    ...ends,
    stream: ownerEnd,
    handlers: openOwnerDoor({
      spool: owner,
      cards: new CardLog(logs),
      tracking: new MessageTracking(logs),
      events: new EventLog(logs),
      captures: { add: () => undefined },
      tally: new MailTally(),
      validation: undefined,
      logins: undefined,
      counts: new ConnectionCounts(),
    }).handlers,
  });
  const client = new OwnerClient(Link.open({ ...ends, stream: workerEnd, handlers: {} }));
  const worker = await WorkerSpool.open({ folder: options.folder, hand: (message) => client.store(message) });
  return { owner, worker };
}

/** The same backend with a worker in front of it. */
export function behindWorker(backend: SpoolBackend): SpoolBackend {
  const name = `${backend.name}, by a worker`;
  return {
    ...backend,
    name,
    open: async (options) => {
      const { owner, worker } = await openWorkerSide(backend, options);
      const own: Partial<Spool> = {
        backend: name,
        receive: () => worker.receive(),
        close: async () => {
          await worker.close();
          await owner.close();
        },
      };
      return new Proxy<Spool>(owner, {
        get: (target, key) => {
          const value: unknown = key in own ? Reflect.get(own, key) : Reflect.get(target, key);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    },
  };
}
