// `relaypair prove --as server` on a client that others wrote: what Postfix does with mail when TLS breaks is found out from outside,
// letter by letter, at two of its security levels (docs/prove/README.md).

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatEndpoint } from '../../src/config.ts';
import type { Report } from '../../src/prove/matrix.ts';
import { relaypair } from '../helpers/pair.ts';
import { requirePeer, requireRoot } from '../helpers/peers.ts';
import { PEERS } from '../prove/peers.ts';

const EVENTS = ['clean', 'stripped', 'refused-502', 'unknown-expired'];
const isPossible = requirePeer('postfix') && requireRoot();

describe.skipIf(!isPossible)('the proof of Postfix as a client', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('tells what goes in TLS, what in clear, what waits and what is returned', { timeout: 300_000 }, async () => {
    const peer = await PEERS['postfix-client']?.();
    if (typeof peer !== 'object' || peer.subject.kind !== 'client') throw new Error('there is no Postfix');
    const { listen, bounces, submit } = peer.subject;
    try {
      const places = ['--listen', formatEndpoint(listen), '--submit', formatEndpoint(submit)];
      const returned = bounces ? ['--bounces', formatEndpoint(bounces)] : [];
      const columns = peer.policies.flatMap((id) => ['--policy', id]);
      const rows = EVENTS.flatMap((id) => ['--event', id]);
      const words = ['prove', '--as', 'server', ...places, ...returned, ...columns, ...rows, '--wait', '15s'];
      const ran = await relaypair([...words, '--report', 'report', '--json'], { cwd: folder });
      expect(ran.code, ran.stderr).toBe(0);
    } finally {
      await peer.close();
    }
    const { subject, matrices } = JSON.parse(readFileSync(join(folder, 'report', 'report.json'), 'utf8')) as Report;
    expect(subject).toBe('a client');
    const found = matrices.flatMap(({ cells }) => cells).map((cell) => [`${cell.policy} ${cell.event}`, cell.outcome]);
    expect(Object.fromEntries(found)).toEqual({
      'may clean': 'tls',
      'may stripped': 'clear',
      'may refused-502': 'clear',
      'may unknown-expired': 'tls',
      'encrypt clean': 'tls',
      'encrypt stripped': 'waits',
      'encrypt refused-502': 'bounced',
      'encrypt unknown-expired': 'tls',
    });
    const [waited] = matrices
      .flatMap(({ cells }) => cells)
      .filter((cell) => cell.policy === 'encrypt' && cell.event === 'stripped');
    // Once nothing was done any more.
    expect(waited?.remarks.slice(1)).toEqual(['it arrived once nothing was done any more']);
    expect(waited?.connections.length).toBeGreaterThan(0);
  });
});
