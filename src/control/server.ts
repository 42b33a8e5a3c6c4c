// The owner-only Unix socket on which a running server executes cmdlets. Who may open it is decided by the file system
// alone: mode 0600 in a folder of mode 0700. One connection's requests run in order, connections run beside each other.
// A connection that asks for too much at once, or idles for ten minutes, is closed.

import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Cmdlet } from '../cmdlets/cmdlet.ts';
import type { Log } from '../log.ts';
import { Problem } from '../problem.ts';
import { isAnswering } from './client.ts';
import { ControlConnection } from './connection.ts';
import { prepareSocketFolder } from './socket-path.ts';

export interface ControlServerOptions<Context> {
  /** From controlSocketPath(). */
  readonly path: string;
  readonly cmdlets: readonly Cmdlet<Context>[];
  readonly context: Context;
  readonly log: Log;
  /** What every answer warns of at this moment, such as a clock that is moved. */
  readonly caution?: () => string | undefined;
}

const MAX_CONNECTIONS = 64;
const CLOSING_MS = 5000;

export class ControlServer<Context> {
  readonly path: string;
  readonly #server: Server;
  readonly #connections = new Set<ControlConnection<Context>>();

  private constructor(options: ControlServerOptions<Context>) {
    this.path = options.path;
    this.#server = createServer((socket) => this.#accept(socket, options));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Opens the socket, replacing one that nobody answers; throws Problem `in-use` or `folder-not-private`. */
  static async open<Context>(options: ControlServerOptions<Context>): Promise<ControlServer<Context>> {
    prepareSocketFolder(options.path);
    await removeStaleSocket(options.path);
    const control = new ControlServer(options);
    await control.#listen();
    // Such as no descriptor left for one more caller: no reason for the mail server to end.
    control.#server.on('error', (error) => options.log.error({ err: error }, 'the control socket failed'));
    chmodSync(options.path, 0o600);
    return control;
  }

  /** Takes no more requests, tells the running ones to stop, waits for them up to five seconds. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const ended = Promise.all([...this.#connections].map((connection) => connection.close()));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSING_MS);
    await Promise.race([ended, late]);
    clearTimeout(timer);
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #accept(socket: Socket, options: ControlServerOptions<Context>): void {
    const connection = new ControlConnection(socket, options);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.path, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }
}

/**
 * Removes a socket that nobody answers; throws Problem `in-use`. Two servers that start at once are kept apart by the spool's lock,
 * which is taken before this.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new Problem('in-use', `${path} is in the way of a socket of this server and is not a socket: move it`);
  if (await isAnswering(path)) {
    throw new Problem('in-use', `another server answers on ${path}: stop that one first`);
  }
  unlinkSync(path);
}
