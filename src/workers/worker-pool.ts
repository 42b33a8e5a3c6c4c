// The workers of one server: started together, each started again when it dies, given connections in turn, told what changed,
// stopped in order. The pool accepts the connections itself and hands each to the worker with the fewest, so that kept
// sessions spread evenly. Whoever is too many is told so by the worker, which asks its owner how many there are in all.

import { createServer, type Socket } from 'node:net';
import type { Cancel } from '../clock.ts';
import type { Service } from '../config.ts';
import type { Log } from '../log.ts';
import { messageOf, Problem } from '../problem.ts';
import { type ListenPlace, listenAt } from '../smtp/listening.ts';
import { REPLIES } from '../smtp/replies.ts';
import { formatReply } from '../smtp/reply.ts';
import type { Pressure } from '../transport/pressure.ts';
import type { OwnerDoor } from './owner-door.ts';
import { WorkerProcess } from './worker-process.ts';
import type { WorkerStart, WorkerState } from './worker-state.ts';

export interface WorkerPoolOptions {
  readonly count: number;
  readonly program: string;
  readonly start: Omit<WorkerStart, 'number'>;
  readonly state: () => WorkerState;
  /** A door for each worker. */
  readonly openDoor: () => OwnerDoor;
  /** How long a stop waits for transactions under way. */
  readonly drainMs: number;
  readonly log: Log;
  /** A worker died and will be started again. */
  readonly onDeath: (death: { readonly number: number; readonly pid: number; readonly detail: string }) => void;
}

/** Where the pool listens. */
export interface Door {
  readonly address: { readonly address: string; readonly port: number };
  /** Connections that came since it listens. */
  readonly taken: number;
  /** Takes no more connections; those handed out go on. */
  close(): Promise<void>;
}

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 30_000;
/** Who lived this long is no part of a row of failures. */
const STEADY_MS = 60_000;
/** Beyond `drainMs`: a worker that does not even cut its sessions off hangs. */
const GRACE_MS = 5000;

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Map<number, WorkerProcess>();
  /** Came while no worker was ready. */
  readonly #waiting = new Map<Socket, Service>();
  readonly #restarts = new Set<Cancel>();
  #isStopping = false;

  private constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Resolves when every worker is ready; throws Problem `worker-failed` when one cannot be started. */
  static async open(options: WorkerPoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    try {
      await Promise.all(Array.from({ length: options.count }, (_, index) => pool.#begin(index + 1)));
    } catch (error) {
      await pool.stop();
      throw error;
    }
    return pool;
  }

  /** Begins to listen; throws Problem `listen-failed` when the address cannot be had. */
  async listen(place: ListenPlace): Promise<Door> {
    const { service = 'smtp' } = place;
    let taken = 0;
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      taken += 1;
      this.#take(socket, service);
    });
    const { address, port } = await listenAt(server, place);
    server.on('error', (error) => this.#options.log.warn({ err: error }, 'listener failed'));
    return {
      address: { address, port },
      get taken() {
        return taken;
      },
      close: async () => {
        // Not waited for: it would be over only when the workers' connections are.
        server.close();
      },
    };
  }

  /** Tells every worker what holds now. */
  push(): void {
    if (this.#workers.size === 0) return;
    const state = this.#options.state();
    for (const worker of this.#workers.values()) worker.push({ kind: 'state', state });
  }

  /** The same for what changes most often. */
  pushPressure(pressure: Pressure): void {
    for (const worker of this.#workers.values()) worker.push({ kind: 'pressure', pressure });
  }

  /** Ends all sessions in order and then the workers; what is still there after the drain time is cut off. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const cancel of this.#restarts) cancel();
    for (const [socket, service] of this.#waiting) refuse(socket, service, REPLIES.shuttingDown);
    this.#waiting.clear();
    const limitMs = this.#options.drainMs + GRACE_MS;
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop(limitMs)));
  }

  /** Resolves when it is ready; rejects when it ends before that. */
  #begin(number: number, failures = 0): Promise<void> {
    const { program, start, state, openDoor, log } = this.#options;
    const door = openDoor();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const beganMs = performance.now();
    const worker = new WorkerProcess({
      program,
      start: { ...start, number },
      state: state(),
      handlers: door.handlers,
      onReady: () => {
        resolve();
        this.#handWaiting();
      },
      onEnd: (detail) => {
        this.#workers.delete(number);
        door.close();
        reject(new Problem('worker-failed', `worker process ${number} does not start: ${detail}; its log says why`));
        const row = performance.now() - beganMs > STEADY_MS ? 0 : failures;
        if (!this.#isStopping) this.#beginAgain({ number, pid: worker.pid ?? 0, detail }, row);
      },
      onFault: (error) => log.error({ worker: number, error: messageOf(error) }, 'a worker was not understood'),
    });
    this.#workers.set(number, worker);
    return promise;
  }

  #beginAgain(
    death: { readonly number: number; readonly pid: number; readonly detail: string },
    failures: number,
  ): void {
    this.#options.onDeath(death);
    const timer = setTimeout(
      () => {
        this.#restarts.delete(cancel);
        // Its failure has its own end, which comes here again.
        this.#begin(death.number, failures + 1).catch(() => undefined);
      },
      Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** failures),
    );
    const cancel = (): void => clearTimeout(timer);
    this.#restarts.add(cancel);
  }

  #take(socket: Socket, service: Service): void {
    socket.on('error', () => undefined);
    if (this.#isStopping) return refuse(socket, service, REPLIES.shuttingDown);
    const worker = this.#leastBusy();
    if (worker) return worker.hand(socket, service);
    this.#waiting.set(socket, service);
    socket.once('close', () => this.#waiting.delete(socket));
  }

  #handWaiting(): void {
    for (const [socket, service] of this.#waiting) {
      const worker = this.#leastBusy();
      if (!worker) return;
      this.#waiting.delete(socket);
      worker.hand(socket, service);
    }
  }

  /** Connections that are open now, in all workers. */
  get connections(): number {
    return [...this.#workers.values()].reduce((sum, { connections }) => sum + connections, this.#waiting.size);
  }

  /** Of equals the one that has had its turn longest ago: a Map keeps the order of insertion. */
  #leastBusy(): WorkerProcess | undefined {
    let found: [number, WorkerProcess] | undefined;
    for (const entry of this.#workers) {
      if (entry[1].isReady && (!found || entry[1].connections < found[1].connections)) found = entry;
    }
    if (!found) return undefined;
    const [number, worker] = found;
    this.#workers.delete(number);
    this.#workers.set(number, worker);
    return worker;
  }
}

/** Where TLS comes first nothing can be said without it. */
function refuse(socket: Socket, service: Service, reply: Parameters<typeof formatReply>[0]): void {
  if (service === 'smtps') return void socket.destroy();
  socket.end(`${formatReply(reply)}\r\n`);
  socket.resume();
}
