// Makes the import table of docs/architecture.md true: who may import whom, no circle, src one level deep, small files.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = new URL('../src', import.meta.url).pathname;

/** Files directly in src that every room may import. */
const FLOOR_ONE = [
  'problem',
  'clock',
  'duration',
  'config',
  'config-directory',
  'config-spool',
  'config-live',
  'config-values',
  'config-web',
  'log',
  'bounded-map',
  'passing',
  'remembered',
  'locale',
  'package-folder',
  'free-port',
  'ip-range',
  'recurrence',
  'size',
  'unsafe-text',
  'version',
];

/** Room → rooms it may import. A room may always import itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  storage: [],
  tls: ['storage'],
  capture: ['storage'],
  smtp: ['tls', 'capture'],
  ldap: ['tls', 'capture'],
  dns: [],
  directory: ['tls', 'ldap', 'storage', 'smtp', 'capture'],
  spool: ['storage'],
  trust: ['tls'],
  tracking: ['trust', 'tls', 'storage'],
  transport: ['smtp', 'dns', 'capture', 'tls', 'trust', 'directory', 'spool', 'tracking', 'storage'],
  workers: ['smtp', 'capture', 'tls', 'spool', 'tracking', 'transport'],
  edgesync: ['ldap', 'capture', 'tls', 'trust', 'directory', 'tracking', 'smtp'],
  cmdlets: [
    'smtp',
    'ldap',
    'capture',
    'dns',
    'tls',
    'storage',
    'directory',
    'spool',
    'trust',
    'tracking',
    'transport',
    'edgesync',
  ],
  control: ['cmdlets'],
  web: ['control', 'cmdlets', 'tls', 'tracking', 'storage'],
  shell: ['control', 'capture', 'cmdlets', 'storage', 'tracking', 'trust'],
  lab: ['control', 'capture', 'cmdlets', 'smtp', 'ldap', 'tls', 'storage', 'meddle'],
  meddle: ['tls', 'trust'],
  scenarios: ['lab', 'trust', 'cmdlets'],
  page: [],
  prove: ['control', 'cmdlets', 'smtp', 'tls', 'trust', 'storage', 'meddle', 'lab', 'shell'],
};

/** Doors that build servers; the roles stand directly in src. */
const MAY_OPEN_ROLES = ['lab'];
const ROLES = ['hub.ts', 'edge.ts'];

/** Rooms of which a room may know the shapes, and nothing that runs. */
const TYPES_ONLY: Record<string, readonly string[]> = { lab: ['tracking', 'trust'], scenarios: ['tracking'] };

/**
 * The page runs in a browser: of the rooms below it knows the shapes, and these pure files, whose own imports are types.
 */
const FOR_THE_BROWSER = ['trust/reasons.ts', 'shell/trail-facts.ts', 'unsafe-text.ts'];

/** The doors for test runners are rooms of one file. */
const TEST_DOORS: Record<string, readonly string[]> = {
  'testing.ts': ['lab', 'tracking', 'trust'],
  'testing-vitest.ts': ['testing.ts', 'trust'],
};

/** Who may take from smtp only what knows no wire: the mechanism SCRAM, and how an address is written. */
const WIRELESS_ONLY = ['directory', 'edgesync'];
const WIRELESS = /^smtp\/(?:scram-|address\.ts$)/;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

const files = listFiles(SRC);
const imports = files.flatMap(importsOf);

function listFiles(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? listFiles(path) : [path];
  });
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/(import type|export type)?(?:\s*\{[^{}]*\}\s*)?(?:from|import\()\s*'(\.[^']+)'/g);
  return [...found].map(([, type, specifier = '']) => ({
    from: relative(SRC, file),
    to: relative(SRC, resolve(dirname(file), specifier)),
    isType: type !== undefined,
  }));
}

function roomOf(path: string): string {
  return path.includes('/') ? (path.split('/')[0] ?? '') : '';
}

function isAllowed({ from, to, isType }: Import): boolean {
  const room = roomOf(from);
  const target = roomOf(to);
  const isFloorOne = FLOOR_ONE.includes(to.replace(/\.ts$/, ''));
  const door = TEST_DOORS[from];
  if (door) return door.includes(target === '' ? to : target);
  if (room === 'page') return target === 'page' || isType || FOR_THE_BROWSER.includes(to);
  if (ROLES.includes(to) && MAY_OPEN_ROLES.includes(room)) return true;
  if (isType && (TYPES_ONLY[room] ?? []).includes(target)) return true;
  if (room === '') return FLOOR_ONE.includes(from.replace(/\.ts$/, '')) ? isFloorOne : true;
  if (target === room || isFloorOne) return true;
  if (target === 'smtp' && WIRELESS_ONLY.includes(room)) return WIRELESS.test(to);
  return target !== '' && (MAY_IMPORT[room] ?? []).includes(target);
}

describe('the house', () => {
  it('has files to look at', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(imports.length).toBeGreaterThan(100);
  });

  it('knows every room that exists', () => {
    const rooms = new Set(files.map((file) => roomOf(relative(SRC, file))).filter((room) => room !== ''));
    expect([...rooms].filter((room) => !(room in MAY_IMPORT))).toEqual([]);
  });

  it('tells an import of types from one of what runs', () => {
    const kinds = new Map(
      imports.filter(({ from }) => from === 'lab/tracing.ts').map(({ to, isType }) => [to, isType]),
    );
    expect([kinds.get('tracking/decision-card.ts'), kinds.get('lab/traced-message.ts')]).toEqual([true, false]);
  });

  it('is one level deep', () => {
    expect(files.map((file) => relative(SRC, file)).filter((path) => path.split('/').length > 2)).toEqual([]);
  });

  it('imports only downwards and along its arrows', () => {
    expect(imports.filter((edge) => !isAllowed(edge)).map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('has no circle of imports', () => {
    const graph = new Map<string, string[]>();
    for (const { from, to } of imports) graph.set(from, [...(graph.get(from) ?? []), to]);
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (done.has(file) || path.includes(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });

  it('gives the page nothing that does not run in a browser', () => {
    const reached = imports.filter(({ from, isType }) => FOR_THE_BROWSER.includes(from) && !isType);
    expect(reached).toEqual([]);
    const page = files
      .filter((file) => roomOf(relative(SRC, file)) === 'page')
      .map((file) => readFileSync(file, 'utf8'));
    expect(page.length).toBeGreaterThan(10);
    expect(page.filter((text) => /from 'node:|innerHTML|\beval\(|document\.cookie/.test(text))).toEqual([]);
  });

  it('keeps trust free of sockets, files and clocks of its own', () => {
    const text = files
      .filter((file) => roomOf(relative(SRC, file)) === 'trust')
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
    expect(text).not.toMatch(/from 'node:|Date\.now|new Date\(\)|from '\.\.\/clock/);
  });

  it('keeps every file of code under 350 lines', () => {
    const long = files
      // A table of texts is data: as long as there is something to say.
      .filter((file) => !file.endsWith('.json'))
      .map((file) => [relative(SRC, file), readFileSync(file, 'utf8').split('\n').length] as const)
      .filter(([, lines]) => lines > 350);
    expect(long).toEqual([]);
  });

  it('has no word of where it was made: no absolute path of a machine', () => {
    expect(files.filter((file) => /['"`]\/(?:home|root|Users)\//.test(readFileSync(file, 'utf8')))).toEqual([]);
  });
});
