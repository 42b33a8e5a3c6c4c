import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CaptureControl } from '../../../src/capture/capture-control.ts';
import { readCapture } from '../../../src/capture/capture-reader.ts';
import type { CaptureCount, CapturesOptions, CaptureStatus } from '../../../src/capture/captures.ts';
import type { TappedConnection } from '../../../src/capture/tap.ts';
import { CaptureBench } from '../../helpers/capture-bench.ts';

const connection: TappedConnection = {
  protocol: 'smtp',
  role: 'server',
  id: 'session-1',
  local: { host: '192.0.2.1', port: 25 },
  remote: { host: '198.51.100.9', port: 40_000 },
};

const benches: CaptureBench[] = [];
afterEach(() => {
  for (const bench of benches.splice(0)) bench.remove();
  vi.useRealTimers();
});

function makeBench(options: Partial<CapturesOptions> = {}): CaptureBench {
  const bench = new CaptureBench(options);
  benches.push(bench);
  return bench;
}

function watch({ captures }: CaptureBench): CaptureStatus[] {
  const seen: CaptureStatus[] = [];
  captures.onChange((status) => seen.push(status));
  return seen;
}

async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

describe('Captures', () => {
  it('watches nobody until it is told to, nor after', () => {
    const bench = makeBench();
    expect(bench.captures.tap(connection)).toBeUndefined();
    bench.start();
    expect(bench.captures.tap(connection)).toBeDefined();
    bench.captures.stop('asked');
    expect(bench.captures.tap(connection)).toBeUndefined();
  });

  it('gives each session a file of its own that its owner alone can read', () => {
    const bench = makeBench({ prefix: 'worker2-' });
    bench.start();
    bench.captures.tap(connection);
    bench.captures.tap({ ...connection, protocol: 'ldap', role: 'client' });
    const files = bench.finish();
    expect(files).toEqual([
      expect.stringMatching(/-worker2-1-smtp-in\.pcapng$/),
      expect.stringMatching(/-worker2-2-ldap-out\.pcapng$/),
    ]);
    for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('ends by itself at its size, and says so where it stopped', async () => {
    const bench = makeBench();
    const seen = watch(bench);
    bench.start({ maxSizeBytes: 20_000 });
    const session = bench.captures.tap(connection);
    for (let count = 0; count < 30; count += 1) {
      session?.received(Buffer.alloc(1000, 'x'));
      await turn();
    }
    expect(seen.map(({ stopCause }) => stopCause)).toEqual([undefined, 'size']);
    const [file = ''] = bench.files();
    const { size } = statSync(file);
    expect(size).toBeGreaterThan(20_000);
    expect(size).toBeLessThan(22_000);
    const octets = [...readCapture(file)].map((part) => (part.kind === 'block' ? part.octets : Buffer.alloc(0)));
    expect(octets.reduce((sum, block) => sum + block.length, 0)).toBe(size);
    expect(octets.at(-1)?.toString()).toContain('{"captureStopped":"size"}');
    expect(bench.captures.tap(connection)).toBeUndefined();
  });

  it('ends by itself when its time is up', () => {
    vi.useFakeTimers();
    const bench = makeBench();
    const seen = watch(bench);
    bench.start({ maxDurationMs: 60_000 });
    vi.advanceTimersByTime(59_000);
    expect(seen).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    expect(seen.map(({ stopCause }) => stopCause)).toEqual([undefined, 'time']);
  });

  it('counts what another process writes on the same order', async () => {
    const counts: CaptureCount[] = [];
    const [owner, worker] = [makeBench(), makeBench({ onCount: (count) => counts.push(count) })];
    owner.start({ maxSizeBytes: 2000 });
    worker.captures.follow(owner.captures.status.order);
    const session = worker.captures.tap(connection);
    session?.received(Buffer.alloc(2000));
    for (const count of counts) owner.captures.add(count);
    await turn();
    expect(owner.captures.status).toMatchObject({ order: undefined, stopCause: 'size', sessions: 1 });
    worker.captures.follow(owner.captures.status.order);
    expect(worker.captures.status.order).toBeUndefined();
  });

  it('disturbs no session when a file cannot be made', () => {
    const bench = makeBench();
    bench.captures.start({
      folder: join(bench.folder, 'missing'),
      startedAt: new Date(),
      maxDurationMs: 1000,
      maxSizeBytes: 1000,
    });
    expect(bench.captures.tap(connection)).toBeUndefined();
    expect(bench.captures.tap({ ...connection, remote: { host: '', port: 0 } })).toBeUndefined();
  });
});

describe('CaptureControl', () => {
  function control(isLab: boolean): { bench: CaptureBench; control: CaptureControl } {
    const bench = makeBench();
    const folder = join(bench.folder, 'captures');
    return { bench, control: new CaptureControl({ captures: bench.captures, folder, isLab }) };
  }
  const limits = { maxSizeBytes: 1_000_000, maxDurationMs: 60_000 };

  it('refuses where people are served, and hands out no tap there', () => {
    const { control: serious } = control(false);
    expect(() => serious.start(limits)).toThrow(expect.objectContaining({ code: 'not-a-laboratory' }));
    expect(serious.tap).toBeUndefined();
  });

  it('makes its folder private, runs once at a time, and deletes what it made', () => {
    const { bench, control: lab } = control(true);
    chmodSync(bench.folder, 0o755);
    lab.start(limits);
    expect(statSync(lab.folder).mode & 0o777).toBe(0o700);
    lab.tap?.(connection);
    expect(() => lab.start(limits)).toThrow(expect.objectContaining({ code: 'capture-runs' }));
    expect(() => lab.remove()).toThrow(expect.objectContaining({ code: 'capture-runs' }));
    lab.stop();
    expect(() => lab.stop()).toThrow(expect.objectContaining({ code: 'no-capture' }));
    expect(lab.files()).toHaveLength(1);
    expect(lab.remove()).toBe(1);
    expect(lab.files()).toEqual([]);
  });
});
