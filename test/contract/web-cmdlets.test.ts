// Every cmdlet of the table is an address of the Admin API, with the same records, sentences and codes as at the other doors.

import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CMDLETS, HUB_CMDLETS } from '../../src/cmdlets/cmdlets.ts';
import type { CmdletDeclaration } from '../../src/cmdlets/cmdlet.ts';
import { executeCmdlet } from '../../src/control/execution.ts';
import { formatJson } from '../../src/shell/values.ts';
import { type Answer, openWebServer, type WebServerFixture } from '../helpers/web-server.ts';

let hub: WebServerFixture;
let edge: WebServerFixture;
const tokens = new Map<WebServerFixture, string>();

beforeAll(async () => {
  hub = await openWebServer();
  edge = await openWebServer({ role: 'edge' });
  for (const server of [hub, edge]) tokens.set(server, server.token('ReadWrite'));
});

afterAll(async () => {
  await hub.close();
  await edge.close();
});

const OPEN = CMDLETS.filter(({ localOnly }) => localOnly !== true);

function serverOf({ roles }: Pick<CmdletDeclaration, 'roles'>): WebServerFixture {
  return roles.includes('hub') ? hub : edge;
}

/** By its verb, save for the test that takes a node out of service. */
function isReading({ name }: Pick<CmdletDeclaration, 'name'>): boolean {
  return /^(?:Get|Test)-/.test(name) && name !== 'Test-Failover';
}

/** A call with the right to change things. */
function call(server: WebServerFixture, cmdlet: string, body: object, headers = {}): Promise<Answer> {
  return server.ask(`/api/v1/cmdlets/${cmdlet}`, { body, headers, token: tokens.get(server) ?? '' });
}

describe.each(OPEN)('$name ($roles)', (cmdlet) => {
  it('is called at its address, and refuses there what it refuses everywhere', async () => {
    const { status, json, headers } = await call(serverOf(cmdlet), cmdlet.name, { NoSuchParameter: 1 });
    expect([status, json['code']]).toEqual([400, 'unknown-parameter']);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(json['detail']).toMatch(/has no parameter -NoSuchParameter/);
  });

  it.runIf(cmdlet.changes)('is not carried out without a token', async () => {
    const { status, json } = await serverOf(cmdlet).ask(`/api/v1/cmdlets/${cmdlet.name}`, { body: {} });
    expect([status, json['code']]).toEqual([403, 'read-only']);
  });

  it.runIf(isReading(cmdlet))('is had by GET too', async () => {
    const { status, json } = await serverOf(cmdlet).ask(`/api/v1/cmdlets/${cmdlet.name}?NoSuchParameter=1`);
    expect([status, json['code']]).toEqual([400, 'unknown-parameter']);
  });

  it.runIf(!isReading(cmdlet))('is no GET', async () => {
    const { status, json } = await serverOf(cmdlet).ask(`/api/v1/cmdlets/${cmdlet.name}`);
    expect([status, json['code']]).toEqual([405, 'method-not-allowed']);
  });
});

describe('the list of cmdlets', () => {
  it('has those of the role, without those that are for the owner alone', async () => {
    const listed = (await hub.ask('/api/v1/cmdlets')).json as unknown as { name: string; parameters: object[] }[];
    expect(listed.map(({ name }) => name)).toEqual(
      HUB_CMDLETS.filter(({ localOnly }) => localOnly !== true).map(({ name }) => name),
    );
    expect(listed.map(({ name }) => name)).not.toContain('New-AccessToken');
    expect(listed.find(({ name }) => name === 'Get-Queue')?.parameters).toContainEqual({
      name: 'Include',
      type: 'enums',
      help: 'Only queues of these kinds',
      required: false,
      default: null,
      choices: expect.arrayContaining(['Internal']) as unknown,
    });
  });

  it.each(['New-AccessToken', 'Get-AccessToken', 'Remove-AccessToken'])(
    'has no %s, not by name either',
    async (name) => {
      expect((await call(hub, name, { Name: 'x', Identity: 'x' })).json['code']).toBe('unknown-cmdlet');
    },
  );
});

