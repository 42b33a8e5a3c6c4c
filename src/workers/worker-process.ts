// One worker as its owner sees it: the process, the channel for state and connections, the link for messages and records. The
// link is a socket pair that the owner made and gave to this child alone: who speaks on it needs no further proof.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Service } from '../config.ts';
import { type Handler, Link } from './link.ts';
import { LINK_DESCRIPTOR, type OwnerMessage, type WorkerStart, type WorkerState } from './worker-state.ts';

export interface WorkerProcessOptions {
  /** The program of a worker. */
  readonly program: string;
  readonly start: WorkerStart;
  readonly state: WorkerState;
  /** What the worker may ask for and tell, besides that it is ready and that connections ended. */
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly onReady: () => void;
  /** The process is gone, and all that it said was heard. `detail`: its signal or exit code. */
  readonly onEnd: (detail: string) => void;
  readonly onFault: (error: unknown) => void;
}

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Sent and not yet taken, in their order. Ours until then: with a dead worker's they would stay open for ever. */
  readonly #onTheWay: Socket[] = [];
  #connections = 0;
  #isReady = false;
  #isStopping = false;

  constructor(options: WorkerProcessOptions) {
    const { program, start, state, handlers, onFault } = options;
    const { role, fqdn } = start.config;
    this.#child = fork(program, [role, fqdn, `worker-${start.number}`], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe'],
    });
    this.#ended = once(this.#child, 'close').catch(() => undefined);
    Link.open({
      stream: this.#child.stdio[LINK_DESCRIPTOR] as Duplex,
      handlers: {
        ...handlers,
        ready: () => {
          this.#isReady = true;
          options.onReady();
        },
        taken: () => this.#onTheWay.shift()?.destroy(),
        ended: ({ count }) => {
          this.#connections -= Number(count);
        },
      },
      // Without its link it can neither store nor be stopped in order; it ends itself, unless it hangs.
      onEnd: () => {
        if (!this.#isStopping) this.#child.kill('SIGKILL');
      },
      onFault,
    });
    this.#child.on('error', onFault);
    this.#child.once('close', (code, signal) => {
      this.#isReady = false;
      for (const socket of this.#onTheWay.splice(0)) socket.destroy();
      options.onEnd(signal ?? `exit code ${code}`);
    });
    this.#send({ kind: 'start', start, state });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Connections that were handed to it and have not ended. */
  get connections(): number {
    return this.#connections;
  }

  /** Whether it takes connections. */
  get isReady(): boolean {
    return this.#isReady && !this.#isStopping;
  }

  /** Tells it what has changed. */
  push(message: Extract<OwnerMessage, { kind: 'state' | 'pressure' }>): void {
    this.#send(message);
  }

  /** Gives a connection away; whatever was pushed before is known to the worker when it gets it. */
  hand(socket: Socket, service: Service): void {
    this.#connections += 1;
    this.#onTheWay.push(socket);
    const message: OwnerMessage = { kind: 'connection', service };
    // Kept open here: Node would close it for us when the worker confirms, and never where no worker is left to do so.
    this.#child.send(message, socket, { keepOpen: true }, (error) => {
      if (error === null) return;
      this.#connections -= 1;
      const index = this.#onTheWay.indexOf(socket);
      if (index >= 0) this.#onTheWay.splice(index, 1);
      socket.destroy();
    });
  }

  /** Ends its sessions in order, then the process; kills it after `limitMs`. */
  async stop(limitMs: number): Promise<void> {
    this.#isStopping = true;
    this.#send({ kind: 'stop' });
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), limitMs);
    await this.#ended;
    clearTimeout(timer);
  }

  /** One that is about to end may not hear it any more. */
  #send(message: OwnerMessage): void {
    this.#child.send(message, () => undefined);
  }
}
