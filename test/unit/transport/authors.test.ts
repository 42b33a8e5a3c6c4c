import { describe, expect, it } from 'vitest';
import { readAuthors } from '../../../src/transport/authors.ts';

describe('the authors of a message', () => {
  it.each<[string, string[]]>([
    [' ed@contoso.test', ['ed@contoso.test']],
    [' Ed <ed@contoso.test>', ['ed@contoso.test']],
    [' "jo@contoso.test" <ed@contoso.test>', ['ed@contoso.test']],
    [' =?utf-8?q?jo=40contoso.test?= <ed@contoso.test>', ['ed@contoso.test']],
    [' ed@contoso.test (jo@contoso.test)', ['ed@contoso.test']],
    [' ed@contoso.test, Jo <jo@contoso.test>', ['ed@contoso.test', 'jo@contoso.test']],
    [' Team: ed@contoso.test, jo@contoso.test;', ['ed@contoso.test', 'jo@contoso.test']],
    [' Größe <größe@contoso.test>', ['größe@contoso.test']],
    ['', []],
  ])('in %j are %j', (field, expected) => {
    expect(readAuthors([field])?.map(({ text }) => text)).toEqual(expected);
  });

  it.each([' Ed', ' <>', ' Ed <ed>', ' ed@contoso.test <>', ' <ed@contoso.test', ' ed@@contoso.test'])(
    'are nobody for certain in %j, or the one that every reader sees',
    (field) => {
      const authors = readAuthors([field]);
      expect(authors === undefined || authors.map(({ text }) => text).join() === 'ed@contoso.test').toBe(true);
    },
  );

  it('are those of every field', () => {
    expect(readAuthors([' ed@contoso.test', ' jo@contoso.test'])?.map(({ text }) => text)).toEqual([
      'ed@contoso.test',
      'jo@contoso.test',
    ]);
    expect(readAuthors([])).toEqual([]);
    expect(readAuthors(undefined)).toBeUndefined();
  });
});
