// A failover on purpose under mail made for it: what the servers on a spool have to know of it, and what they note. Everything that
// is counted stands in the spool's own database, outside of whoever may be killed: a piece of mail counts as accepted when its
// server has noted, after the commit that a 250 stands for, that it was; as delivered when the server that delivers it has noted that
// in place of a next hop's 250. So the numbers are exact, whatever dies when.

/** `flow`: mail is handed in and leaves. `hold`: it is handed in, and its next hop keeps everybody waiting. `stop`: what is there leaves. */
export type DrillStage = 'flow' | 'hold' | 'stop';

export interface Drill {
  /** A UUID, by which its mail is known. */
  readonly id: string;
  readonly stage: DrillStage;
  /** Its next hop takes mail from this server. */
  readonly isGateOpen: boolean;
  /** This server is to end itself at once, as if it had lost its power. */
  readonly isToDie: boolean;
}

/** Mail of a drill as it stands now, all of it read at one moment. */
export interface DrillCount {
  /** By name. */
  readonly nodes: readonly DrillNodeCount[];
  /** Accepted: a server has said so. */
  readonly accepted: number;
  /** Of them, those that were delivered at least once. */
  readonly delivered: number;
  /** Deliveries beyond the first of each. */
  readonly duplicated: number;
  /** Accepted, not delivered, and in the spool. */
  readonly waiting: number;
  /** Accepted, not delivered, and not in the spool either. */
  readonly lost: number;
  /** Delivered, though no server had said that it was accepted: a client would send such mail again. */
  readonly unacknowledged: number;
}

export interface DrillNodeCount {
  readonly name: string;
  readonly accepted: number;
  /** Deliveries by this node, repeated ones too. */
  readonly delivered: number;
  /** Messages of the drill that it holds now. */
  readonly held: number;
}

/** Everything asks the database: Problem `spool-unavailable`. */
export interface SpoolDrills {
  /** The drill under way; undefined when there is none, or whoever conducts it shows no life. */
  current(): Promise<Drill | undefined>;

  /** Begins one, in stage `flow`; Problem `drill-under-way` while there is another. Tell of it within `DRILL_LIFE_MS`, again and again. */
  begin(by: string): Promise<string>;

  /** Shows that the conductor lives, and changes the stage; `kill` is the row of a node that is to end itself. */
  conduct(id: string, change?: { readonly stage?: DrillStage; readonly kill?: number }): Promise<void>;

  /** Ends it and forgets what was noted; what is left of its mail goes nowhere. */
  end(id: string): Promise<void>;

  /** Notes mail that was accepted here and stands in the spool under `message`. */
  noteAccepted(id: string, mail: string, message: number): Promise<void>;

  /** Notes a delivery by this server; false when the drill is over. */
  noteDelivered(id: string, mail: string): Promise<boolean>;

  count(id: string): Promise<DrillCount>;
}

/** A drill whose conductor has said nothing for so long is over. */
export const DRILL_LIFE_MS = 30_000;
