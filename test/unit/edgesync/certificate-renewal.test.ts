// The renewal of a server's own certificate over a directory and a store that survive the process: killed between any two
// steps, the next start goes on from there.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acknowledge, type RenewalState, stageCertificate } from '../../../src/directory/certificate-renewal.ts';
import type { OrganizationSnapshot } from '../../../src/directory/organization.ts';
import { CertificateRenewal } from '../../../src/edgesync/certificate-renewal.ts';
import { readinessOf } from '../../../src/edgesync/renewal-readiness.ts';
import { silentLog } from '../../../src/log.ts';
import type { Certificate } from '../../../src/tls/certificate.ts';
import type { CertificateStore } from '../../../src/tls/certificate-store.ts';
import type { EventLog } from '../../../src/tracking/event-log.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { makeCertificate } from '../directory/fixtures.ts';

const START = new Date('2026-06-01T00:00:00.000Z');
const GRACE_MS = 60_000;
const old = makeCertificate('hub01.corp.test');
const next = makeCertificate('hub01.corp.test');

/** What outlives the process. */
class World {
  readonly clock = new HandClock(START);
  readonly events: string[] = [];
  readonly stored = new Set([old.thumbprint, next.thumbprint]);
  state: RenewalState = { certificate: old };
  internal: Certificate = old;
  edges = ['EDGE01'];
  hubs = 1;
  /** The directory fails so many times more. */
  failures = 0;
  #renewal: CertificateRenewal | undefined;
  #listeners = new Set<() => void>();

  async start(): Promise<void> {
    this.#renewal = await CertificateRenewal.open({
      clock: this.clock,
      log: silentLog(),
      events: {
        record: ({ symbolicName }: { symbolicName: string }) => void this.events.push(symbolicName),
      } as unknown as EventLog,
      store: this.#store(),
      directory: {
        isStale: false,
        snapshot: () => this.snapshot(),
        onChange: (listener) => this.#listen(listener),
        renewCertificate: (change) => this.write(change),
      },
    });
  }

  /** As kill -9: what it scheduled and listened to is gone. */
  kill(): void {
    this.#renewal?.close();
    this.#listeners = new Set();
  }

  async settle(): Promise<void> {
    await this.#renewal?.look();
  }

  async write(change: (state: RenewalState) => RenewalState): Promise<void> {
    if (this.failures-- > 0) throw new Error('the directory is away');
    this.state = change(this.state);
    for (const listener of this.#listeners) listener();
  }

  stage(): Promise<void> {
    return this.write((state) => stageCertificate(state, next, { gracePeriodMs: GRACE_MS, now: this.clock.now() }));
  }

  acknowledge(server: string, inMs = 0): Promise<void> {
    const at = this.clock.now();
    const effective = new Date(at.getTime() + inMs);
    return this.write((state) => acknowledge(state, { server, sha256: next.sha256, at, effective }));
  }

  snapshot(): OrganizationSnapshot {
    const self = { name: 'HUB01', role: 'HubTransport', site: 'S', ...this.state };
    return {
      self,
      edges: this.edges.map((name) => ({ name, site: 'S' })),
      hubs: Array.from({ length: this.hubs }, () => self),
    } as unknown as OrganizationSnapshot;
  }

  get readiness() {
    return readinessOf(this.snapshot(), this.clock.now());
  }

  #listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #store(): CertificateStore {
    return {
      has: (thumbprint: string) => this.stored.has(thumbprint),
      get: () => ({ pendingRequest: false }),
      enable: () => undefined,
      internalTransport: () => ({ certificate: this.internal }),
      setInternalTransport: () => {
        this.internal = next;
      },
      onChange: (listener: () => void) => this.#listen(listener),
    } as unknown as CertificateStore;
  }
}

