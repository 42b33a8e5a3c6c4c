// What the cmdlets of captures show of them.

import type { CaptureControl } from '../capture/capture-control.ts';
import { type OutputRecord, sizeValue } from './output.ts';

/** The capture that runs, or the one that ended last, and all files that there are. */
export function captureRecord(control: CaptureControl): OutputRecord {
  const { order, stopCause, sizeBytes, sessions, openSessions } = control.status;
  return {
    State: order ? 'Capturing' : 'Off',
    Folder: control.folder,
    StartedAt: order?.startedAt ?? null,
    EndsAt: order ? new Date(order.startedAt.getTime() + order.maxDurationMs) : null,
    MaxSize: order ? sizeValue(order.maxSizeBytes) : null,
    Size: sizeValue(sizeBytes),
    Sessions: sessions,
    OpenSessions: openSessions,
    StopCause: stopCause ?? null,
    Files: control.files(),
  };
}

/** To whoever begins or ends one. */
export function describeDanger({ folder }: CaptureControl): string {
  return `whoever has the files in ${folder} can read the sessions, passwords among them: delete them with Remove-Capture when you are done`;
}
