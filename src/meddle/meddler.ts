// The fault box: a proxy in front of an SMTP server that speaks STARTTLS and breaks it in the ways it is told. For programs this is
// the whole of it; `relaypair meddle` runs one by a scenario file.

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { BoundedMap } from '../bounded-map.ts';
import { type Endpoint, formatEndpoint } from '../config-values.ts';
import { listenProblem } from '../problem.ts';
import { type FaultInput, type Fault, readFaults } from './fault.ts';
import { type ForgedCertificate, forgeCertificate } from './forged-certificate.ts';
import { MeddledConnection } from './meddled-connection.ts';
import { type MeddleEvent, type Observation, Observer } from './observation.ts';
import type { Forge } from './terminated-tls.ts';

export type { FaultInput } from './fault.ts';
export type { MeddleEvent, Observation } from './observation.ts';

export interface MeddlerOptions {
  /** The server that stands behind the box. */
  readonly to: Endpoint;
  /** Port 0, the default, takes a free one. */
  readonly listen?: Endpoint;
  /** In order: the first that is for what is said is done to it. None: everything passes. */
  readonly faults?: readonly (FaultInput | Fault)[];
  /** TLS from the first octet, as on port 465: records are meddled with, and no SMTP is read. */
  readonly isImplicitTls?: boolean;
  /** Called for everything that is seen and done, as it happens. */
  readonly onEvent?: (event: MeddleEvent) => void;
  /** What the dates of certificates made here are counted from; the machine's time when absent. */
  readonly now?: () => Date;
}

/** Owns its port and the connections through it. */
export class Meddler {
  readonly #options: MeddlerOptions;
  readonly #server: Server;
  readonly #connections = new Set<MeddledConnection>();
  readonly #observers: Observer[] = [];
  readonly #forged = new BoundedMap<string, Promise<ForgedCertificate>>(100);
  readonly #waiting = new Set<() => void>();
  #faults: readonly Fault[];
  /** Of the last connection, counted from 1 since the faults were set. */
  #number = 0;

  private constructor(options: MeddlerOptions) {
    this.#options = options;
    this.#faults = readFaults(options.faults ?? []);
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    this.#server.on('connection', (client) => {
      const observer = new Observer(++this.#number, (event) => options.onEvent?.(event));
      this.#observers.push(observer);
      observer.note('opened', `a client came from ${client.remoteAddress ?? 'nowhere'}`);
      const connection = new MeddledConnection(client, {
        to: options.to,
        faults: this.#faults,
        observer,
        forge: this.#forge,
        isImplicitTls: options.isImplicitTls ?? false,
      });
      void this.#serve(connection, observer);
    });
  }

  /** Listens; throws Problem `listen-failed` or `meddle-invalid`. */
  static async open(options: MeddlerOptions): Promise<Meddler> {
    const meddler = new Meddler(options);
    const { host, port } = options.listen ?? { host: '127.0.0.1', port: 0 };
    meddler.#server.listen(port, host);
    try {
      await once(meddler.#server, 'listening');
    } catch (error) {
      throw listenProblem(formatEndpoint({ host, port }), error as NodeJS.ErrnoException);
    }
    return meddler;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Does these to connections from now on, which are counted anew from 1; throws Problem `meddle-invalid`. */
  setFaults(faults: readonly (FaultInput | Fault)[]): void {
    this.#faults = readFaults(faults);
    this.#number = 0;
    this.#observers.splice(0);
  }

  /** What was seen on each connection since the faults were set, those under way as far as they have come. */
  observations(): readonly Observation[] {
    return this.#observers.map((observer) => observer.look());
  }

  /** Resolves once so many connections have come and gone since the faults were set, or `signal` aborts. */
  async waitForEnded(count: number, signal?: AbortSignal): Promise<void> {
    const isEnough = (): boolean => this.#observers.filter(({ hasEnded }) => hasEnded).length >= count;
    const wakeAll = (): void => this.#wake();
    signal?.addEventListener('abort', wakeAll);
    const isOver = (): boolean => isEnough() || signal?.aborted === true;
    while (!isOver()) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
    signal?.removeEventListener('abort', wakeAll);
  }

  /** Ends every connection and stops listening. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(connection: MeddledConnection, observer: Observer): Promise<void> {
    this.#connections.add(connection);
    void connection.run();
    await connection.closed;
    this.#connections.delete(connection);
    observer.hasEnded = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** The same wish for the same original is the same certificate again, as a server's would be. */
  readonly #forge: Forge = (wish, original) => {
    const key = JSON.stringify([wish, original?.sha256]);
    const known = this.#forged.get(key);
    if (known) return known;
    const forged = forgeCertificate(wish, original, this.#options.now?.() ?? new Date());
    this.#forged.set(key, forged);
    return forged;
  };
}

/** Opens a fault box in front of a server: `createMeddler({ to: { host: '127.0.0.1', port: 25 }, faults: [...] })`. */
export function createMeddler(options: MeddlerOptions): Promise<Meddler> {
  return Meddler.open(options);
}
