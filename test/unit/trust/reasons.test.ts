import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainReason, REASONS, type Reason } from '../../../src/trust/reasons.ts';

describe('the closed list of reasons', () => {
  it('is explained in docs/trust.md, each reason with the words of the code and none besides', () => {
    const page = readFileSync(new URL('../../../docs/trust.md', import.meta.url), 'utf8');
    const section = page.slice(page.indexOf('## The reasons'));
    const documented = Object.fromEntries(
      [...section.matchAll(/^\| `([a-z-]+)` \| (.+) \|$/gm)].map(([, name, text]) => [name, text]),
    );
    expect(documented).toEqual(REASONS);
  });

  it('gives a sentence for people', () => {
    for (const reason of Object.keys(REASONS) as Reason[]) expect(explainReason(reason).length).toBeGreaterThan(20);
  });
});
