import { describe, expect, it, vi } from 'vitest';
import { remembered } from '../../src/remembered.ts';

const length = (text: string): number | undefined => (text === '' ? undefined : text.length);

describe('what is remembered', () => {
  it('is found once and told again, also where the answer is that there is none', () => {
    const find = vi.fn(length);
    const known = remembered(10, find);
    expect([known('edge'), known('edge'), known(''), known('')]).toEqual([4, 4, undefined, undefined]);
    expect(find).toHaveBeenCalledTimes(2);
  });

  it('is so many answers at most: the oldest is found anew', () => {
    const find = vi.fn(length);
    const known = remembered(2, find);
    for (const text of ['a', 'b', 'c', 'b', 'a']) known(text);
    expect(find.mock.calls.flat()).toEqual(['a', 'b', 'c', 'a']);
  });

  it('is no text that is longer than any name', () => {
    const find = vi.fn(length);
    const known = remembered(10, find);
    const text = 'x'.repeat(256);
    expect([known(text), known(text)]).toEqual([256, 256]);
    expect(find).toHaveBeenCalledTimes(2);
  });
});
