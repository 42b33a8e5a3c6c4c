// The text of a transcript, as Export-Capture -Transcript writes it, in lines. Pure.

export interface SaidLine {
  /** "12:00:00.123" */
  readonly at: string;
  readonly who: 'client' | 'server' | 'remark';
  readonly isEncrypted: boolean;
  readonly says: string;
}

const SIDES = { C: 'client', S: 'server', ' ': 'remark' } as const;

/** Lines that are none are left out. */
export function readTranscript(text: string): readonly SaidLine[] {
  return text.split('\n').flatMap((line): SaidLine[] => {
    const [, at, mark, lock, says] = /^(\d\d:\d\d:\d\d\.\d{3}) ([CS ])([# ]) (.*)$/s.exec(line) ?? [];
    if (at === undefined || says === undefined) return [];
    return [{ at, who: SIDES[mark as keyof typeof SIDES], isEncrypted: lock === '#', says }];
  });
}