describe('an answer', () => {
  it.each(['Get-ReceiveConnector', 'Get-TransportConfig', 'Get-ExchangeCertificate', 'Get-TrustStatus'])(
    'has the records that %s --json prints',
    async (cmdlet) => {
      const { json } = await hub.ask(`/api/v1/cmdlets/${cmdlet}`);
      const { cmdlets, context } = hub.house;
      const { records } = await executeCmdlet(cmdlets, context, { cmdlet, parameters: {} });
      expect(records.length).toBeGreaterThan(0);
      expect(json['records']).toEqual(JSON.parse(formatJson(records)));
    },
  );

  it('takes parameters of every kind, in any letter case', async () => {
    const made = await call(hub, 'New-ReceiveConnector', {
      name: 'Relay, inside',
      Bindings: ['127.0.0.1:2599'],
      RemoteIPRanges: ['10.0.0.0/8', '192.0.2.1'],
      MaxMessageSize: '12MB',
      Enabled: false,
    });
    expect(made.json).toMatchObject({
      records: [{ Name: 'Relay, inside', RemoteIPRanges: ['10.0.0.0/8', '192.0.2.1'], Enabled: false }],
    });
    const removed = await call(hub, 'Remove-ReceiveConnector', { Identity: 'Relay, inside' });
    expect([removed.status, removed.json['failures']]).toEqual([200, []]);
  });

  it.each([
    ['Get-Queue', { ResultSize: 'many' }, 400, 'bad-value'],
    ['Get-Queue', { ResultSize: { $gt: 1 } }, 400, 'bad-value'],
    ['Get-Queue', { Identity: ['a', 'b'] }, 400, 'repeated-parameter'],
    ['Get-Queue', { Identity: 'a', identity: 'b' }, 400, 'repeated-parameter'],
    ['Get-Queue', { Identity: 'HUB01\\77' }, 404, 'queue-not-found'],
    ['Get-Queue', { Identity: 'a\r\nb' }, 400, 'bad-value'],
    ['Remove-SendConnector', { Identity: 'none' }, 404, 'not-found'],
    ['New-AcceptedDomain', {}, 400, 'missing-parameter'],
    ['New-EdgeSubscription', { FileName: 'edge.xml', Site: 'x' }, 400, 'bad-value'],
    ['New-EdgeSubscription', { FileName: { content: '!' }, Site: 'x' }, 400, 'bad-value'],
    ['New-EdgeSubscription', { FileName: { name: 'edge.xml', path: '/etc/passwd' }, Site: 'x' }, 400, 'bad-value'],
  ])('%s with %j is refused with %i %s', async (cmdlet, body, status, code) => {
    const answer = await call(hub, cmdlet, body);
    expect([answer.status, answer.json['code']]).toEqual([status, code]);
    expect(answer.json['detail']).toMatch(/\S/);
  });

  it('takes no secret from an address', async () => {
    const withSecret = OPEN.flatMap(({ name, parameters }) =>
      Object.entries(parameters).flatMap(([parameter, { type }]) => (type === 'secret' ? [{ name, parameter }] : [])),
    );
    expect(withSecret.filter(({ name }) => /^(?:Get|Test)-/.test(name))).toEqual([]);
  });
});

describe('a file', () => {
  it('is handed out as its content, under a name that is no path', async () => {
    const answer = await call(edge, 'New-EdgeSubscription', { FileName: '../../tmp/"a\\b;.xml' });
    const [file] = answer.json['files'] as { name: string; content: string }[];
    expect(file?.name).toBe('b_.xml');
    expect(Buffer.from(file?.content ?? '', 'base64').toString()).toContain('<EdgeSubscriptionData');
  });

  it('is downloaded as it is where the client accepts that', async () => {
    const answer = await call(
      edge,
      'New-EdgeSubscription',
      { FileName: 'edge.xml' },
      { accept: 'application/octet-stream' },
    );
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="edge.xml"');
    expect(answer.text).toMatch(/^<\?xml/);
  });

  it('is not had from a cmdlet that has none, which is not carried out then', async () => {
    const body = { Name: 'not.test', DomainName: 'not.test' };
    const answer = await call(hub, 'New-AcceptedDomain', body, { accept: 'application/octet-stream' });
    expect([answer.status, answer.json['code']]).toEqual([406, 'no-file']);
    expect((await hub.ask('/api/v1/cmdlets/Get-AcceptedDomain')).text).not.toContain('not.test');
  });

  it('holds mail or keys, so that reading it needs more than reading', async () => {
    for (const cmdlet of ['Export-Message', 'Export-ExchangeCertificate']) {
      const { status, json } = await hub.ask(`/api/v1/cmdlets/${cmdlet}`, { body: { Identity: '1' } });
      expect([status, json['code']]).toEqual([403, 'read-only']);
    }
  });

  it('is uploaded as its content, each step is said while it happens, and a refusal is the last line', async () => {
    const exported = await call(edge, 'New-EdgeSubscription', { FileName: 'edge.xml' });
    const [file] = exported.json['files'] as { name: string; content: string }[];
    const asLines = { accept: 'application/x-ndjson' };
    const body = { FileName: { name: 'edge.xml', content: file?.content }, Site: 'Default-First-Site-Name' };
    const imported = linesOf(await call(hub, 'New-EdgeSubscription', body, asLines));
    expect(imported.map(({ kind }) => kind)).toEqual([
      'progress',
      'progress',
      'progress',
      'record',
      'notice',
      // The hub does not know where edge01.perimeter.test is.
      'warning',
      'done',
    ]);
    expect(imported[3]?.['record']).toMatchObject({ Name: 'EDGE01' });
    const refused = linesOf(await call(hub, 'New-EdgeSubscription', { ...body, Site: 'Elsewhere' }, asLines));
    expect(refused).toMatchObject([{ kind: 'error', problem: { code: 'site-unknown', status: 422 } }]);
  });
});

function linesOf({ text }: Answer): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the description of the API', () => {
  it.each(['hub', 'edge'] as const)(
    'of a %s is an OpenAPI document, and has every cmdlet with every parameter',
    async (role) => {
      const server = role === 'hub' ? hub : edge;
      const document = (await server.ask('/api/v1/openapi.json')).json as {
        paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: object }> } }>>;
      };
      expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
      for (const { name, parameters } of OPEN.filter(({ roles }) => roles.includes(role))) {
        const body =
          document.paths[`/api/v1/cmdlets/${name}`]?.['post']?.requestBody?.content['application/json']?.schema;
        expect(body).toMatchObject({
          properties: Object.fromEntries(
            Object.entries(parameters).map(([parameter, { help }]) => [parameter, { description: help }]),
          ),
        });
      }
    },
  );
});
