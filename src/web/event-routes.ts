// GET /api/v1/events: what happens, as server-sent events. Gone on from an id by Last-Event-ID, chosen by kinds, thinned by
// perSecond.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ServerContext } from '../cmdlets/server-context.ts';
import { Problem } from '../problem.ts';
import type { Caller } from './access.ts';
import { headersOf } from './cmdlet-routes.ts';
import type { EventFeed } from './event-feed.ts';
import { RECORD_KINDS, type RecordKind } from './event-ring.ts';
import { describeClock, formatRecord, STATE_KINDS, type StateKind } from './server-state.ts';

export interface EventRoutesOptions {
  readonly context: ServerContext;
  readonly feed: EventFeed;
  readonly admit: (request: FastifyRequest) => Caller;
}

const KINDS = [...RECORD_KINDS, ...STATE_KINDS];
const MAX_ID_LENGTH = 64;

const wish = z.strictObject({
  kinds: z
    .string()
    .max(200)
    .default(KINDS.join(','))
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(KINDS))),
  from: z.enum(['now', 'oldest']).default('now'),
  perSecond: z.coerce.number().int().min(1).max(100_000).default(100_000),
});

/** Adds the address. */
export function addEventRoutes(app: FastifyInstance, { context, feed, admit }: EventRoutesOptions): void {
  app.get(
    '/api/v1/events',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'read-events',
        summary: 'What happens, as server-sent events',
        tags: ['reads'],
        querystring: {
          type: 'object',
          properties: {
            kinds: { type: 'string', description: `Some of ${KINDS.join(', ')}, parted by commas` },
            from: { type: 'string', enum: ['now', 'oldest'], description: 'Where to begin without Last-Event-ID' },
            perSecond: { type: 'integer', minimum: 1, description: 'At most so many records in a second' },
          },
        },
        response: { 200: { description: 'A stream of events', content: { 'text/event-stream': { schema: {} } } } },
      },
    },
    (request, reply) => {
      const caller = admit(request);
      const { kinds, from, perSecond } = readWish(request.query);
      const lastEventId = readLastId(request.headers['last-event-id']);
      feed.insistOnRoom();
      reply.hijack();
      reply.raw.writeHead(200, { ...headersOf(reply), 'content-type': 'text/event-stream; charset=utf-8' });
      reply.raw.write('retry: 2000\n\n');
      feed.attach({
        response: reply.raw,
        kinds: new Set(kinds.filter((kind): kind is RecordKind => RECORD_KINDS.some((known) => known === kind))),
        states: new Set(kinds.filter((kind): kind is StateKind => STATE_KINDS.some((known) => known === kind))),
        perSecond,
        lastEventId,
        fromOldest: from === 'oldest',
        hello: formatRecord(describeServer(context, caller)),
        caller,
      });
    },
  );
}

function readWish(query: unknown): z.output<typeof wish> {
  const parsed = wish.safeParse(query);
  if (parsed.success) return parsed.data;
  throw new Problem(
    'bad-value',
    `kinds is some of ${KINDS.join(', ')}; from is now or oldest; perSecond is a whole number from 1 on`,
  );
}

/** One that is none leads to a reset, as one that is too old does. */
function readLastId(header: string | string[] | undefined): string | undefined {
  const text = [header].flat().join('');
  return text === '' ? undefined : text.slice(0, MAX_ID_LENGTH);
}

/** Which server this is, and what the caller may do. */
export function describeServer(context: ServerContext, caller: Caller) {
  const { config, version, labClock } = context;
  return {
    Server: config.netbiosName,
    Fqdn: config.fqdn,
    Role: config.role,
    Site: config.site,
    Version: version,
    IsLaboratory: labClock !== undefined,
    Access: caller.access,
    Laboratory: config.web?.laboratory ?? null,
    ...describeClock(context),
  };
}
