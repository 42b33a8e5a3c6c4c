import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatServiceLimits, parseServiceLimits } from '../../../src/smtp/service-limits.ts';

describe('LIMITS', () => {
  it.each([
    [undefined, {}],
    ['', {}],
    ['RCPTMAX=100', { rcptMax: 100 }],
    ['mailmax=1 rcptmax=2 RcptDomainMax=3', { mailMax: 1, rcptMax: 2, rcptDomainMax: 3 }],
    // One that is malformed counts as not said, and so does an unknown one; the others count.
    ['MAILMAX=0 RCPTMAX=007 RCPTDOMAINMAX=1000000', {}],
    ['MAILMAX RCPTMAX= FOO=1 RCPTDOMAINMAX=5', { rcptDomainMax: 5 }],
    ['RCPTMAX=5;6 MAILMAX=-1', {}],
    ['__proto__=1 constructor=1 RCPTMAX=5 RCPTMAX=6', { rcptMax: 5 }],
  ])('%j reads as %j', (text, limits) => {
    expect(parseServiceLimits(text)).toEqual(limits);
  });

  it('is read as it is written', () => {
    const count = fc.option(fc.integer({ min: 1, max: 999_999 }), { nil: undefined });
    fc.assert(
      fc.property(fc.record({ mailMax: count, rcptMax: count, rcptDomainMax: count }), (limits) => {
        const read = parseServiceLimits(formatServiceLimits(limits));
        expect({ mailMax: undefined, rcptMax: undefined, rcptDomainMax: undefined, ...read }).toEqual(limits);
      }),
    );
  });

  it('never says more than six digits, and reads anything without harm', () => {
    expect(formatServiceLimits({ rcptMax: 5_000_000 })).toBe('RCPTMAX=999999');
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const value of Object.values(parseServiceLimits(text))) {
          expect(value).toBeGreaterThanOrEqual(1);
          expect(value).toBeLessThanOrEqual(999_999);
        }
      }),
    );
  });
});
