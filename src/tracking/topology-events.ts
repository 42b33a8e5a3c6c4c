// Events of a site that gains and loses servers: ids 30230 to 30239.

import { define, formatMoment } from './event.ts';

/** By symbolic name. */
export const TOPOLOGY_EVENTS = {
  EdgeNotSynchronized: define<{ since: Date; hubs: string }>({
    id: 30_230,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `No hub has synchronized this Edge since ${formatMoment(facts.since)} (hubs on record: ${facts.hubs}). It goes on with what it holds: mail to the Internet leaves, mail for the organisation waits for a hub. Bring one of them back, or subscribe this Edge to a site that has one.`,
    key: (facts) => formatMoment(facts.since),
  }),
  NodeSuspended: define<{ node: string; by: string }>({
    id: 30_231,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `${facts.node} takes no more mail, as ${facts.by} asked: clients hear 421 4.3.2, what is under way is finished, and the rest goes to the other nodes of its spool. Resume-Node ends that.`,
  }),
  NodeDrained: define<{ node: string }>({
    id: 30_232,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `${facts.node} has handed over everything that it held. It may be stopped; it stays suspended until Resume-Node.`,
  }),
  NodeResumed: define<{ node: string }>({
    id: 30_233,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) => `${facts.node} takes mail again. Nothing is to be done.`,
  }),
  /** `source`: the directory that a Hub reads; an Edge has it from EdgeSync. */
  NodeBehind: define<{ node: string; since: Date; source: string }>({
    id: 30_234,
    source: 'relaypair',
    level: 'Warning',
    describe: (facts) =>
      `${facts.node} lacks changes of the directory that other nodes of its spool have had since ${formatMoment(facts.since)}. It has them from ${facts.source}. Settings and trust may differ between the nodes until it has caught up: of a Hub look at the replication of that server, or whether all read the same directory; of an Edge run Test-EdgeSynchronization on a Hub.`,
    key: (facts) => facts.node,
  }),
  NodeCaughtUp: define<{ node: string; since: Date }>({
    id: 30_235,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `${facts.node} has the changes of the directory again that it lacked since ${formatMoment(facts.since)}. Nothing is to be done.`,
  }),
};
