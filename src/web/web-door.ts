// The Admin API and the page over HTTP: off unless the config has a `web` section, and then a door like the owner's socket. It
// calls cmdlets and owns no logic of the mail system. What a request must be is request-guard.ts, who may do what access.ts.

import type { Server } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { House, OpenedDoor } from '../cmdlets/house.ts';
import { isLocalPlace, type WebConfig } from '../config-web.ts';
import { type Refusal, refusalOf } from '../control/execution.ts';
import { Problem } from '../problem.ts';
import { type AccessRules, type Caller, findCaller } from './access.ts';
import { addCmdletRoutes } from './cmdlet-routes.ts';
import { EventFeed } from './event-feed.ts';
import { addEventRoutes, describeServer } from './event-routes.ts';
import { addHealthRoutes } from './health-routes.ts';
import { addPage, PAGE_FOLDER } from './page.ts';
import { describeProblem, PROBLEM_TYPE } from './problem-answer.ts';
import { ANSWER_HEADERS, type GuardRules, judgeRequest } from './request-guard.ts';
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
  const { config, accessTokens: tokens, clock, log } = context;
  const app = fastify<Server>({
    serverFactory: (handler) => server.attach(handler),
    logger: false,
    frameworkErrors: (error, _request, reply) => void refuse(reply, frameworkRefusal(error)),
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      else socket.destroy();
    },
  });
  // Schemas are there to be read: cmdlets check their parameters themselves, in sentences that every door gives.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  const rules: AccessRules = { isLocal: isLocalPlace(web.listen), tokens, clock };
  const guard: GuardRules = { scheme: server.scheme, names: new Set(['localhost', config.fqdn, ...web.hosts]) };
  const admit = (request: FastifyRequest): Caller => findCaller(request.headers.authorization, rules);
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(ANSWER_HEADERS);
    done(judge(request, guard));
  });
  app.setErrorHandler((error: FastifyError | Problem, request, reply) =>
    refuse(
      reply,
      refusalFrom(error, () => refusalOf(error, log, request.routeOptions.url ?? '')),
    ),
  );
  app.setNotFoundHandler((_request, reply) => refuse(reply, NOTHING_HERE));
  await app.register(fastifySwagger, { openapi: describeApi(context.version) });
  addHealthRoutes(app, { context, admit });
  addCmdletRoutes(app, { ...house, admit });
  addEventRoutes(app, { context, feed, admit });
  app.get(
    '/api/v1',
    { schema: { operationId: 'server', summary: 'Which server this is', tags: ['reads'] } },
    (request) => describeServer(context, admit(request)),
  );
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, (request) => {
    admit(request);
    return app.swagger();
  });
  await addPage(app, pageFolder);
  return app;
}

function judge({ method, headers }: FastifyRequest, guard: GuardRules): Problem | undefined {
  const { host, origin, 'sec-fetch-site': site, 'content-type': contentType } = headers;
  const fetchSite = [site].flat()[0];
  return judgeRequest({ method, host, origin, fetchSite, contentType }, guard);
}

const NOTHING_HERE: Refusal = {
  code: 'not-found',
  sentence: 'there is nothing at this address: GET /api/v1/openapi.json describes what there is',
};

/** Fastify's own refusals, in our words. */
function frameworkRefusal(error: FastifyError): Refusal {
  if (error.statusCode === 413) return { code: 'body-too-large', sentence: 'the body is larger than is taken here' };
  if (error.statusCode === 415) return { code: 'media-type', sentence: 'the body is taken as application/json alone' };
  return { code: 'bad-request', sentence: 'the request cannot be read: its address or its JSON is not well formed' };
}

function refusalFrom(error: FastifyError | Problem, other: () => Refusal): Refusal {
  if (error instanceof Problem) return other();
  const isFastifys = error.code?.startsWith('FST_') && (error.statusCode ?? 500) < 500;
  const isUnreadable = error instanceof SyntaxError && error.statusCode === 400;
  return isFastifys || isUnreadable ? frameworkRefusal(error) : other();
}

function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const problem = describeProblem(refusal);
  reply.headers(ANSWER_HEADERS).code(problem.status).type(PROBLEM_TYPE);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="relaypair"');
  if (problem.status === 405) reply.header('allow', 'GET, HEAD, POST');
  return reply.send(JSON.stringify(problem));
}

function describeApi(version: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'relaypair Admin API',
      version,
      description: 'Every cmdlet of this server, what happens in it as events, and what monitors ask for.',
    },
    components: { securitySchemes: { token: { type: 'http' as const, scheme: 'bearer' } } },
    tags: [
      { name: 'reads', description: 'Looks, and changes nothing' },
      { name: 'changes', description: 'Changes something, and needs an access token that allows it' },
      { name: 'health', description: 'For monitors and load balancers' },
    ],
  };
}
