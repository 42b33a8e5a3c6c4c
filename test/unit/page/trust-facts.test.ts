// Whether the two sides would trust each other, from what each of them answers.

import { describe, expect, it } from 'vitest';
import {
  groupThumbprint,
  judgeOwnership,
  listOwnerships,
  placeOn,
  spanOf,
  type TrustAnswer,
} from '../../../src/page/trust-facts.ts';

const NOW = Date.parse('2027-06-01T00:00:00.000Z');

function certificate(name: string, year = 2027): Record<string, unknown> {
  return {
    Thumbprint: `${name}00`,
    Sha256: name,
    NotBefore: `${year}-01-01T00:00:00.000Z`,
    NotAfter: `${year + 1}-01-01T00:00:00.000Z`,
  };
}

function row(server: string, name: string, year?: number): Record<string, unknown> {
  return { Server: server, Certificate: 'Current', State: 'matches', ...certificate(name, year) };
}

function answer(
  server: string,
  role: 'hub' | 'edge',
  shown: string,
  ...status: Record<string, unknown>[]
): TrustAnswer {
  const certificates = [
    { ...certificate('UNUSED'), Services: 'None', Renewal: '' },
    { ...certificate(shown), Services: 'SMTP', Renewal: 'Current' },
  ];
  return { server, role, status, certificates };
}

function verdictsOf(...answers: TrustAnswer[]): Record<string, string> {
  return Object.fromEntries(listOwnerships(answers).map((each) => [each.owner, judgeOwnership(each, NOW)]));
}

describe('judgeOwnership', () => {
  it('agrees where both directories have what is shown', () => {
    const edge = answer('EDGE01', 'edge', 'E1', row('EDGE01', 'E1'), row('HUB01', 'H1'));
    const hub = answer('HUB01', 'hub', 'H1', row('HUB01', 'H1'), row('EDGE01', 'E1'));
    expect(verdictsOf(edge, hub)).toEqual({ EDGE01: 'agreed', HUB01: 'agreed' });
    expect(listOwnerships([edge, hub])[0]?.copies.map(({ directory }) => directory)).toEqual(['ADAM', 'AD']);
  });

  it('sees a mismatch: one side has another certificate on record', () => {
    const edge = answer('EDGE01', 'edge', 'E2', row('EDGE01', 'E2'), row('HUB01', 'H1'));
    const hub = answer('HUB01', 'hub', 'H1', row('HUB01', 'H1'), row('EDGE01', 'E1'));
    expect(verdictsOf(edge, hub)).toEqual({ EDGE01: 'mismatch', HUB01: 'agreed' });
  });

  it('takes a staged certificate that the other side has already for known', () => {
    const staged = { ...row('HUB01', 'H2'), Certificate: 'Next' };
    const edge = answer('EDGE01', 'edge', 'E1', row('EDGE01', 'E1'), row('HUB01', 'H1'), staged);
    const hub = answer('HUB01', 'hub', 'H2', row('HUB01', 'H2'), row('EDGE01', 'E1'));
    expect(verdictsOf(edge, hub)['HUB01']).toBe('agreed');
  });

  it('says what is out of its dates, unknown there, or known from one side only', () => {
    const hub = answer('HUB01', 'hub', 'H1', row('HUB01', 'H1'), row('EDGE01', 'E1'));
    const old = { ...certificate('H1', 2025), Services: 'SMTP', Renewal: 'Current' };
    const edge = answer('EDGE01', 'edge', 'E1', row('EDGE01', 'E1'), row('HUB01', 'H1', 2025));
    expect(verdictsOf({ ...hub, certificates: [old] }, edge)['HUB01']).toBe('expired');
    const young = { ...certificate('H1', 2029), Services: 'SMTP', Renewal: 'Current' };
    expect(verdictsOf({ ...hub, certificates: [young] }, edge)['HUB01']).toBe('not-yet-valid');
    expect(verdictsOf(hub, answer('EDGE01', 'edge', 'E1', row('EDGE01', 'E1')))['HUB01']).toBe('unknown-there');
    expect(verdictsOf(hub)['HUB01']).toBe('incomplete');
  });
});

describe('a time line', () => {
  it('holds every certificate and now', () => {
    const span = spanOf([{ thumbprint: '', sha256: '', notBefore: NOW - 1000, notAfter: NOW + 1000 }], NOW + 5000);
    expect(span.from).toBeLessThan(NOW - 1000);
    expect(span.to).toBeGreaterThan(NOW + 5000);
    expect([placeOn(span, span.from), placeOn(span, span.to), placeOn(span, 0)]).toEqual([0, 1, 0]);
  });

  it('groups a thumbprint by fours', () => {
    expect(groupThumbprint('373CE5E4')).toBe('373C E5E4');
  });
});
