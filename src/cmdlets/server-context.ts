// What a cmdlet may touch in the server it runs in. hub.ts and edge.ts build it; `hub` or `edge` holds what only that role has.

import type { CaptureControl } from '../capture/capture-control.ts';
import type { Clock, ClockCourse } from '../clock.ts';
import type { Config, ListenAddress } from '../config.ts';
import type { Reload } from '../config-live.ts';
import type { ActiveDirectory } from '../directory/active-directory.ts';
import type { Adam } from '../directory/adam.ts';
import type { DirectoryStatus } from '../directory/directory-status.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { Synchronizer } from '../edgesync/synchronizer.ts';
import type { Log } from '../log.ts';
import type { Spool } from '../spool/spool.ts';
import type { NodeStage } from '../spool/spool-nodes.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { CertificateStore } from '../tls/certificate-store.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { CardLog } from '../tracking/card-log.ts';
import type { DecisionCard } from '../tracking/decision-card.ts';
import type { EventLog } from '../tracking/event-log.ts';
import type { MessageTracking } from '../tracking/message-tracking.ts';
import type { Metrics } from '../tracking/metrics.ts';
import type { Organisation } from '../transport/organisation.ts';
import type { MailQueue } from '../transport/queue.ts';
import type { ResourceMonitor } from '../transport/resource-monitor.ts';

export interface ServerContext {
  /** As the server was started; what may change since is not to be read here. */
  readonly config: Config;
  /** Reads the config file again; throws the Problem of one that cannot be used. */
  readonly reloadConfig: () => Reload;
  readonly clock: Clock;
  /** Only in a laboratory: what moves the clock. */
  readonly labClock?: { run(course: ClockCourse): void } | undefined;
  readonly log: Log;
  readonly captureControl: CaptureControl;
  readonly version: string;
  readonly certificates: CertificateStore;
  /** Who may come in by the Admin API. */
  readonly accessTokens: AccessTokens;
  readonly spool: Spool;
  readonly queue: MailQueue;
  readonly resources: ResourceMonitor;
  readonly events: EventLog;
  readonly tracking: MessageTracking;
  readonly cards: CardLog<DecisionCard>;
  readonly metrics: Metrics;
  readonly resolver: Resolver;
  /** When this process began, by the clock's elapsed time. */
  readonly startedMs: number;
  /** How the server stands to the others on its spool now. */
  readonly nodeState: () => NodeState;
  /** How the server stands to its directory now. */
  readonly directoryStatus: () => DirectoryStatus;
  readonly organisation: () => Organisation;
  /** Where SMTP listens, with the ports that port 0 became. */
  readonly addresses: readonly ListenAddress[];
  readonly hub?: HubParts;
  readonly edge?: EdgeParts;
}

/** A value of the moment. */
export interface NodeState {
  readonly stage: NodeStage;
  /** SMTP sessions of clients. */
  readonly sessions: number;
  /** While it lacks changes of the directory that other nodes have. */
  readonly behindSince?: Date | undefined;
}

export interface HubParts {
  readonly activeDirectory: ActiveDirectory;
  readonly synchronizer: Synchronizer;
}

export interface EdgeParts {
  readonly adam: Adam;
  /** What a subscription file says of the way to ADAM; throws Problem `directory-file-unreadable`. */
  readonly announce: () => AdamAnnouncement;
}

export interface AdamAnnouncement {
  readonly port: number;
  /** What ADAM shows there when it is not this server itself. */
  readonly certificate: Certificate | undefined;
}
