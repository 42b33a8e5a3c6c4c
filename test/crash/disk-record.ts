// What a process did to one folder, read from strace's log with all its octets: changes of files, changes of folders, syncs,
// and what it said on stdout. Positions in the log order them; a call that another thread interrupted has two.

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** The calls that change what a disk holds. What changes it in another way would make the replay differ from the disk. */
const DISK_CALLS =
  'openat,write,writev,pwrite64,pwritev,ftruncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,link,linkat,mkdir,rmdir,fsync,fdatasync';

interface Moment {
  /** Line at which the call began, and at which it was over. */
  readonly begin: number;
  readonly end: number;
}

export type DiskEvent = Moment &
  (
    | { readonly kind: 'open'; readonly path: string; readonly makes: boolean; readonly empties: boolean }
    | { readonly kind: 'write'; readonly path: string; readonly octets: Buffer; readonly at: number | undefined }
    | { readonly kind: 'truncate'; readonly path: string; readonly sizeBytes: number }
    | { readonly kind: 'rename'; readonly path: string; readonly to: string }
    | { readonly kind: 'unlink' | 'mkdir'; readonly path: string }
    | { readonly kind: 'sync'; readonly path: string; readonly isDone: boolean }
    | { readonly kind: 'said'; readonly text: string }
  );

/** strace's options for such a log. */
export function recordingOptions(log: string): string[] {
  return ['strace', '-D', '-f', '-y', '-xx', '-s', '16000000', '-e', `trace=${DISK_CALLS}`, '-o', log];
}

/** The events of a log that concern the folder, and what was said, in the order of their ends. */
export function readRecord(log: string, folder: string): DiskEvent[] {
  const begun = new Map<string, { text: string; begin: number }>();
  const events: DiskEvent[] = [];
  for (const [end, line] of readFileSync(log, 'latin1').split('\n').entries()) {
    const space = line.indexOf(' ');
    const [thread, rest] = [line.slice(0, space), line.slice(space).trimStart()];
    if (rest.endsWith('<unfinished ...>')) {
      begun.set(thread, { text: rest.slice(0, -'<unfinished ...>'.length).trimEnd(), begin: end });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(rest)?.[0];
    const first = resumed === undefined ? undefined : begun.get(thread);
    const whole = resumed === undefined ? rest : (first?.text ?? '') + rest.slice(resumed.length);
    const event = readCall(whole, { begin: first?.begin ?? end, end });
    if (event && (event.kind === 'said' || isWithin(event.path, folder))) events.push(event);
  }
  return events;
}

/** The folder above counts too: its sync is what makes the folder's own name last. */
function isWithin(path: string, folder: string): boolean {
  return path === dirname(folder) || path === folder || path.startsWith(`${folder}/`);
}

function readCall(text: string, moment: Moment): DiskEvent | undefined {
  const name = text.slice(0, text.indexOf('('));
  const result = Number(/= (-?\d+)[^=]*$/.exec(text.slice(-400))?.[1]);
  const isDone = result >= 0;
  const path = /^\w+\((?:\d+|AT_FDCWD)<([^>]*)>/.exec(text)?.[1];
  const strings = readStrings(text);
  const [named = '', other = ''] = strings.map((octets) => octets.toString());
  if (name === 'fsync' || name === 'fdatasync')
    return { kind: 'sync', path: decode(path).toString(), isDone, ...moment };
  if (!isDone) return undefined;
  switch (name) {
    case 'openat':
      return {
        kind: 'open',
        path: named,
        makes: text.includes('O_CREAT'),
        empties: text.includes('O_TRUNC'),
        ...moment,
      };
    case 'write':
    case 'pwrite64': {
      const octets = (strings[0] ?? Buffer.alloc(0)).subarray(0, result);
      if (text.startsWith('write(1<')) return { kind: 'said', text: octets.toString(), ...moment };
      const at = name === 'write' ? undefined : Number(/, (\d+)\) += /.exec(text.slice(-400))?.[1]);
      return { kind: 'write', path: decode(path).toString(), octets, at, ...moment };
    }
    case 'ftruncate': {
      const sizeBytes = Number(/, (\d+)\) += /.exec(text)?.[1]);
      return { kind: 'truncate', path: decode(path).toString(), sizeBytes, ...moment };
    }
    case 'rename':
      return { kind: 'rename', path: named, to: other, ...moment };
    case 'unlink':
    case 'mkdir':
      return { kind: name, path: named, ...moment };
    default:
      return path === undefined ? undefined : rejectCall(name, decode(path).toString());
  }
}

/** Calls that neither Node nor SQLite makes on a spool today; the day they do, this reader has to learn them. */
function rejectCall(name: string, path: string): undefined {
  if (/\/spool(?:\/|$)/.test(path)) throw new Error(`${name} on ${path} is not understood`);
  return undefined;
}

function readStrings(text: string): Buffer[] {
  return Array.from(text.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g), ([, hex]) => decode(hex));
}

function decode(text = ''): Buffer {
  return text.startsWith('\\x') ? Buffer.from(text.replaceAll('\\x', ''), 'hex') : Buffer.from(text);
}
