// The Admin API and the page over HTTP: off unless the config has a `web` section, and then a door like the owner's socket. It
// calls cmdlets and owns no logic of the mail system. What a request must be is request-guard.ts, who may do what access.ts.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { House, OpenedDoor } from '../cmdlets/house.ts';
import { netbiosNameOf } from '../config.ts';
import { isLocalPlace, type WebConfig } from '../config-web.ts';
import { type AccessRules, type Caller, findCaller } from './access.ts';
import { addCmdletRoutes } from './cmdlet-routes.ts';
import { EventFeed } from './event-feed.ts';
import { addEventRoutes, describeServer } from './event-routes.ts';
import { addHealthRoutes } from './health-routes.ts';
import { addPage, PAGE_FOLDER } from './page.ts';
import { addDescription, createWebApp } from './web-app.ts';
import { openWebServer, WEB_TIMEOUTS, type WebServer, type WebTimeouts } from './web-server.ts';

export interface WebDoorOptions {
  /** Where the page was built. */
  readonly pageFolder?: string | undefined;
  readonly timeouts?: WebTimeouts | undefined;
}

/** Opens the door that the config describes; throws Problem `listen-failed`, `web-certificate-unreadable` or `in-use`. */
export async function openWebDoor(house: House, options: WebDoorOptions = {}): Promise<OpenedDoor> {
  const { context } = house;
  const { web } = context.config;
  if (!web) throw new Error('the config has no web section');
  context.metrics.collectRuntime();
  const server = openWebServer(web, context, options.timeouts ?? WEB_TIMEOUTS);
  const feed = new EventFeed(context);
  const app = await buildApp({ house, web, server, feed, pageFolder: options.pageFolder ?? PAGE_FOLDER });
  const close = async (): Promise<void> => {
    feed.close();
    await server.close();
    await app.close();
  };
  try {
    await app.ready();
    return { address: await server.listen(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface AppParts {
  readonly house: House;
  readonly web: WebConfig;
  readonly server: WebServer;
  readonly feed: EventFeed;
  readonly pageFolder: string;
}

async function buildApp({ house, web, server, feed, pageFolder }: AppParts): Promise<FastifyInstance> {
  const { context } = house;
  const { config, accessTokens: tokens, clock, log, version } = context;
  const rules: AccessRules = { isLocal: isLocalPlace(web.listen), tokens, clock };
  const app = await createWebApp({
    server,
    guard: {
      scheme: server.scheme,
      names: new Set(['localhost', config.fqdn, ...web.hosts]),
      allowedOrigins: new Set(web.allowedOrigins),
    },
    partners: [...web.partners.map(({ url }) => url), ...(web.laboratory === undefined ? [] : [web.laboratory])],
    log,
    title: 'relaypair Admin API',
    version,
  });
  const admit = (request: FastifyRequest): Caller => findCaller(request.headers.authorization, rules);
  addHealthRoutes(app, { context, admit });
  addCmdletRoutes(app, { ...house, log, admit });
  addEventRoutes(app, { context, feed, admit });
  app.get(
    '/api/v1',
    { schema: { operationId: 'server', summary: 'Which server this is', tags: ['reads'] } },
    (request) => describeServer(context, admit(request)),
  );
  app.get(
    '/api/v1/servers',
    {
      schema: {
        operationId: 'servers',
        summary: 'This server, and those that its page may ask too (web.partners)',
        tags: ['reads'],
      },
    },
    (request) => {
      admit(request);
      const self = { Server: config.netbiosName, Fqdn: config.fqdn, Role: config.role, Url: null };
      const partners = web.partners.map(({ fqdn, role, url }) => ({
        Server: netbiosNameOf(fqdn),
        Fqdn: fqdn,
        Role: role,
        Url: url,
      }));
      return [self, ...partners];
    },
  );
  addDescription(app, admit);
  await addPage(app, pageFolder);
  return app;
}
