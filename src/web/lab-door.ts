// The door to a laboratory: its cmdlets as addresses, as a server's are, for the page of one of its servers. On loopback alone, and
// with a token for whatever changes something.

import type { FastifyRequest } from 'fastify';
import type { AccessTokens } from '../cmdlets/access-tokens.ts';
import type { Cmdlet } from '../cmdlets/cmdlet.ts';
import type { OpenedDoor } from '../cmdlets/house.ts';
import type { Clock } from '../clock.ts';
import type { Endpoint } from '../config.ts';
import type { Log } from '../log.ts';
import { type Caller, findCaller } from './access.ts';
import { addCmdletRoutes } from './cmdlet-routes.ts';
import { addDescription, createWebApp } from './web-app.ts';
import { openWebServer, WEB_TIMEOUTS } from './web-server.ts';

export interface LabDoorOptions<Context> {
  /** On loopback. */
  readonly listen: Endpoint;
  /** Of the pages that may use it. */
  readonly allowedOrigins: readonly string[];
  readonly tokens: AccessTokens;
  readonly cmdlets: readonly Cmdlet<Context>[];
  /** What they run in. */
  readonly context: Context;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
}

/** Throws Problem `listen-failed` or `in-use`. */
export async function openLabDoor<Context>(options: LabDoorOptions<Context>): Promise<OpenedDoor> {
  const { listen, allowedOrigins, tokens, cmdlets, context, clock, log, version } = options;
  const web = {
    listen: { kind: 'tcp' as const, ...listen },
    files: undefined,
    hosts: [],
    partners: [],
    laboratory: undefined,
    allowedOrigins,
  };
  const server = openWebServer(web, undefined, WEB_TIMEOUTS);
  const app = await createWebApp({
    server,
    guard: { scheme: server.scheme, names: new Set(['localhost']), allowedOrigins: new Set(allowedOrigins) },
    partners: [],
    log,
    title: 'relaypair laboratory',
    version,
  });
  const admit = (request: FastifyRequest): Caller =>
    findCaller(request.headers.authorization, { isLocal: true, tokens, clock });
  addCmdletRoutes(app, { cmdlets, context, log, admit, caution: () => undefined });
  app.get(
    '/api/v1',
    {
      schema: { operationId: 'laboratory', summary: 'That this is a laboratory, and what you may do', tags: ['reads'] },
    },
    (request) => ({ Server: 'LABORATORY', Role: 'laboratory', Version: version, Access: admit(request).access }),
  );
  addDescription(app, admit);
  await app.ready();
  const close = async (): Promise<void> => {
    await server.close();
    await app.close();
  };
  try {
    return { address: await server.listen(), close };
  } catch (error) {
    await close();
    throw error;
  }
}
