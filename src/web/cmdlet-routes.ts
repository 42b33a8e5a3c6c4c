// Every cmdlet as an address: POST /api/v1/cmdlets/NAME with a JSON body of parameters, and GET with a query for those that only
// look. The answer is what --json prints with all that stands beside it; or, as the client accepts, one JSON object a line while
// it happens (the steps of an import), or the cmdlet's file as it is.

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CmdletRequest } from '../cmdlets/binding.ts';
import { type Cmdlet, type CmdletCall, type CmdletDeclaration, outputFilesOf } from '../cmdlets/cmdlet.ts';
import { escapeJson, toJson } from '../cmdlets/output-json.ts';
import type { CmdletOutput, OutputFile } from '../cmdlets/output.ts';
import { executeCmdlet, refusalOf } from '../control/execution.ts';
import { MAX_REQUEST_BYTES } from '../control/protocol.ts';
import type { Log } from '../log.ts';
import { Problem } from '../problem.ts';
import { accessNeededFor, type Caller, insistOnAccess } from './access.ts';
import { readBody, readQuery } from './cmdlet-call.ts';
import { describeCmdlet, describeRoute } from './cmdlet-schema.ts';
import { describeProblem } from './problem-answer.ts';

export interface CmdletRoutesOptions<Context> {
  readonly cmdlets: readonly Cmdlet<Context>[];
  /** What they run in. */
  readonly context: Context;
  /** What is said as a warning with every answer, when there is something to say. */
  readonly caution: () => string | undefined;
  readonly log: Log;
  /** Throws Problem for a caller who may not come in. */
  readonly admit: (request: FastifyRequest) => Caller;
}

const MAX_RUNNING = 16;
const BODY_BYTES = 1024 * 1024;
/** What a JSON answer carries of a file; anything larger is asked for as it is. */
const MAX_JSON_FILE_BYTES = 32 * 1024 * 1024;
const LINES = 'application/x-ndjson';
const OCTETS = 'application/octet-stream';

/** Adds the list of cmdlets and an address for each. */
export function addCmdletRoutes<Context>(app: FastifyInstance, options: CmdletRoutesOptions<Context>): void {
  const { admit } = options;
  const cmdlets = options.cmdlets.filter(({ localOnly }) => localOnly !== true);
  const runs = new CmdletRuns({ ...options, cmdlets });
  const listed = cmdlets.map(describeCmdlet);
  app.get(
    '/api/v1/cmdlets',
    { schema: { operationId: 'list-cmdlets', summary: 'The cmdlets with their parameters', tags: ['reads'] } },
    (request) => {
      admit(request);
      return listed;
    },
  );
  for (const cmdlet of cmdlets) {
    const allow = (request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
      insistOnAccess(admit(request), accessNeededFor(cmdlet));
      done();
    };
    app.post(
      `/api/v1/cmdlets/${cmdlet.name}`,
      { schema: describeRoute(cmdlet, 'POST'), onRequest: allow, bodyLimit: bodyLimitOf(cmdlet) },
      (request, reply) => runs.answer(cmdlet, readBody(cmdlet, request.body), { request, reply }),
    );
    if (!isReadable(cmdlet)) continue;
    app.get(
      `/api/v1/cmdlets/${cmdlet.name}`,
      { schema: describeRoute(cmdlet, 'GET'), onRequest: allow },
      (request, reply) =>
        runs.answer(cmdlet, readQuery(cmdlet, request.query as Record<string, unknown>), { request, reply }),
    );
  }
  app.all('/api/v1/cmdlets/:name', { schema: { hide: true } }, (request) => {
    admit(request);
    const { name } = request.params as { readonly name: string };
    const cmdlet = cmdlets.find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (cmdlet && cmdlet.name !== name)
      throw new Problem('unknown-cmdlet', `in an address the cmdlet is written ${cmdlet.name}`);
    if (cmdlet) throw new Problem('method-not-allowed', `${cmdlet.name} is called by POST`);
    throw new Problem('unknown-cmdlet', 'there is no such cmdlet here: GET /api/v1/cmdlets lists them');
  });
}

/** What may be had by an address alone. */
function isReadable(cmdlet: CmdletDeclaration): boolean {
  return /^(?:Get|Test)-/.test(cmdlet.name) && accessNeededFor(cmdlet) === 'ReadOnly';
}

