import { describe, expect, it } from 'vitest';
import { completeLine } from '../../../src/shell/candidates.ts';
import { HUB_CMDLETS } from '../../../src/cmdlets/cmdlets.ts';

function complete(line: string): string[] {
  return completeLine(line, HUB_CMDLETS)[0];
}

describe('completeLine', () => {
  it.each([
    ['get-qu', ['Get-Queue']],
    ['hel', ['help']],
    ['help get-qu', ['Get-Queue']],
    ['Get-Queue -fil', ['-Filter']],
    ['Get-DecisionCard -Outcome d', ['delivered', 'deferred']],
    ['Get-Queue --js', ['--json']],
    ['Get-Queue | wh', ['where']],
    ['Get-Queue | where Mess', ['MessageCount']],
    ['Get-Queue | where MessageCount -g', ['-gt', '-ge']],
    ['Get-Queue | sort MessageCount | select Ident', ['Identity']],
    ['No-Such -', []],
  ])('%j', (line, expected) => {
    expect(complete(line)).toEqual(expected);
  });

  it('replaces the last word alone', () => {
    expect(completeLine('Get-Queue | where Mess', HUB_CMDLETS)[1]).toBe('Mess');
  });

  it('offers all cmdlets where nothing is typed', () => {
    expect(complete('').length).toBe(HUB_CMDLETS.length + 2);
  });
});
