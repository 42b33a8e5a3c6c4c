// What the shell starts or asks, handed in by program.ts: the shell itself builds no server and knows no configuration.

import type { MergeOptions, MergeReport } from '../capture/merge.ts';
import type { ClockCourse } from '../clock.ts';
import type { CmdletDeclaration, OfflineContext } from '../cmdlets/cmdlet.ts';
import type { OutputRecord } from '../cmdlets/output.ts';
import type { DeliveryTarget, Endpoint, Role } from '../config.ts';
import type { AskServer } from '../control/lab-clocks.ts';

interface ClockOptions {
  /** How the clock runs; with no offset at a speed of 1 it is the machine's. */
  readonly clock: ClockCourse;
}

interface ServerOptions extends ClockOptions {
  /** The clock may be moved while the server runs. */
  readonly isLab: boolean;
}

export interface UpOptions extends ClockOptions {
  /** Absolute. */
  readonly dir: string;
  /** Where to listen; port 0 takes a free one. */
  readonly hub: Endpoint;
  readonly edge: Endpoint;
  readonly smartHost: Endpoint | undefined;
  /** In ASCII, lower case. */
  readonly acceptedDomains: readonly string[];
  readonly deliver: DeliveryTarget | undefined;
  readonly retryMs: number | undefined;
  /** Whether both servers record their sessions from the start on. */
  readonly capture: boolean;
  /** Whether both serve their page and the laboratory can be commanded from it. */
  readonly page: boolean;
  /** Whether there is a world outside and are mailboxes inside that take everything. */
  readonly world: boolean;
  /** Whether the two are left to somebody else to be subscribed to each other. */
  readonly unsubscribed: boolean;
}

/** A world outside and mailboxes inside, which take everything. */
export interface World {
  /** The domain of the world. */
  readonly domain: string;
  readonly inside: Endpoint;
  readonly outside: Endpoint;
  close(): Promise<void>;
}

/** What the door of a laboratory needs. */
export interface LaboratoryWish {
  readonly listen: Endpoint;
  /** Of the pages that may use it. */
  readonly allowedOrigins: readonly string[];
  readonly tokenFile: string;
  readonly logFile: string;
  /** Runs a cmdlet in one of the two servers. */
  readonly ask: AskServer;
  /** Where each takes mail. */
  readonly entrances: Readonly<Record<Role, Endpoint>>;
  /** A domain whose mail is taken. */
  readonly domain: string;
  /** Has the other server find the one of that role at `place`; undefined puts it right. */
  divert(role: Role, place: Endpoint | undefined): Promise<void>;
}

export interface LaboratoryDoor {
  /** Opens it; shown to whoever started it, and to nobody else. */
  readonly token: string;
  close(): Promise<void>;
}

export interface LabClockOptions {
  /** Of each server's config. */
  readonly configs: Readonly<Record<Role, string>>;
  /** From the clock of the machine; undefined: where the Hub's stands. */
  readonly offsetMs: number | undefined;
  /** Undefined: as it is. */
  readonly speed: number | undefined;
}

export interface LabRunOptions {
  /** Of the scenario. */
  readonly name: string;
  /** How often to play it; 1 or more. */
  readonly repeat: number;
  readonly isJson: boolean;
}

interface DemoOptions {
  /** Absolute; undefined: a temporary folder that is removed afterwards. */
  readonly dir: string | undefined;
}

export interface MeddleOptions {
  /** The scenario file, absolute. */
  readonly scenario: string;
  readonly listen: Endpoint;
  readonly to: Endpoint;
  /** The config of the server that sends through the box, whose decision card a scenario may expect something of. */
  readonly sender: string | undefined;
  readonly isJson: boolean;
}

export interface ProveOptions {
  /** What is looked at: the pair itself, a server of somebody else, a client of somebody else. */
  readonly subject:
    | { readonly kind: 'pair' }
    | { readonly kind: 'server'; readonly target: Endpoint; readonly recipient: string }
    | {
        readonly kind: 'client';
        readonly listen: Endpoint;
        readonly bounces: Endpoint | undefined;
        readonly submit: Endpoint;
        readonly policies: readonly string[];
        /** In milliseconds. */
        readonly waitMs: number;
      };
  /** Where the report goes, absolute; made where it is not there. */
  readonly report: string;
  /** Rows and columns by their ids; empty: all. */
  readonly events: readonly string[];
  readonly policies: readonly string[];
  readonly isJson: boolean;
}

export interface SpoolCopyOptions {
  /** The config file, absolute. */
  readonly config: string;
  readonly from: 'embedded' | 'postgres';
  readonly to: 'embedded' | 'postgres';
}

/** What a move of the spool did, as spool-copy.ts tells it. */
interface SpoolCopyReport {
  readonly moved: number;
  readonly found: number;
  readonly bytes: number;
  readonly damaged: readonly number[];
}

export interface Doors {
  /** Functions, so that help on one role, or starting a server, loads nothing else. */
  readonly hubCmdlets: () => Promise<readonly CmdletDeclaration[]>;
  readonly edgeCmdlets: () => Promise<readonly CmdletDeclaration[]>;
  /** Runs a server until it is told to stop; resolves with the exit code, as the next ones do. */
  startServer(role: Role, configPath: string, options: ServerOptions): Promise<number>;
  up(options: UpOptions): Promise<number>;
  demo(options: DemoOptions): Promise<number>;
  /** The guided scenarios, in the order in which they are best read. */
  labScenarios(): Promise<readonly { readonly name: string; readonly title: string }[]>;
  /** Plays one; resolves with the exit code. */
  labRun(options: LabRunOptions): Promise<number>;
  /** Moves the clocks of both servers together, or only shows them; resolves with how both stand then. */
  labClock(options: LabClockOptions): Promise<readonly OutputRecord[]>;
  mergeCapture(options: Omit<MergeOptions, 'application'>): Promise<MergeReport>;
  meddle(options: MeddleOptions): Promise<number>;
  prove(options: ProveOptions): Promise<number>;
  /** Brings the tables of the spool up to date; tells from which version to which. */
  spoolMigrate(configPath: string): Promise<{ readonly schema: string; readonly from: number; readonly to: number }>;
  /** Moves all mail from one spool backend to another. */
  spoolCopy(options: SpoolCopyOptions): Promise<SpoolCopyReport>;
  /** The directory's schema as a file for slapd. */
  slapdSchema(): Promise<string>;
  /** For a cmdlet that runs where no server does. */
  offlineContext(role: Role, configPath: string): Promise<OfflineContext> | OfflineContext;
  /** The control socket of the server that this file configures. */
  socketPathFor(role: Role, configPath: string): Promise<string> | string;
}

/** The cmdlets of one role. */
export function cmdletsOf(role: Role, doors: Doors): Promise<readonly CmdletDeclaration[]> {
  return role === 'hub' ? doors.hubCmdlets() : doors.edgeCmdlets();
}
