// `relaypair up`: both servers on one machine, subscribed to each other, in the foreground until SIGTERM or SIGINT. Starts them
// as processes of their own and starts a half again that dies; their configs are pair-config.ts, the rest is
// pair-subscription.ts, and what a page needs pair-page.ts. It holds no lock and keeps no state but files, so that killing it harms
// nothing but what is shown: a world, and the door of the laboratory.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeClock } from '../clock.ts';
import { formatEndpoint, type Role } from '../config.ts';
import { isAnswering } from '../control/client.ts';
import type { AskServer } from '../control/lab-clocks.ts';
import { controlSocketPath } from '../control/socket-path.ts';
import { isProblem, Problem } from '../problem.ts';
import { claimPrivateFolder } from '../storage/files.ts';
import { isServerData } from '../storage/folder-owner.ts';
import { Child, type ReadyLine } from './child.ts';
import type { LaboratoryDoor, LaboratoryWish, UpOptions, World } from './doors.ts';
import { type Addresses, chooseAddresses, EDGE_FQDN, HUB_FQDN, writeConfigs } from './pair-config.ts';
import { PairClock } from './pair-clock.ts';
import { call, subscribePair } from './pair-subscription.ts';
import { type OpenedPage, openPage } from './up-page.ts';

export interface UpRun extends UpOptions {
  /** How to start one half: the program and its first arguments. */
  readonly command: readonly string[];
  readonly onLine: (line: string) => void;
  readonly onProgress: (text: string) => void;
  readonly openWorld: () => Promise<World>;
  readonly openLaboratory: (wish: LaboratoryWish) => Promise<LaboratoryDoor>;
  /** Ends it in order. */
  readonly signal: AbortSignal;
}

/** The halves of a run that was killed stop by themselves, and close their control sockets first: five seconds at most. */
const FORMER_RUN_LIMIT_MS = 6000;
const FORMER_RUN_POLL_MS = 100;

/** What is given where nothing else is asked for. */
const WORLD_IS_ASKED = 'contoso.test';

/** Runs until `signal` aborts; resolves to the exit code. */
export async function runUp(run: UpRun): Promise<number> {
  const needsDomain = run.world && run.acceptedDomains.length === 0;
  const options = needsDomain ? { ...run, acceptedDomains: [WORLD_IS_ASKED] } : run;
  claimPrivateFolder(options.dir, isServerData);
  await awaitEndOfFormerRun(options);
  const addresses = await chooseAddresses(options);
  const world = options.world ? await options.openWorld() : undefined;
  writeConfigs(options, addresses, { world, diverted: {} });
  const ask: AskServer = (role, cmdlet, parameters) => call(options, role, cmdlet, parameters);
  const clock = PairClock.open({ dir: options.dir, wanted: options.clock, ask });
  const edge = startChild(options, 'edge', clock);
  const hub = startChild(options, 'hub', clock);
  const stopped = aborted(options.signal);
  const halves: Halves = { hub, edge, clock, ask, world, page: undefined };
  try {
    await Promise.race([stopped, bringUp(options, addresses, halves)]);
    await stopped;
    return 0;
  } finally {
    await clock.remember();
    await halves.page?.close();
    // The Hub first: what it still sends, the Edge can still take.
    await hub.stop();
    await edge.stop();
    await world?.close();
  }
}

interface Halves {
  readonly hub: Child;
  readonly edge: Child;
  readonly clock: PairClock;
  readonly ask: AskServer;
  readonly world: World | undefined;
  /** Once it is there. */
  page: OpenedPage | undefined;
}

async function bringUp(options: UpRun, addresses: Addresses, halves: Halves): Promise<void> {
  const [hub, edge] = await Promise.all([halves.hub.ready(), halves.edge.ready()]);
  try {
    await subscribePair(options, addresses);
    await halves.clock.goOn(options.onProgress);
    const { page } = addresses;
    if (page) halves.page = await openPage(options, { ...addresses, page }, halves);
  } catch (error) {
    // Told to stop meanwhile: that the servers no longer answer is then no failure.
    if (options.signal.aborted && isProblem(error)) return;
    throw error;
  }
  options.onLine(JSON.stringify(describeReady(options, addresses, { hub, edge, page: halves.page?.address })));
}

/** Two runs in one folder would write each other's configs; throws Problem `in-use` when the other one does not end. */
async function awaitEndOfFormerRun(options: UpRun): Promise<void> {
  for (let waitedMs = 0; await isRunning(options.dir); waitedMs += FORMER_RUN_POLL_MS) {
    if (options.signal.aborted || waitedMs >= FORMER_RUN_LIMIT_MS) {
      throw new Problem('in-use', `another "relaypair up" runs in ${options.dir}: stop that one first`);
    }
    if (waitedMs === 0) options.onProgress('waiting for the servers of an earlier run to end');
    await delay(FORMER_RUN_POLL_MS);
  }
}

async function isRunning(dir: string): Promise<boolean> {
  const folders = ['hub', 'edge'].map((role) => join(dir, role)).filter((folder) => existsSync(folder));
  const answers = await Promise.all(folders.map((folder) => isAnswering(controlSocketPath(folder))));
  return answers.includes(true);
}

function startChild(options: UpRun, role: Role, clock: PairClock): Child {
  const [program = '', ...first] = options.command;
  return new Child({
    program,
    parameters: async () => [
      ...first,
      role,
      '--config',
      join(options.dir, `${role}.yaml`),
      ...(await clock.parameters(role)),
    ],
    logFile: join(options.dir, `${role}.log`),
    onRestart: (detail) => options.onProgress(`the ${role} ended (${detail}) and is started again`),
  });
}

function describeReady(
  options: UpRun,
  addresses: Addresses,
  { hub, edge, page }: Record<Role, ReadyLine> & { readonly page: string | undefined },
): Record<string, unknown> {
  const clock = describeClock(options.clock);
  return {
    event: 'ready',
    folder: options.dir,
    hub: { pid: hub.pid, fqdn: HUB_FQDN, smtp: formatEndpoint(addresses.hub), folder: join(options.dir, 'hub') },
    edge: {
      pid: edge.pid,
      fqdn: EDGE_FQDN,
      smtp: formatEndpoint(addresses.edge),
      ldaps: formatEndpoint(addresses.ldaps),
      folder: join(options.dir, 'edge'),
    },
    ...(clock !== undefined && { clock }),
    ...(page !== undefined && { page }),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
