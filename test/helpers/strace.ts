// strace around a process: what it wrote and synced in which order, or system calls that fail from now until released.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { demand } from './peers.ts';

/** True when strace is installed and may trace here. Importing this throws when it has to. */
export const CAN_STRACE = demand(spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0, 'strace');

/** Lets the named system calls of a running process fail; call the result to let them succeed again. */
export async function injectFailures(pid: number, calls: string, error: string): Promise<() => Promise<void>> {
  const options = ['-f', '-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}`, '-o', '/dev/null'];
  return (await attach(pid, options)).detach;
}

/** Lets each sync of a running process take so long, and then fail if `error` is given; call the result to end that. */
export async function slowSyncs(pid: number, delayMs: number, error?: string): Promise<() => Promise<void>> {
  const fault = `delay_enter=${delayMs * 1000}${error === undefined ? '' : `:error=${error}`}`;
  return (await attach(pid, ['-f', '-e', 'trace=fdatasync', '-e', `inject=fdatasync:${fault}`, '-o', '/dev/null']))
    .detach;
}

/** Writes the named system calls of a running process to `log`, until the result is called. */
export async function traceCalls(pid: number, calls: string, log: string): Promise<() => Promise<void>> {
  return (await attach(pid, ['-f', '-y', '-e', `trace=${calls}`, '-o', log])).detach;
}

/** Of one thread the n-th call of a name, counted from now on or, at a start, from the beginning. */
export interface NumberedCall {
  readonly call: string;
  /** Counted from 1; "3+" is the third and all that follow. */
  readonly nth: number | string;
}

/** strace's options to kill the process when it is about to make this call. */
export function killingOptions({ call, nth }: NumberedCall, log: string): string[] {
  return ['-y', '-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${nth}`, '-o', log];
}

/** Kills the process of a running thread when that thread is about to make this call. */
export function killAtCall(thread: number, step: NumberedCall, log: string): Promise<Attached> {
  return attach(thread, killingOptions(step, log));
}

/** Lets this one call of a running thread fail. */
export function failAtCall(thread: number, { call, nth }: NumberedCall, error: string): Promise<Attached> {
  const inject = `inject=${call}:error=${error}:when=${nth}`;
  return attach(thread, ['-e', `trace=${call}`, '-e', inject, '-o', '/dev/null']);
}

export interface Attached {
  /** Resolves when the traced thread has ended, or after `detach`. */
  readonly ended: Promise<void>;
  readonly detach: () => Promise<void>;
}

async function attach(pid: number, options: readonly string[]): Promise<Attached> {
  const strace = spawn('strace', [...options, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(strace, 'close').then(() => undefined);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    strace.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('attached')) resolve();
    });
    void ended.then(() => reject(new Error(`strace did not attach: ${said}`)));
  });
  const detach = async (): Promise<void> => {
    strace.kill('SIGINT');
    await ended;
  };
  return { ended, detach };
}

/** One completed system call. */
export interface SystemCall {
  /** Id of the thread that made it. */
  readonly thread: number;
  readonly name: string;
  /** Everything between the parentheses, descriptors shown as `5</path>`. */
  readonly text: string;
}

/** The calls of a log written by `strace -f -y -o` (without -f the thread is 0), in the order of their completion. */
export function parseCalls(log: string): SystemCall[] {
  const unfinished = new Map<string, string>();
  const calls: SystemCall[] = [];
  for (const line of log.split('\n')) {
    const [, pid = '', rest = ''] = /^(?:(\d+) +)?(.*)$/.exec(line) ?? [];
    const [, begun] = /^(.*) <unfinished \.\.\.>$/.exec(rest) ?? [];
    if (begun !== undefined) {
      unfinished.set(pid, begun);
      continue;
    }
    const [, ending] = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest) ?? [];
    const whole = ending === undefined ? rest : (unfinished.get(pid) ?? '') + ending;
    const [, name, text] = /^(\w+)\((.*)$/.exec(whole) ?? [];
    if (name !== undefined && text !== undefined) calls.push({ thread: Number(pid), name, text });
  }
  return calls;
}
