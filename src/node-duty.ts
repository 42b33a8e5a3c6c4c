// What a server owes the others on its spool: it says what it is, stands aside when that is wanted of it, and notices when it lacks
// changes of the directory that they have. On a spool of its own there is nothing to do.

import type { NodeState } from './cmdlets/server-context.ts';
import type { DirectoryStatus } from './directory/directory-status.ts';
import { LagWatch } from './directory/lag-watch.ts';
import type { Foundation } from './server.ts';
import type { NodeStage, SpoolNodes } from './spool/spool-nodes.ts';
import { createEvent } from './tracking/events.ts';
import type { MailQueue } from './transport/queue.ts';

export interface NodeParts {
  readonly queue: Pick<MailQueue, 'start' | 'standAside' | 'comeBack'>;
  /** SMTP sessions of clients that are open. */
  readonly sessions: () => number;
  readonly directoryStatus: () => DirectoryStatus;
}

/** A change may take two looks at the directory, and the news of it a beat; below this nothing is said. */
const MIN_PATIENCE_MS = 60_000;
const LOOKS = 3;
/** EdgeSync comes to each Edge by itself: three of its longest intervals, as they are unless somebody has set others. */
const EDGE_PATIENCE_MS = 15 * 60_000;

type Surroundings = Pick<Foundation, 'spool' | 'clock' | 'events' | 'config' | 'version' | 'parts'>;

/** Starts the queue unless the server is to stand aside, and does what is wanted from now on. */
export function beginDuty(surroundings: Surroundings, parts: NodeParts): () => NodeState {
  const { nodes } = surroundings.spool;
  if (nodes) return new NodeDuty(surroundings, nodes, parts).begin();
  parts.queue.start();
  return () => ({ stage: 'active', sessions: parts.sessions() });
}

class NodeDuty {
  readonly #surroundings: Surroundings;
  readonly #nodes: SpoolNodes;
  readonly #parts: NodeParts;
  readonly #lag: LagWatch;
  #stage: NodeStage = 'active';
  #behindSince: Date | undefined;

  constructor(surroundings: Surroundings, nodes: SpoolNodes, parts: NodeParts) {
    this.#surroundings = surroundings;
    this.#nodes = nodes;
    this.#parts = parts;
    const { directory, role } = surroundings.config;
    const refreshMs = directory.backend === 'ldap' ? directory.refreshInterval : 0;
    this.#lag = new LagWatch(role === 'edge' ? EDGE_PATIENCE_MS : Math.max(MIN_PATIENCE_MS, LOOKS * refreshMs));
  }

  begin(): () => NodeState {
    const { queue } = this.#parts;
    const { suspendedBy } = this.#nodes;
    if (suspendedBy === undefined) queue.start();
    else {
      this.#recordSuspension(suspendedBy);
      this.#stage = 'drained';
      void queue.standAside();
    }
    this.#nodes.reportBy(() => this.#report());
    this.#surroundings.parts.add(this.#nodes.onLook(() => this.#look()));
    return () => this.#state();
  }

  #look(): void {
    const { suspendedBy } = this.#nodes;
    if (suspendedBy !== undefined && this.#stage === 'active') void this.#drain(suspendedBy);
    else if (suspendedBy === undefined && this.#stage !== 'active') {
      this.#enter('active');
      this.#parts.queue.comeBack();
      this.#record('NodeResumed');
    }
    this.#lookAtDirectory();
  }

  async #drain(by: string): Promise<void> {
    this.#enter('draining');
    this.#recordSuspension(by);
    await this.#parts.queue.standAside();
    if (this.#stage !== 'draining') return;
    this.#enter('drained');
    this.#record('NodeDrained');
  }

  #lookAtDirectory(): void {
    const { clock, events, config } = this.#surroundings;
    const { position, server, backend } = this.#parts.directoryStatus();
    const others = this.#nodes.others.map((report) => new Map(Object.entries(report.position ?? {})));
    const lag = this.#lag.note(position, others, clock.elapsedMs());
    const before = this.#behindSince;
    const since = lag && new Date(clock.now().getTime() - (clock.elapsedMs() - lag.sinceMs));
    this.#behindSince = lag && (before ?? since);
    const node = config.netbiosName;
    const source = config.role === 'edge' ? 'EdgeSync' : (server ?? backend);
    if (since && !before) events.record(createEvent('NodeBehind', { node, since, source }));
    if (before && !since) events.record(createEvent('NodeCaughtUp', { node, since: before }));
  }

  #enter(stage: NodeStage): void {
    this.#stage = stage;
    this.#nodes.reportSoon();
  }

  #recordSuspension(by: string): void {
    const { events, config } = this.#surroundings;
    events.record(createEvent('NodeSuspended', { node: config.netbiosName, by }));
  }

  #record(name: 'NodeDrained' | 'NodeResumed'): void {
    const { events, config } = this.#surroundings;
    events.record(createEvent(name, { node: config.netbiosName }));
  }

  #state(): NodeState {
    return { stage: this.#stage, sessions: this.#parts.sessions(), behindSince: this.#behindSince };
  }

  #report(): NodeState & { version: string; position?: Record<string, string>; staleSince?: Date | undefined } {
    const { position, stale } = this.#parts.directoryStatus();
    return {
      ...this.#state(),
      version: this.#surroundings.version,
      ...(position && { position: Object.fromEntries(position) }),
      staleSince: stale?.since,
    };
  }
}
