// The table of guided scenarios, in the order in which they are best read. `relaypair lab list`, docs/lab/ and
// test/contract/scenario.test.ts follow it.

import { directoryDown } from './directory-down.ts';
import { edgeExpired } from './edge-expired.ts';
import { hubExpired } from './hub-expired.ts';
import { hubRenewed } from './hub-renewed.ts';
import { impostor } from './impostor.ts';
import { newHub } from './new-hub.ts';
import { ownPki } from './own-pki.ts';
import { renewalWithSubscription } from './renewal-with-subscription.ts';
import { renewalWithoutSubscription } from './renewal-without-subscription.ts';
import { requireTls } from './require-tls.ts';
import { restart } from './restart.ts';
import type { Scenario } from './scenario.ts';
import { stagedRenewal } from './staged-renewal.ts';
import { stripping } from './stripping.ts';
import { theStory } from './the-story.ts';

export const SCENARIOS: readonly Scenario[] = [
  theStory,
  edgeExpired,
  hubExpired,
  renewalWithSubscription,
  renewalWithoutSubscription,
  hubRenewed,
  stagedRenewal,
  ownPki,
  newHub,
  directoryDown,
  stripping,
  impostor,
  requireTls,
  restart,
];
