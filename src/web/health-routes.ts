// What machines ask: /healthz (does the process answer), /readyz (does it take mail, and why not), /metrics (Prometheus). The
// first two are for load balancers, which have no token: elsewhere than on loopback they get the status alone.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ServerContext } from '../cmdlets/server-context.ts';
import { isProblem } from '../problem.ts';
import type { Caller } from './access.ts';
import { readReadiness } from './readiness.ts';

/** Adds the three addresses. */
export function addHealthRoutes(
  app: FastifyInstance,
  { context, admit }: { readonly context: ServerContext; readonly admit: (request: FastifyRequest) => Caller },
): void {
  app.get(
    '/healthz',
    { schema: { operationId: 'healthz', summary: 'Whether the process answers', tags: ['health'] } },
    () => ({ status: 'ok' }),
  );
  app.get(
    '/readyz',
    { schema: { operationId: 'readyz', summary: 'Whether mail is taken, and why not', tags: ['health'] } },
    (request, reply) => {
      const { isReady, reasons, warnings } = readReadiness(context);
      const status = isReady ? 'ready' : 'not-ready';
      return reply.code(isReady ? 200 : 503).send(isAdmitted(request) ? { status, reasons, warnings } : { status });
    },
  );
  app.get(
    '/metrics',
    { schema: { operationId: 'metrics', summary: 'Metrics in Prometheus text format', tags: ['health'] } },
    async (request, reply) => {
      admit(request);
      const { text, contentType } = await context.metrics.format();
      return reply.type(contentType).send(text);
    },
  );

  function isAdmitted(request: FastifyRequest): boolean {
    try {
      admit(request);
      return true;
    } catch (error) {
      if (isProblem(error)) return false;
      throw error;
    }
  }
}
