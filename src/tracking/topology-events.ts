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
};
