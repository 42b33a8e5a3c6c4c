import { describe, expect, it } from 'vitest';
import { quoteWord, Story } from '../../../src/lab/story.ts';

function tell(env: Record<string, string>, act: (story: Story) => void): string[] {
  const lines: string[] = [];
  act(new Story({ onText: (text) => lines.push(text), env }));
  return lines;
}

const HOP = { isTls: false, from: 'Hub', to: 'Edge', detail: 'certificate-expired' };

describe('the story', () => {
  it('says IN CLEAR beside an open lock, and TLS beside a closed one', () => {
    const lines = tell({ LANG: 'de_DE.UTF-8' }, (story) => {
      story.lock(HOP);
      story.lock({ ...HOP, isTls: true });
    });
    expect(lines[0]).toContain('🔓 IN CLEAR  Hub → Edge  certificate-expired');
    expect(lines[1]).toContain('🔒 TLS');
  });

  it.each([{ LANG: 'C' }, {}, { LC_ALL: 'POSIX', LANG: 'C.UTF-8' }, { LANG: 'C.UTF-8', NO_COLOR: '1' }] as Record<
    string,
    string
  >[])('keeps to ASCII where %o does not promise more', (env) => {
    const lines = tell(env, (story) => {
      story.lock(HOP);
      story.waits('привет');
      story.held('yes');
      story.broken('no');
      story.output('a\nb', (line) => line === 'a');
    });
    expect(lines.join('')).not.toMatch(/[^\x20-\x7e]/);
    expect(lines[0]).toContain('[ ] IN CLEAR  Hub -> Edge');
  });

  it('shows dots once where lines of an answer are left out', () => {
    const keep = (line: string): boolean => line.startsWith('+');
    const lines = tell({ LANG: 'C' }, (story) => story.output('+1\n2\n3\n+4\n5\n', keep));
    expect(lines).toEqual(['  +1', '  ...', '  +4', '  ...']);
  });

  it('folds a long line at its spaces without losing a word, and cuts one that has none', () => {
    const text = Array.from({ length: 60 }, (_, index) => `word${index}`).join(' ');
    const folded = tell({ LANG: 'C' }, (story) => story.output(text));
    expect(folded.length).toBeGreaterThan(2);
    expect(folded.every((line) => line.length < 120)).toBe(true);
    expect(folded.map((line) => line.trim()).join(' ')).toBe(text);
    expect(tell({ LANG: 'C' }, (story) => story.output('x'.repeat(500)))).toEqual([`  ${'x'.repeat(112)}...`]);
  });

  it.each([
    ['edge.xml', 'edge.xml'],
    ['-FileName', '-FileName'],
    ['Get-Queue | fl', "'Get-Queue | fl'"],
    ["the Edge's", `'the Edge'\\''s'`],
    ['$false', `'$false'`],
    ['', `''`],
  ])('types %s as a shell needs it', (word, typed) => {
    expect(quoteWord(word)).toBe(typed);
  });
});
