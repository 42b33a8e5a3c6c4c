// A server's workers put together over its foundation and its view of the directory: what they are told, and when.

import type { Cancel } from './clock.ts';
import { ownProgram } from './package-folder.ts';
import type { DirectoryView } from './receiving.ts';
import type { Foundation } from './server.ts';
import { isShared } from './spool/spool-door.ts';
import { createEvent } from './tracking/events.ts';
import { ConnectionCounts } from './transport/connection-counts.ts';
import type { Organisation } from './transport/organisation.ts';
import type { ResourceMonitor } from './transport/resource-monitor.ts';
import { openOwnerDoor } from './workers/owner-door.ts';
import { WorkerPool } from './workers/worker-pool.ts';
import type { CertificateState, WorkerState } from './workers/worker-state.ts';

/** Credentials of peers come into force by the clock, and no change of the directory tells. */
const REFRESH_MS = 60_000;

/** Starts the workers of the config and keeps them told; throws Problem `worker-failed`. */
export async function openWorkers(
  foundation: Foundation,
  view: DirectoryView,
  resources: ResourceMonitor,
): Promise<WorkerPool> {
  const { config, live, clock, log, spool, events, parts } = foundation;
  const counts = new ConnectionCounts();
  if (!isShared(spool)) throw new Error(`the spool backend ${spool.backend} knows no workers`);
  const pool = await WorkerPool.open({
    count: config.workers,
    program: ownProgram('worker'),
    start: { config, decoySecret: view.decoySecret },
    state: () => readState(foundation, view, resources),
    openDoor: () =>
      openOwnerDoor({
        ...foundation,
        spool,
        counts,
        tally: foundation.metrics.mail,
        validation: view.validation,
        logins: view.logins,
      }),
    get drainMs() {
      return live.current().limits.drainTimeout;
    },
    log,
    onDeath: ({ number, pid, detail }) =>
      events.record(createEvent('WorkerEnded', { worker: number, processId: pid, cause: detail })),
  });
  parts.add(() => pool.stop());
  const push = oncePerTurn(() => pool.push());
  let cancelRefresh: Cancel = () => {};
  const refresh = (): void => {
    push();
    cancelRefresh = clock.schedule(REFRESH_MS, refresh);
  };
  cancelRefresh = clock.schedule(REFRESH_MS, refresh);
  parts.add(() => cancelRefresh());
  parts.add(resources.onSample(() => pool.pushPressure(resources.pressure())));
  parts.add(view.onChange(push));
  parts.add(live.onChange(push));
  parts.add(foundation.captures.onChange(push));
  parts.add(foundation.certificates.onChange(push));
  if (foundation.labClock) parts.add(foundation.labClock.onMove(push));
  return pool;
}

function readState(
  { live, clock, certificates, captures }: Foundation,
  view: DirectoryView,
  resources: ResourceMonitor,
): WorkerState {
  return {
    config: live.current(),
    clock: { offsetMs: clock.offsetMs, speed: clock.speed, since: new Date() },
    organisation: withoutPasswords(view.organisation()),
    isValidating: view.validation?.isOn(),
    certificates: readCertificates(certificates),
    pressure: resources.pressure(),
    capture: captures.status.order,
  };
}

function withoutPasswords(organisation: Organisation): Organisation {
  return { ...organisation, peers: organisation.peers.map((peer) => ({ ...peer, credential: undefined })) };
}

function readCertificates(store: Foundation['certificates']): CertificateState {
  return {
    serving: store.serving().map(({ certificate }) => store.keyPair(certificate.thumbprint)),
    internalTransport: store.internalTransport()?.certificate.thumbprint,
  };
}

/** What changes together is told once, before anything that comes after it. */
function oncePerTurn(task: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      task();
    });
  };
}
