// What every door over HTTP is made of: fastify behind the guard, refusals as application/problem+json, the description of the API.
// What is served behind it is added by whoever opens the door.

import type { Server } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Refusal, refusalOf } from '../control/execution.ts';
import type { Log } from '../log.ts';
import { Problem } from '../problem.ts';
import { describeProblem, PROBLEM_TYPE } from './problem-answer.ts';
import {
  answerHeaders,
  crossOriginHeaders,
  type GuardRules,
  isAllowedOrigin,
  isPreflight,
  judgeRequest,
  PREFLIGHT_HEADERS,
  type RequestFacts,
} from './request-guard.ts';
import type { WebServer } from './web-server.ts';

export interface WebAppOptions {
  readonly server: WebServer;
  readonly guard: GuardRules;
  /** Origins that the page served here may ask beside its own. */
  readonly partners: readonly string[];
  readonly log: Log;
  /** For the description of the API. */
  readonly title: string;
  readonly version: string;
}

/** The app without a route. */
export async function createWebApp(options: WebAppOptions): Promise<FastifyInstance> {
  const { server, log, title, version } = options;
  const headers = answerHeaders(options.partners);
  const app = fastify<Server>({
    serverFactory: (handler) => server.attach(handler),
    logger: false,
    frameworkErrors: (error, _request, reply) => void refuse(reply.headers(headers), frameworkRefusal(error)),
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      else socket.destroy();
    },
  });
  // Schemas are there to be read: cmdlets check their parameters themselves, in sentences that every door gives.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  addGuard(app, options.guard, headers);
  app.setErrorHandler((error: FastifyError | Problem, request, reply) =>
    refuse(
      reply,
      refusalFrom(error, () => refusalOf(error, log, request.routeOptions.url ?? '')),
    ),
  );
  app.setNotFoundHandler((_request, reply) => refuse(reply, NOTHING_HERE));
  await app.register(fastifySwagger, { openapi: describeApi(title, version) });
  return app;
}

/** The address at which the API describes itself. */
export function addDescription(app: FastifyInstance, admit: (request: FastifyRequest) => unknown): void {
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, (request) => {
    admit(request);
    return app.swagger();
  });
}

function addGuard(app: FastifyInstance, guard: GuardRules, headers: Readonly<Record<string, string>>): void {
  app.addHook('onRequest', (request, reply, done) => {
    const facts = factsOf(request);
    reply.headers(headers);
    if (isAllowedOrigin(facts, guard)) reply.headers(crossOriginHeaders(facts.origin ?? ''));
    const problem = judgeRequest(facts, guard);
    if (!problem && isPreflight(facts, guard)) void reply.headers(PREFLIGHT_HEADERS).code(204).send();
    else done(problem);
  });
}

function factsOf({ method, headers }: FastifyRequest): RequestFacts {
  const { host, origin, 'sec-fetch-site': site, 'content-type': contentType } = headers;
  return { method, host, origin, fetchSite: [site].flat()[0], contentType };
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
  reply.code(problem.status).type(PROBLEM_TYPE);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="relaypair"');
  if (problem.status === 405) reply.header('allow', 'GET, HEAD, POST');
  return reply.send(JSON.stringify(problem));
}

function describeApi(title: string, version: string) {
  return {
    openapi: '3.1.0',
    info: {
      title,
      version,
      description: 'Every cmdlet that is there as an address; those that take long tell of their steps.',
    },
    components: { securitySchemes: { token: { type: 'http' as const, scheme: 'bearer' } } },
    tags: [
      { name: 'reads', description: 'Looks, and changes nothing' },
      { name: 'changes', description: 'Changes something, and needs an access token that allows it' },
      { name: 'health', description: 'For monitors and load balancers' },
    ],
  };
}