describe('CertificateRenewal', () => {
  let world: World;
  beforeEach(async () => {
    world = new World();
    await world.start();
  });
  afterEach(() => world.kill());

  it('keeps the current certificate until every Edge of the site has acknowledged the next', async () => {
    world.edges = ['EDGE01', 'EDGE02'];
    await world.stage();
    await world.acknowledge('EDGE01');
    await world.settle();
    expect(world.internal).toBe(old);
    expect(world.readiness).toEqual({ kind: 'waiting', servers: ['EDGE02'] });
    await world.acknowledge('EDGE02');
    await world.settle();
    expect(world.internal).toBe(next);
    expect(world.state).toMatchObject({ certificate: next, previousCertificate: old });
    expect(world.events).toEqual(['CertificateTakenOver']);
  });

  it('takes over at once when nobody has this server on record', async () => {
    world.edges = [];
    await world.stage();
    await world.settle();
    expect(world.state).toMatchObject({ certificate: next, previousCertificate: old });
  });

  it('waits until servers that share a directory have surely read it, by the clock', async () => {
    await world.stage();
    await world.acknowledge('EDGE01', 30_000);
    await world.settle();
    expect(world.readiness).toMatchObject({ kind: 'settling' });
    world.clock.advance(29_999);
    await world.settle();
    expect(world.internal).toBe(old);
    world.clock.advance(1);
    await world.settle();
    expect(world.internal).toBe(next);
  });

  it('waits a minute after staging where other hubs read the same AD', async () => {
    world.hubs = 2;
    await world.stage();
    await world.acknowledge('EDGE01');
    await world.settle();
    expect(world.readiness).toEqual({ kind: 'settling', until: new Date(START.getTime() + 60_000) });
    world.clock.advance(60_000);
    await world.settle();
    expect(world.internal).toBe(next);
  });

  it('withdraws the previous certificate when its grace period is over', async () => {
    await world.stage();
    await world.acknowledge('EDGE01');
    await world.settle();
    world.clock.advance(GRACE_MS - 1);
    await world.settle();
    expect(world.state.previousCertificate).toBe(old);
    world.clock.advance(1);
    await world.settle();
    expect(world.state.previousCertificate).toBeUndefined();
    expect(world.events).toEqual(['CertificateTakenOver', 'PreviousCertificateWithdrawn']);
  });

  it('does not take over what was refused', async () => {
    await world.stage();
    const refusal = { server: 'HUB01', sha256: next.sha256, at: START, effective: START, refused: 'no' };
    await world.write((state) => acknowledge(state, refusal));
    await world.settle();
    expect(world.internal).toBe(old);
    expect(world.readiness).toEqual({ kind: 'refused', server: 'HUB01', cause: 'no' });
  });

  it('takes a staged certificate off the record when its key is gone', async () => {
    await world.stage();
    world.stored.delete(next.thumbprint);
    await world.acknowledge('EDGE01');
    await world.settle();
    expect(world.state).toMatchObject({ certificate: old });
    expect(world.state.nextCertificate).toBeUndefined();
    expect(world.internal).toBe(old);
  });

  it('tries again when the directory is away', async () => {
    await world.stage();
    await world.acknowledge('EDGE01');
    world.failures = 1;
    await world.settle();
    world.clock.advance(30_000);
    await world.settle();
    expect(world.state.certificate).toBe(next);
  });

  // Each is the moment at which the process is killed.
  const CRASHES: Record<string, () => Promise<void>> = {
    'before anything was staged': async () => world.kill(),
    'after staging': async () => {
      await world.stage();
      world.kill();
    },
    'after the acknowledgement was written, before it was seen': async () => {
      await world.stage();
      world.kill();
      await world.acknowledge('EDGE01');
    },
    'after the store has the new one, before the directory says so': async () => {
      await world.stage();
      world.kill();
      await world.acknowledge('EDGE01');
      world.internal = next;
    },
    'after the takeover': async () => {
      await world.stage();
      await world.acknowledge('EDGE01');
      await world.settle();
      world.kill();
    },
    'during the grace period, for longer than it lasts': async () => {
      await world.stage();
      await world.acknowledge('EDGE01');
      await world.settle();
      world.kill();
      world.clock.advance(10 * GRACE_MS);
    },
  };

  it.each(Object.keys(CRASHES))('killed %s, it comes to the same end', async (moment) => {
    await CRASHES[moment]?.();
    await world.start();
    if (!world.state.nextCertificate && world.internal === old) await world.stage();
    await world.acknowledge('EDGE01');
    await world.settle();
    world.clock.advance(GRACE_MS);
    await world.settle();
    expect(world.internal).toBe(next);
    expect(world.state).toMatchObject({ certificate: next });
    expect([world.state.nextCertificate, world.state.previousCertificate]).toEqual([undefined, undefined]);
  });
});
