// A real server in this process with its web door on a free port of loopback, in a temporary folder, and ways to ask it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../../src/clock.ts';
import type { TokenAccess } from '../../src/cmdlets/access-tokens.ts';
import type { House } from '../../src/cmdlets/house.ts';
import { parseConfig, type Role } from '../../src/config.ts';
import { openEdge } from '../../src/edge.ts';
import { openHub } from '../../src/hub.ts';
import { type Log, silentLog } from '../../src/log.ts';
import { openWebDoor, type WebDoorOptions } from '../../src/web/web-door.ts';

export interface WebServerOptions extends WebDoorOptions {
  readonly role?: Role;
  /** The `web` section; loopback, any port, when absent. */
  readonly web?: Readonly<Record<string, unknown>>;
  /** More settings. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly log?: Log;
  /** Makes the config's folder ready. */
  readonly prepare?: (folder: string) => void;
}

export interface WebServerFixture {
  readonly folder: string;
  /** http://127.0.0.1:PORT */
  readonly address: string;
  readonly house: House;
  readonly clock: SystemClock;
  token(access: TokenAccess): string;
  /** A request with a JSON answer. */
  ask(path: string, options?: AskOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface AskOptions {
  readonly method?: string;
  /** Sent as JSON, by POST. */
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The text as JSON; undefined when it is none. */
  readonly json: Record<string, unknown>;
}

export async function openWebServer(options: WebServerOptions = {}): Promise<WebServerFixture> {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-web-'));
  try {
    return await openIn(folder, options);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function openIn(folder: string, options: WebServerOptions): Promise<WebServerFixture> {
  const { role = 'hub', web = { listen: '127.0.0.1:0' }, extra = {} } = options;
  options.prepare?.(folder);
  const settings = {
    role,
    fqdn: role === 'hub' ? 'hub01.contoso.test' : 'edge01.perimeter.test',
    listen: { smtp: ['127.0.0.1:0'], ...(role === 'edge' && { ldaps: '127.0.0.1:0' }) },
    workers: 0,
    dns: { servers: ['127.0.0.1:1'], timeout: '100ms' },
    web,
    ...extra,
  };
  const config = parseConfig(JSON.stringify(settings), join(folder, 'config.yaml'));
  const clock = new SystemClock();
  let house: House | undefined;
  const open = role === 'hub' ? openHub : openEdge;
  const server = await open({
    config,
    clock,
    labClock: clock,
    log: options.log ?? silentLog(),
    version: '0.0.0',
    openWeb: (opened) => {
      house = opened;
      return openWebDoor(opened, { pageFolder: options.pageFolder, timeouts: options.timeouts });
    },
  });
  if (!house) throw new Error('no door was opened');
  const { accessTokens } = house.context;
  const address = String(server.ready['web']);
  let tokens = 0;
  return {
    folder,
    address,
    house,
    clock,
    token: (access) => accessTokens.add({ name: `test${++tokens}`, access, createdAt: clock.now() }),
    ask: (path, asked) => ask(`${address}${path}`, asked),
    close: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ask(url: string, { method, body, token, headers = {} }: AskOptions = {}): Promise<Answer> {
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    ...(body !== undefined && { body: JSON.stringify(body) }),
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
