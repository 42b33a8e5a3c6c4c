import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getEventLog } from '../../../src/cmdlets/get-event-log.ts';
import type { ServerContext } from '../../../src/cmdlets/server-context.ts';
import { silentLog } from '../../../src/log.ts';
import { EventLog } from '../../../src/tracking/event-log.ts';
import { createEvent } from '../../../src/tracking/events.ts';
import { CHRISTMAS, makeContext, runCmdlet, StillClock } from '../../helpers/cmdlet-context.ts';

const MINUTE_MS = 60_000;
const started = createEvent('ServerStarted', { server: 'HUB01', role: 'hub', version: '0.1.0' });
const expired = createEvent('InternalTransportCertificateExpired', { thumbprint: 'AB12', notAfter: CHRISTMAS });
const mismatch = createEvent('FailedDirectTrustMatch', { server: 'EDGE01', thumbprint: 'CD34' });

describe('Get-EventLog', () => {
  let folder: string;
  let events: EventLog;
  let context: ServerContext;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-events-'));
    const clock = new StillClock();
    events = new EventLog({ folder, clock, log: silentLog(), version: '0.1.0' });
    context = makeContext({ clock, events });
    for (const event of [started, expired, mismatch]) {
      events.record(event);
      clock.nowMs += MINUTE_MS;
    }
  });

  afterEach(() => {
    events.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function found(typed: Record<string, string>): Promise<unknown[]> {
    const { records } = await runCmdlet(getEventLog, context, typed);
    return records.map((record) => record['EventId']);
  }

  it('is declared soundly', () => {
    expect(faultsOf(getEventLog)).toEqual([]);
  });

  it('shows what happened, when, and what is known about it', async () => {
    const { records } = await runCmdlet(getEventLog, context, { EventId: '12015' });
    expect(records).toEqual([
      {
        Time: new Date(CHRISTMAS.getTime() + MINUTE_MS),
        EntryType: 'Warning',
        Source: 'MSExchangeTransport',
        EventId: 12_015,
        InstanceId: 12_015,
        SymbolicName: 'InternalTransportCertificateExpired',
        Message: expired.message,
        Facts: { thumbprint: 'AB12', notAfter: CHRISTMAS.toISOString() },
        Suppressed: 0,
      },
    ]);
  });

  it.each<[Record<string, string>, readonly number[]]>([
    [{}, [mismatch.id, expired.id, started.id]],
    [{ LogName: 'application' }, [mismatch.id, expired.id, started.id]],
    [{ Newest: '2' }, [mismatch.id, expired.id]],
    [{ Source: 'RelayPair' }, [started.id]],
    [{ EntryType: 'information' }, [started.id]],
    [{ After: '2007-12-24 20:01' }, [mismatch.id, expired.id]],
    [{ Before: '2007-12-24 20:01' }, [expired.id, started.id]],
    [{ EventId: '1' }, []],
  ])('finds by %j: %j', async (typed, expected) => {
    expect(await found(typed)).toEqual(expected);
  });

  it.each<[Record<string, string>, RegExp]>([
    [{ LogName: 'Security' }, /"Security" is not one of Application/],
    [{ EntryType: 'Fatal' }, /is not one of Information, Warning, Error/],
    [{ Newest: '0' }, /0 is less than 1/],
  ])('refuses %j', async (typed, sentence) => {
    await expect(found(typed)).rejects.toThrow(sentence);
  });
});
