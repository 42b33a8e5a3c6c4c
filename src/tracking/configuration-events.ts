// Events of a config file that was read again: ids 30180 to 30189.

import { define } from './event.ts';

/** By symbolic name. */
export const CONFIGURATION_EVENTS = {
  ConfigurationReloaded: define<{ path: string; applied: string; needsRestart: string }>({
    id: 30_180,
    source: 'relaypair',
    level: 'Information',
    describe: (facts) =>
      `The config ${facts.path} was read again. In force from now on: ${facts.applied}. Needs a restart: ${facts.needsRestart}.`,
  }),
  ConfigurationRefused: define<{ cause: string }>({
    id: 30_181,
    source: 'relaypair',
    level: 'Error',
    describe: (facts) => `The config was read again and refused, and the one in force stays: ${facts.cause}.`,
  }),
};
