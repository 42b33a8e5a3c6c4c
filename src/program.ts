// The program: argv in, exit code out. Hands the shell its doors and keeps a server running until it is told to stop, by
// SIGTERM, SIGINT, or the end of its standard input when somebody looks after it (RELAYPAIR_WATCH_STDIN).

import { basename, dirname } from 'node:path';
import { type ClockCourse, SystemClock } from './clock.ts';
import type { OfflineContext } from './cmdlets/cmdlet.ts';
import { type Config, readConfig, type Role } from './config.ts';
import { controlSocketPath } from './control/socket-path.ts';
import { openLog } from './log.ts';
import { Problem } from './problem.ts';
import type { CrashDoor, RunningServer, ServerOptions } from './server.ts';
import type { Doors } from './shell/doors.ts';
import { runShell } from './shell/shell.ts';
import { openServerLogFile } from './storage/server-log-file.ts';

interface ClockOptions {
  readonly clock: ClockCourse;
  readonly isLab: boolean;
}

const doors: Doors = {
  hubCmdlets: async () => (await import('./cmdlets/cmdlets.ts')).HUB_CMDLETS,
  edgeCmdlets: async () => (await import('./cmdlets/cmdlets.ts')).EDGE_CMDLETS,
  startServer: serve,
  up: async (options) => {
    const { runUp } = await import('./shell/up.ts');
    return runUp({
      ...options,
      openWorld: async () => (await import('./pair-laboratory.ts')).openWorld(),
      openLaboratory: async (wish) => (await import('./pair-laboratory.ts')).openLaboratory(wish),
      command: [process.execPath, process.argv[1] ?? ''],
      onLine: print,
      onProgress: note,
      signal: stopSignal(),
    });
  },
  demo: async (options) => {
    const { runDemo } = await import('./lab/demo.ts');
    return runDemo({ ...options, onText: print, signal: stopSignal() });
  },
  labScenarios: async () => (await import('./scenarios/scenarios.ts')).SCENARIOS,
  labRun: async ({ name, repeat, isJson }) => {
    const { tellScenario } = await import('./scenarios/telling.ts');
    return tellScenario({ name, repeat, isJson, onText: print, onProgress: note, signal: stopSignal() });
  },
  labClock: async ({ configs, ...wish }) => {
    const { runLabClock } = await import('./shell/lab-clock.ts');
    const socketOf = (role: Role): string => controlSocketPath(readConfig(configs[role]).folder);
    return runLabClock({ ...wish, sockets: { hub: socketOf('hub'), edge: socketOf('edge') }, onProgress: note });
  },
  mergeCapture: async (options) => {
    const { readVersion } = await import('./version.ts');
    return (await import('./capture/merge.ts')).mergeSecrets({ ...options, application: `relaypair ${readVersion()}` });
  },
  meddle: async (options) => {
    const { runMeddle } = await import('./lab/meddle.ts');
    return runMeddle({ ...options, onLine: print, signal: stopSignal() });
  },
  prove: async (options) => {
    const [{ runProve }, { readVersion }] = await Promise.all([import('./prove/prove.ts'), import('./version.ts')]);
    return runProve({ ...options, version: readVersion(), onLine: print, onProgress: note, signal: stopSignal() });
  },
  spoolMigrate: async (configPath) => (await import('./spool-tasks.ts')).migrateSpool(offline(configPath)),
  spoolCopy: async ({ config, ...wish }) =>
    (await import('./spool-tasks.ts')).copyServerSpool(offline(config), {
      ...wish,
      onProgress: (moved) => {
        if (moved % 1000 === 0) note(`${moved} messages moved`);
      },
    }),
  slapdSchema: async () => (await import('./directory/slapd-schema.ts')).formatSlapdSchema(),
  offlineContext: (_role, configPath) => offline(configPath),
  socketPathFor: (_role, configPath) => controlSocketPath(readConfig(configPath).folder),
};

/** What a command works with that needs no server. */
function offline(configPath: string): OfflineContext {
  const config = readConfig(configPath);
  const clock = new SystemClock();
  return { config, clock, log: openLog({ level: 'silent', clock, role: config.role }) };
}

async function serve(role: Role, configPath: string, options: ClockOptions): Promise<number> {
  const signal = stopSignal();
  const config = readConfig(configPath);
  if (config.role !== role) {
    throw new Problem(
      'config-invalid',
      `${configPath} is the config of ${config.role === 'edge' ? 'an' : 'a'} ${config.role}: start it with "relaypair ${config.role}"`,
    );
  }
  let server: RunningServer | undefined;
  // From the start on: by itself the signal would end the process.
  process.on('SIGHUP', () => server?.reload());
  server = await openServer(config, options);
  print(JSON.stringify(server.ready));
  await untilAborted(signal);
  await server.stop();
  return 0;
}

async function openServer(config: Config, { clock: course, isLab }: ClockOptions): Promise<RunningServer> {
  const clock = new SystemClock(course);
  const log = openLog({
    level: config.log.level,
    clock,
    role: config.role,
    destination: openServerLogFile(config, { isOwner: true }),
  });
  const { readVersion } = await import('./version.ts');
  const version = readVersion();
  const options: ServerOptions = {
    config,
    clock,
    labClock: isLab ? clock : undefined,
    log,
    version,
    crashDoor,
    openWeb: config.web && (async (house) => (await import('./web/web-door.ts')).openWebDoor(house)),
  };
  if (config.role === 'hub') return (await import('./hub.ts')).openHub(options);
  return (await import('./edge.ts')).openEdge(options);
}

/** What nobody catches ends the process; these only take note of it on the way. */
const crashDoor: CrashDoor = {
  watch(note, reportPath) {
    Object.assign(process.report, {
      reportOnFatalError: true,
      directory: dirname(reportPath),
      filename: basename(reportPath),
      compact: true,
      excludeNetwork: true,
      excludeEnv: true,
    });
    process.on('uncaughtExceptionMonitor', note);
    return () => {
      process.report.reportOnFatalError = false;
      process.off('uncaughtExceptionMonitor', note);
    };
  },
};

/**
 * Aborts once the process is asked to stop. Asking again changes nothing, since a whole process group may be asked by several
 * at once; only a second Ctrl-C ends it without waiting.
 */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.on('SIGTERM', stop);
  process.on('SIGINT', () => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    stop();
  });
  if (process.env['RELAYPAIR_WATCH_STDIN'] === '1') {
    process.stdin.on('error', stop);
    process.stdin.on('close', stop);
    process.stdin.resume();
  }
  return controller.signal;
}

/** What a shell reports of a command that SIGINT ended. */
const EXIT_INTERRUPTED = 130;

function untilAborted(signal: AbortSignal): Promise<void> {
  // Unreferenced sockets alone would not keep the process: the wait itself does.
  const heartbeat = setInterval(() => {}, 2 ** 30);
  return new Promise((resolve) => {
    const end = (): void => {
      clearInterval(heartbeat);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function note(text: string): void {
  process.stderr.write(`relaypair: ${text}\n`);
}

process.exitCode = await runShell(process.argv.slice(2), doors);
// A peer that never answers must not keep a finished command alive; output that is still in the pipe must not be cut.
process.stdout.write('', () => process.exit());
