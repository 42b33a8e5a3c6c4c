import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, suggest } from '../../../src/cmdlets/suggestion.ts';

const words = ['Get-Queue', 'Retry-Queue', 'New-EdgeSubscription', 'Get-EdgeSubscription'];

describe('suggest', () => {
  it.each([
    ['get-queue', 'Get-Queue'],
    ['Get-Qeueu', 'Get-Queue'],
    ['New-EdgeSubscripton', 'New-EdgeSubscription'],
    ['Get-EdgSubscriptions', 'Get-EdgeSubscription'],
    ['xyz', undefined],
    ['', undefined],
  ])('answers %j with %j', (word, found) => {
    expect(suggest(word, words)).toBe(found);
  });

  it('finds a word again after any one letter was lost', () => {
    fc.assert(
      fc.property(fc.constantFrom(...words), fc.nat(8), (word, index) => {
        expect(suggest(word.slice(0, index) + word.slice(index + 1), words)).toBe(word);
      }),
    );
  });

  it('ends a sentence with the near word, or with nothing', () => {
    expect(didYouMean('Sit', ['Site'], '-')).toBe('; did you mean -Site?');
    expect(didYouMean('FileName', ['Site'], '-')).toBe('');
  });
});