function bodyLimitOf({ parameters }: CmdletDeclaration): number {
  return Object.values(parameters).some(({ type }) => type === 'inputFile') ? MAX_REQUEST_BYTES : BODY_BYTES;
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** The cmdlets under way. */
class CmdletRuns<Context> {
  readonly #options: CmdletRoutesOptions<Context>;
  #running = 0;

  constructor(options: CmdletRoutesOptions<Context>) {
    this.#options = options;
  }

  async answer(cmdlet: CmdletDeclaration, call: CmdletRequest, exchange: Exchange): Promise<unknown> {
    const { accept = '' } = exchange.request.headers;
    if (this.#running >= MAX_RUNNING)
      throw new Problem('too-busy', `${MAX_RUNNING} cmdlets are running already: come back later`);
    this.#running += 1;
    try {
      if (accept.includes(LINES)) return await this.#answerByLines(cmdlet, call, exchange);
      if (accept.includes(OCTETS)) return await this.#answerAsFile(cmdlet, call, exchange);
      const output = await this.#execute(cmdlet, call, exchange);
      const answer = await describeOutput(output, call);
      return await exchange.reply.type('application/json').send(escapeJson(JSON.stringify(answer)));
    } finally {
      this.#running -= 1;
    }
  }

  async #execute(
    cmdlet: CmdletDeclaration,
    call: CmdletRequest,
    { request, reply }: Exchange,
    progress: CmdletCall['progress'] = () => undefined,
  ): Promise<CmdletOutput> {
    const { context, cmdlets, admit, caution, log } = this.#options;
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const by = admit(request).name;
    const facts = { cmdlet: cmdlet.name, door: 'web', ...(by !== undefined && { token: by }) };
    try {
      const output = await executeCmdlet(cmdlets, context, call, { progress, signal: gone.signal });
      log.info(facts, 'cmdlet executed');
      const clock = caution();
      return clock === undefined ? output : { ...output, warnings: [...(output.warnings ?? []), clock] };
    } catch (error) {
      const refusal = refusalOf(error, log, cmdlet.name);
      log.info({ ...facts, code: refusal.code }, 'cmdlet refused');
      throw new Problem(refusal.code, refusal.sentence);
    }
  }

  /** The answer has begun before the cmdlet has ended, so a refusal is its last line. */
  async #answerByLines(cmdlet: CmdletDeclaration, call: CmdletRequest, exchange: Exchange): Promise<void> {
    const { reply } = exchange;
    const { raw } = reply;
    const write = (line: object): void => {
      if (raw.writable) raw.write(`${escapeJson(JSON.stringify(line))}\n`);
    };
    reply.hijack();
    raw.writeHead(200, { ...headersOf(reply), 'content-type': LINES });
    try {
      const output = await this.#execute(cmdlet, call, exchange, (text, record) =>
        write({ kind: 'progress', text, ...(record && { record: toJson(record) }) }),
      );
      const { records, notices, warnings, failures, files } = await describeOutput(output, call);
      for (const record of records) write({ kind: 'record', record });
      for (const text of notices) write({ kind: 'notice', text });
      for (const text of warnings) write({ kind: 'warning', text });
      for (const text of failures) write({ kind: 'failure', text });
      for (const file of files) write({ kind: 'file', file });
      write({ kind: 'done' });
    } catch (error) {
      write({ kind: 'error', problem: describeProblem(refusalOf(error, this.#options.log, cmdlet.name)) });
    }
    raw.end();
  }

  async #answerAsFile(cmdlet: CmdletDeclaration, call: CmdletRequest, exchange: Exchange): Promise<unknown> {
    if (outputFilesOf(cmdlet).length === 0) throw new Problem('no-file', `${cmdlet.name} hands out no file`);
    const { files = [], stream } = await this.#execute(cmdlet, call, exchange);
    const [file] = files;
    const parameter = file?.parameter ?? stream?.parameter;
    if (parameter === undefined) throw new Problem('no-file', `${cmdlet.name} hands out no file when it is called so`);
    const content = stream ? Readable.from(stream.content) : file?.content;
    return exchange.reply
      .type(OCTETS)
      .header('content-disposition', `attachment; filename="${safeName(nameOf(call, parameter) ?? cmdlet.name)}"`)
      .send(content);
  }
}

/** Headers that were set for every answer, where it is written without fastify. */
export function headersOf(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));
}

/** The name that the client gave: a name for the download, of no folder here. */
function nameOf({ parameters }: CmdletRequest, parameter: string): string | undefined {
  return Object.entries(parameters).find(([typed]) => typed.toLowerCase() === parameter.toLowerCase())?.[1][0];
}

function safeName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? '';
  return last.replaceAll(/[^A-Za-z0-9._-]/g, '_').replace(/^\.+/, '') || 'file';
}

async function describeOutput(output: CmdletOutput, call: CmdletRequest) {
  const { records, notices = [], warnings = [], failures = [], files = [], stream } = output;
  const all: readonly OutputFile[] = stream
    ? [...files, { parameter: stream.parameter, content: await gather(stream.content) }]
    : files;
  return {
    records: records.map((record) => toJson(record)),
    notices,
    warnings,
    failures,
    files: all.map(({ parameter, content }) => ({
      parameter,
      name: safeName(nameOf(call, parameter) ?? parameter),
      content: content.toString('base64'),
    })),
  };
}

async function gather(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of content) {
    size += piece.length;
    if (size > MAX_JSON_FILE_BYTES)
      throw new Problem('file-too-large', `the file is too large for JSON: ask for it with "Accept: ${OCTETS}"`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
