// strace around a process: what it wrote and synced in which order, or system calls that fail from now until released.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** True when strace is installed and may trace here. */
export const CAN_STRACE = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

/** Lets the named system calls of a running process fail; call the result to let them succeed again. */
export function injectFailures(pid: number, calls: string, error: string): Promise<() => Promise<void>> {
  return attach(pid, ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}`, '-o', '/dev/null']);
}

/** Writes the named system calls of a running process to `log`, until the result is called. */
export function traceCalls(pid: number, calls: string, log: string): Promise<() => Promise<void>> {
  return attach(pid, ['-y', '-e', `trace=${calls}`, '-o', log]);
}

async function attach(pid: number, options: readonly string[]): Promise<() => Promise<void>> {
  const strace = spawn('strace', ['-f', ...options, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = once(strace, 'close');
  let said = '';
  await new Promise<void>((resolve, reject) => {
    strace.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('attached')) resolve();
    });
    void closed.then(() => reject(new Error(`strace did not attach: ${said}`)));
  });
  return async () => {
    strace.kill('SIGINT');
    await closed;
  };
}

/** One completed system call. */
export interface SystemCall {
  readonly name: string;
  /** Everything between the parentheses, descriptors shown as `5</path>`. */
  readonly text: string;
}

/** The calls of a log written by `strace -f -y -o`, in the order of their completion. */
export function parseCalls(log: string): SystemCall[] {
  const unfinished = new Map<string, string>();
  const calls: SystemCall[] = [];
  for (const line of log.split('\n')) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const [, begun] = /^(.*) <unfinished \.\.\.>$/.exec(rest) ?? [];
    if (begun !== undefined) {
      unfinished.set(pid, begun);
      continue;
    }
    const [, ending] = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest) ?? [];
    const whole = ending === undefined ? rest : (unfinished.get(pid) ?? '') + ending;
    const [, name, text] = /^(\w+)\((.*)$/.exec(whole) ?? [];
    if (name !== undefined && text !== undefined) calls.push({ name, text });
  }
  return calls;
}
