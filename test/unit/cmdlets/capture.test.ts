import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CaptureControl } from '../../../src/capture/capture-control.ts';
import { getCapture } from '../../../src/cmdlets/get-capture.ts';
import { removeCapture } from '../../../src/cmdlets/remove-capture.ts';
import { startCapture } from '../../../src/cmdlets/start-capture.ts';
import { stopCapture } from '../../../src/cmdlets/stop-capture.ts';
import { CaptureBench } from '../../helpers/capture-bench.ts';
import { makeContext, runCmdlet } from '../../helpers/cmdlet-context.ts';

let bench: CaptureBench;
beforeEach(() => {
  bench = new CaptureBench();
});
afterEach(() => bench.remove());

function context(isLab = true) {
  const folder = join(bench.folder, 'captures');
  return makeContext({ captureControl: new CaptureControl({ captures: bench.captures, folder, isLab }) });
}

describe('the cmdlets of captures', () => {
  it('begin, show and end a capture, and delete its files', async () => {
    const lab = context();
    const started = await runCmdlet(startCapture, lab, { MaxSize: '10MB', MaxDuration: '5m' });
    expect(started.records).toMatchObject([{ State: 'Capturing', MaxSize: { $size: 10 * 2 ** 20 } }]);
    expect(started.warnings?.[0]).toMatch(/can read the sessions, passwords among them/);
    const end = { host: '127.0.0.1', port: 25 };
    bench.captures.tap({ protocol: 'smtp', role: 'server', id: '1', local: end, remote: end });
    expect((await runCmdlet(getCapture, lab)).records).toMatchObject([
      { State: 'Capturing', Sessions: 1, OpenSessions: 1, StopCause: null, Files: [expect.stringMatching(/smtp-in/)] },
    ]);
    await expect(runCmdlet(startCapture, lab)).rejects.toMatchObject({ code: 'capture-runs' });
    expect((await runCmdlet(stopCapture, lab)).records).toMatchObject([{ State: 'Off', StopCause: 'asked' }]);
    await expect(runCmdlet(stopCapture, lab)).rejects.toMatchObject({ code: 'no-capture' });
    expect((await runCmdlet(removeCapture, lab)).notices?.[0]).toMatch(/^1 file deleted/);
    expect((await runCmdlet(getCapture, lab)).records).toMatchObject([{ State: 'Off', Files: [] }]);
  });

  it('refuse where people are served, in one sentence', async () => {
    await expect(runCmdlet(startCapture, context(false))).rejects.toMatchObject({
      code: 'not-a-laboratory',
      message: expect.stringMatching(/^this server serves people and captures nothing: .*--lab/),
    });
  });

  it.each([{ MaxSize: 'unlimited' }, { MaxSize: '0' }, { MaxDuration: '0s' }, { MaxDuration: '25h' }])(
    'refuse %o: a capture has an end',
    async (typed: Record<string, string>) => {
      await expect(runCmdlet(startCapture, context(), typed)).rejects.toMatchObject({ code: 'bad-value' });
      expect(bench.captures.status.order).toBeUndefined();
    },
  );
});
