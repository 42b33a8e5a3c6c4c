import { describe, expect, it } from 'vitest';
import { BlockPool } from '../../../src/spool/body-blocks.ts';

const SIZE = 1024;

describe('a pool of blocks', () => {
  it('lends a block again that was given back', () => {
    const pool = new BlockPool({ sizeBytes: SIZE, mostFree: 2 });
    const block = pool.take();
    pool.giveBack(block);
    expect(pool.take().buffer).toBe(block.buffer);
  });

  it('never lends one block to two', () => {
    const pool = new BlockPool({ sizeBytes: SIZE, mostFree: 2 });
    const block = pool.take();
    pool.giveBack(block);
    pool.giveBack(block);
    expect(pool.take().buffer).not.toBe(pool.take().buffer);
  });

  it('leaves alone what is part of a block or none of its own', () => {
    const pool = new BlockPool({ sizeBytes: SIZE, mostFree: 2 });
    const block = pool.take();
    const stranger = Buffer.alloc(SIZE);
    pool.giveBack(block.subarray(0, SIZE - 1));
    pool.giveBack(stranger);
    expect([block.buffer, stranger.buffer]).not.toContain(pool.take().buffer);
  });

  it('keeps no more than it was told', () => {
    const pool = new BlockPool({ sizeBytes: SIZE, mostFree: 1 });
    const blocks = [pool.take(), pool.take()];
    for (const block of blocks) pool.giveBack(block);
    const again = [pool.take(), pool.take()].map(({ buffer }) => buffer);
    expect(blocks.filter(({ buffer }) => again.includes(buffer))).toHaveLength(1);
  });
});
