// Asks both servers of a pair. Which they are is said once: a folder that holds hub.yaml and edge.yaml, or a file for each;
// one of them may be on another machine, or stopped, and then the other alone tells what it knows.

import type { CmdletOutput } from '../cmdlets/output.ts';
import type { Role } from '../config.ts';
import { callCmdlet } from '../control/client.ts';
import { isProblem } from '../problem.ts';
import type { Doors } from './doors.ts';
import { locateConfig } from './location.ts';
import type { ShellOptions } from './shell-options.ts';
import type { Terminal } from './terminal.ts';

/** Where the two configuration files are, as typed. */
export interface PairPlace {
  readonly dir?: string;
  readonly hub?: string;
  readonly edge?: string;
}

interface Server {
  readonly role: Role;
  readonly socketPath: string;
  readonly startCommand: string;
}

/** An answer of each server that could be asked, and a sentence for each that could not. */
export interface PairAnswer<T> {
  readonly answers: readonly { readonly role: Role; readonly answer: T }[];
  readonly missing: readonly string[];
}

type Ask = (cmdlet: string, parameters?: Readonly<Record<string, readonly string[]>>) => Promise<CmdletOutput>;

export class PairServers {
  readonly #servers: readonly Server[];
  readonly #missing: readonly string[];

  /** Throws Problem `config-not-found` when there is neither. */
  static async find(place: PairPlace, doors: Doors, terminal: Terminal): Promise<PairServers> {
    const servers: Server[] = [];
    const problems: Error[] = [];
    for (const role of ['hub', 'edge'] as const) {
      try {
        const configPath = locateConfig(role, optionsFor(role, place), terminal);
        const socketPath = await doors.socketPathFor(role, configPath);
        servers.push({ role, socketPath, startCommand: `relaypair ${role} --config ${configPath}` });
      } catch (error) {
        if (!isProblem(error)) throw error;
        problems.push(error);
      }
    }
    if (servers.length === 0) throw problems[0];
    return new PairServers(
      servers,
      problems.map(({ message }) => message),
    );
  }

  private constructor(servers: readonly Server[], missing: readonly string[]) {
    this.#servers = servers;
    this.#missing = missing;
  }

  /** Asks both at once. Throws Problem when neither answers. */
  async ask<T>(read: (ask: Ask, role: Role) => Promise<T>): Promise<PairAnswer<T>> {
    const settled = await Promise.allSettled(this.#servers.map((server) => read(askServer(server), server.role)));
    const answers: { role: Role; answer: T }[] = [];
    const missing = [...this.#missing];
    for (const [index, result] of settled.entries()) {
      const role = this.#servers[index]?.role ?? 'hub';
      if (result.status === 'fulfilled') answers.push({ role, answer: result.value });
      else if (!isProblem(result.reason)) throw result.reason;
      else missing.push(`the ${role === 'hub' ? 'Hub' : 'Edge'} says nothing: ${result.reason.message}`);
    }
    if (answers.length > 0) return { answers, missing };
    throw settled.find((result) => result.status === 'rejected')?.reason;
  }
}

function optionsFor(role: Role, { dir, ...files }: PairPlace): ShellOptions {
  const config = files[role];
  return { ...(config !== undefined && { config }), ...(dir !== undefined && { dir }) };
}

function askServer({ socketPath, startCommand }: Server): Ask {
  return (cmdlet, parameters = {}) => callCmdlet(socketPath, { cmdlet, parameters }, { startCommand });
}
