import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerEvent } from '../../../src/tracking/events.ts';
import { Metrics } from '../../../src/tracking/metrics.ts';
import { ResourceMonitor } from '../../../src/transport/resource-monitor.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { keptLog } from '../../helpers/kept-log.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const SAMPLE_MS = 2000;

describe('ResourceMonitor', () => {
  let clock: HandClock;
  let events: ServerEvent[];
  let metrics: Metrics;
  let monitor: ResourceMonitor;
  let freeBytes: number;
  let logFreeBytes: number;
  let memoryPercent: number;
  let submissionLength: number;
  let submissionMedium: number;
  let isBroken: boolean;
  const limits = {
    diskMedium: 500 * MIB,
    diskHigh: 200 * MIB,
    memoryMedium: 72,
    memoryHigh: 75,
    submissionHigh: 200,
  };

  beforeEach(async () => {
    clock = new HandClock();
    events = [];
    metrics = new Metrics();
    [freeBytes, memoryPercent, submissionLength, isBroken] = [50 * GIB, 20, 0, false];
    logFreeBytes = 50 * GIB;
    submissionMedium = 100;
    monitor = new ResourceMonitor({
      clock,
      log: keptLog().log,
      events: { record: (event) => void events.push(event) },
      metrics,
      limits: () => ({ ...limits, submissionMedium }),
      resources: {
        spoolDisk: () => ({ totalBytes: 100 * GIB, freeBytes }),
        logDisk: () => {
          if (isBroken) throw new Error('EIO');
          return { totalBytes: 100 * GIB, freeBytes: logFreeBytes };
        },
        memoryPercent: () => memoryPercent,
        submissionLength: async () => submissionLength,
      },
    });
    await monitor.start();
  });

  afterEach(() => monitor.close());

  /** Lets `times` measurements happen. */
  async function measure(times = 1): Promise<void> {
    for (let time = 0; time < times; time++) {
      clock.advance(SAMPLE_MS);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  const names = (): string[] => events.map(({ symbolicName, facts }) => `${symbolicName} ${String(facts['to'])}`);

  it('goes up with the disk at once and down again by itself, and says so once for each step', async () => {
    expect(monitor.pressure()).toEqual({ level: 'Normal', roomBytes: 50 * GIB - 200 * MIB });
    freeBytes = 400 * MIB;
    await measure(3);
    expect(monitor.pressure()).toEqual({ level: 'Medium', roomBytes: 200 * MIB });
    freeBytes = 100 * MIB;
    await measure();
    expect(monitor.pressure()).toEqual({ level: 'High', roomBytes: -100 * MIB });
    freeBytes = 10 * GIB;
    await measure();
    expect(monitor.pressure().level).toBe('Normal');
    expect(names()).toEqual([
      'ResourcePressureIncreased Medium',
      'ResourcePressureIncreased High',
      'DiskSpaceExhausted High',
      'ResourcePressureDecreased Normal',
    ]);
  });

  it('tells of each measurement, with the level that it gave', async () => {
    const levels: string[] = [];
    const cancel = monitor.onSample(() => levels.push(monitor.pressure().level));
    freeBytes = 100 * MIB;
    await measure();
    freeBytes = 50 * GIB;
    await measure();
    cancel();
    await measure();
    expect(levels).toEqual(['High', 'Normal']);
  });

  it('takes a short burst of memory for none, and a lasting one for what it is', async () => {
    memoryPercent = 80;
    await measure(4);
    expect(monitor.pressure().level).toBe('Normal');
    memoryPercent = 20;
    await measure();
    memoryPercent = 80;
    await measure(4);
    expect(monitor.pressure().level).toBe('Normal');
    await measure();
    expect(monitor.pressure().level).toBe('High');
    memoryPercent = 50;
    await measure();
    expect(monitor.pressure().level).toBe('Normal');
  });

  it('tells of a full disk of records and refuses nobody for it', async () => {
    logFreeBytes = 0;
    await measure();
    expect(monitor.pressure().level).toBe('Normal');
    expect(monitor.states().find(({ name }) => name === 'UsedDiskSpace[Logs]')?.level).toBe('High');
  });

  it('watches the submission queue', async () => {
    submissionLength = 150;
    await measure(10);
    expect(monitor.pressure().level).toBe('Medium');
  });

  it.each([1, 2, 3])(
    'ends the level of a threshold of %d messages once the submission queue is empty',
    async (threshold) => {
      submissionMedium = threshold;
      submissionLength = threshold + 1;
      await measure(10);
      expect(monitor.pressure().level).toBe('Medium');
      submissionLength = 0;
      await measure();
      expect(monitor.pressure().level).toBe('Normal');
    },
  );

  it('keeps the level of what cannot be measured, and goes on with the rest', async () => {
    isBroken = true;
    freeBytes = 100 * MIB;
    await measure();
    expect(monitor.pressure().level).toBe('High');
    expect(monitor.states().map(({ name }) => name)).toContain('UsedDiskSpace[Logs]');
  });

  it('shows the level of each resource as a metric', async () => {
    freeBytes = 100 * MIB;
    await measure();
    const samples = await metrics.read();
    const values = samples.filter(({ name }) => name === 'relaypair_resource_pressure');
    expect(Object.fromEntries(values.map(({ labels, value }) => [labels['resource'], value]))).toEqual({
      'UsedDiskSpace[Spool]': 2,
      'UsedDiskSpace[Logs]': 0,
      PrivateBytes: 0,
      SubmissionQueueLength: 0,
    });
  });

  it('measures no more once it is closed', async () => {
    monitor.close();
    freeBytes = 0;
    await measure(3);
    expect(monitor.pressure().level).toBe('Normal');
  });
});
