// A worker process of a server: speaks SMTP and TLS with clients, on connections that its owner accepted, and hands what it
// takes to the owner. Started by workers/worker-process.ts alone. It ends with its owner, however that ends.

import { join } from 'node:path';
import { Socket } from 'node:net';
import { Captures } from './capture/captures.ts';
import { SystemClock } from './clock.ts';
import { openLog } from './log.ts';
import { receivingOptions } from './receiving.ts';
import { HandedConnections } from './smtp/listener.ts';
import { WorkerSpool } from './spool/worker-spool.ts';
import { openServerLogFile } from './storage/server-log-file.ts';
import { readVersion } from './version.ts';
import { TlsContexts } from './tls-contexts.ts';
import { Records } from './transport/records.ts';
import { Link } from './workers/link.ts';
import { OwnerClient } from './workers/owner-client.ts';
import { PushedCertificates } from './workers/pushed-certificates.ts';
import { WorkerRecords } from './workers/worker-records.ts';
import { LINK_DESCRIPTOR, type OwnerMessage, type WorkerStart, type WorkerState } from './workers/worker-state.ts';

/** Its owner is gone; whoever looks at it sees that it ended for that. */
const EXIT_ORPHANED = 70;

async function run({ number, config, decoySecret }: WorkerStart, firstState: WorkerState): Promise<void> {
  let state = firstState;
  const clock = new SystemClock(state.clock);
  const log = openLog({
    level: config.log.level,
    clock,
    role: config.role,
    destination: openServerLogFile(config, { isOwner: false }),
  }).child({ worker: number });
  const link = Link.open({
    stream: new Socket({ fd: LINK_DESCRIPTOR, readable: true, writable: true }),
    handlers: {},
    onEnd: () => process.exit(EXIT_ORPHANED),
    onFault: (error) => log.error({ err: error }, 'the owner was not understood'),
  });
  const owner = new OwnerClient(link);
  const { cards, tracking, events, tally } = new WorkerRecords({
    clock,
    send: (batch) => owner.keep(batch),
    sendEvent: (octets) => owner.raise(octets),
  });
  const captures = new Captures({
    server: config.fqdn,
    version: readVersion(),
    clock,
    log,
    prefix: `worker${number}-`,
    onCount: (count) => owner.captured(count),
  });
  captures.follow(state.capture);
  const organisation = () => state.organisation;
  let connections: HandedConnections | undefined;
  const stop = async (): Promise<void> => {
    await connections?.close();
    captures.stop('shutdown');
    await link.finish();
    process.exit(0);
  };
  // Before anything is waited for: what is pushed meanwhile must not be missed.
  process.on('message', (message: OwnerMessage, socket?: Socket) => {
    if (message.kind === 'state') {
      state = message.state;
      log.level = state.config.log.level;
      clock.run(state.clock);
      captures.follow(state.capture);
    }
    if (message.kind === 'pressure') state = { ...state, pressure: message.pressure };
    if (message.kind === 'connection') {
      owner.connectionTaken();
      // A client can vanish on the way from one process to the other.
      if (socket && connections) connections.take(socket, message.service, () => owner.connectionEnded());
      else owner.connectionEnded();
    }
    if (message.kind === 'stop') void stop();
  });
  const spool = await WorkerSpool.open({
    folder: join(config.folder, 'spool'),
    hand: (message) => owner.store(message),
  });
  connections = new HandedConnections(
    receivingOptions({
      config: () => state.config,
      clock,
      log,
      spool,
      organisation,
      records: new Records({ clock, organisation, cards, tracking, events, tally }),
      contexts: new TlsContexts(new PushedCertificates(() => state.certificates), config.fqdn, clock),
      decoySecret,
      tap: captures.tap,
      counts: owner,
      logins: config.role === 'hub' ? owner : undefined,
      pressure: () => state.pressure,
      validation: {
        isOn: () => state.isValidating === true,
        isKnown: (mailbox) => owner.isKnown(mailbox),
      },
    }),
  );
  owner.ready();
}

// Whoever signals the whole group means the owner, who tells its workers to finish in order.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(EXIT_ORPHANED));
process.once('message', (message: OwnerMessage) => {
  if (message.kind === 'start') void run(message.start, message.state);
});
