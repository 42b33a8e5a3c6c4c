// The OpenAPI description of each cmdlet, derived from its declaration. Values are described here and checked by
// cmdlets/binding.ts, which takes the same texts at every door: so a duration or a size is a text.

import { type CmdletDeclaration, outputFilesOf, parametersOf } from '../cmdlets/cmdlet.ts';
import type { Parameter } from '../cmdlets/parameters.ts';
import { accessNeededFor } from './access.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

const FILE_PROPERTIES: JsonSchema = {
  name: { type: 'string' },
  content: { type: 'string', contentEncoding: 'base64' },
};
const FILE: JsonSchema = {
  type: 'object',
  properties: FILE_PROPERTIES,
  required: ['content'],
  additionalProperties: false,
};

/** One parameter. */
function describeParameter(parameter: Parameter): JsonSchema {
  const { help, default: fallback } = parameter;
  return { ...typeOf(parameter), description: help, ...(fallback !== undefined && { 'x-default': fallback }) };
}

function typeOf(parameter: Parameter): JsonSchema {
  switch (parameter.type) {
    case 'switch':
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return { type: 'integer', ...limitsOf(parameter) };
    case 'count':
      return { oneOf: [{ type: 'integer', ...limitsOf(parameter) }, { const: 'unlimited' }] };
    case 'size':
      return {
        oneOf: [
          { type: 'integer', minimum: 0 },
          { type: 'string', examples: ['10MB', 'unlimited'] },
        ],
      };
    case 'enum':
      return { type: 'string', enum: [...parameter.choices] };
    case 'enums':
      return { type: 'array', items: { type: 'string', enum: [...parameter.choices] } };
    case 'strings':
      return { type: 'array', items: { type: 'string' } };
    case 'inputFile':
      return FILE;
    case 'secret':
      return { type: 'string', format: 'password' };
    default:
      return { type: 'string', 'x-type': parameter.type };
  }
}

function limitsOf({ minimum, maximum }: { readonly minimum?: number; readonly maximum?: number }): JsonSchema {
  return { ...(minimum !== undefined && { minimum }), ...(maximum !== undefined && { maximum }) };
}

function bodyOf(cmdlet: CmdletDeclaration): JsonSchema {
  const declared = Object.entries(parametersOf(cmdlet));
  const required = declared.flatMap(([name, parameter]) => (parameter.required === true ? [name] : []));
  return {
    type: 'object',
    properties: Object.fromEntries(declared.map(([name, parameter]) => [name, describeParameter(parameter)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

/** What may stand in an address. */
function queryOf(cmdlet: CmdletDeclaration): JsonSchema {
  const { properties, required = [] } = bodyOf(cmdlet) as { properties: JsonSchema; required?: readonly string[] };
  return { type: 'object', properties, ...(required.length > 0 && { required }) };
}

const TEXTS: JsonSchema = { type: 'array', items: { type: 'string' } };

/** What a cmdlet answers with. */
const ANSWER: JsonSchema = {
  description: 'What the cmdlet answered; its records are those of --json',
  content: {
    'application/json': {
      schema: {
        type: 'object',
        properties: {
          records: { type: 'array', items: { type: 'object', additionalProperties: true } },
          notices: TEXTS,
          warnings: TEXTS,
          failures: TEXTS,
          files: {
            type: 'array',
            items: { ...FILE, properties: { parameter: { type: 'string' }, ...FILE_PROPERTIES } },
          },
        },
        required: ['records', 'notices', 'warnings', 'failures', 'files'],
      },
    },
  },
};

/** A refusal, RFC 9457. */
const PROBLEM: JsonSchema = {
  description: 'One sentence with a stable code',
  content: {
    'application/problem+json': {
      schema: {
        type: 'object',
        properties: {
          type: { type: 'string' },
          title: { type: 'string' },
          status: { type: 'integer' },
          detail: { type: 'string' },
          code: { type: 'string' },
        },
        required: ['type', 'title', 'status', 'detail', 'code'],
      },
    },
  },
};

/** The description of a route of the cmdlet. */
export function describeRoute(cmdlet: CmdletDeclaration, method: 'GET' | 'POST'): JsonSchema {
  const { name, synopsis, description, changes } = cmdlet;
  return {
    operationId: `${method === 'GET' ? 'get-' : ''}${name}`,
    summary: synopsis,
    ...(description !== undefined && { description }),
    tags: [changes ? 'changes' : 'reads'],
    ...(method === 'GET' ? { querystring: queryOf(cmdlet) } : { body: bodyOf(cmdlet) }),
    response: { 200: ANSWER, default: PROBLEM },
    ...(accessNeededFor(cmdlet) === 'ReadWrite' && { security: [{ token: [] }] }),
  };
}

/** A cmdlet in the list of all. */
export function describeCmdlet(cmdlet: CmdletDeclaration): JsonSchema {
  const { name, synopsis, description = null, examples = [], positional = [], changes, table } = cmdlet;
  return {
    name,
    synopsis,
    description,
    examples,
    positional,
    changes,
    access: accessNeededFor(cmdlet),
    table: table.map((column) => (typeof column === 'string' ? column : column.header)),
    files: outputFilesOf(cmdlet),
    parameters: Object.entries(parametersOf(cmdlet)).map(([parameter, { type, help, required = false, ...more }]) => ({
      name: parameter,
      type,
      help,
      required,
      default: more.default ?? null,
      ...('choices' in more && { choices: more.choices }),
      ...('minimum' in more && { minimum: more.minimum }),
      ...('maximum' in more && { maximum: more.maximum }),
    })),
  };
}
