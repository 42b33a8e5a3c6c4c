import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { SuspendedQueues } from '../../../src/transport/suspended-queues.ts';

describe('SuspendedQueues', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-queues-'));
    path = join(folder, 'queues.json');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('remembers over a restart', () => {
    const queues = new SuspendedQueues(path, silentLog());
    queues.add('edge:1');
    queues.add('edge:2');
    expect([queues.delete('edge:1'), queues.delete('edge:1')]).toEqual([true, false]);
    const again = new SuspendedQueues(path, silentLog());
    expect([again.has('edge:1'), again.has('edge:2')]).toEqual([false, true]);
  });

  it.each(['', '{', '{"format":9,"suspended":["edge:1"]}'])(
    'suspends nothing when it cannot read its file: %j',
    (text) => {
      writeFileSync(path, text);
      expect(new SuspendedQueues(path, silentLog()).has('edge:1')).toBe(false);
    },
  );

  it('changes nothing that it cannot keep', () => {
    const queues = new SuspendedQueues(join(folder, 'not-there', 'queues.json'), silentLog());
    expect(() => queues.add('edge:1')).toThrow(/not-there.*cannot be written/);
    expect(queues.has('edge:1')).toBe(false);
  });
});
