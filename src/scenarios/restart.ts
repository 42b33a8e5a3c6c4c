import { setTimeout as pause } from 'node:timers/promises';
import { arrivedWhole, nothingBounced } from './facts.ts';
import type { Scenario, Scene } from './scenario.ts';

const LETTER_BYTES = 3_000_000;
/** So much of the letter is on the Edge's disk or on its way there when the Edge is killed. */
const PART_BYTES = 500_000;
/** A limit against waiting for ever, not a measure. */
const LIMIT_MS = 30_000;

/** Lines that occur nowhere else, so that a doubled or a missing one shows. */
function largeText(): string {
  const lines = Array.from(
    { length: LETTER_BYTES / 60 },
    (_, number) => `${String(number).padStart(8, '0')} ${'.'.repeat(50)}`,
  );
  return lines.join('\n');
}

/** Waits until the letter is half way across, and kills the Edge as kill -9 does. */
async function killInTransfer({ pair }: Scene): Promise<void> {
  const crossed = (): number => pair.path('out').at(-1)?.passedBytes ?? 0;
  const limitMs = performance.now() + LIMIT_MS;
  while (crossed() < PART_BYTES && performance.now() < limitMs) await pause(5);
  await pair.edge.kill();
}

export const restart: Scenario = {
  name: 'restart',
  title: 'The Edge is killed in the middle of a message',
  about: [
    'The Hub is in the middle of sending a large letter when the Edge is killed, as by a power cut. What had crossed is worth nothing, since no 250 was given for it; the Hub still has the whole letter, and sends it again once the Edge is back. It arrives once, octet for octet.',
    'Here the Edge is a process of its own.',
  ],
  pair: { processes: ['edge'] },
  steps: [
    {
      tells:
        'A letter of three megabytes sets out, the path is slow, and the Edge is killed when a part of it is across.',
      act: async (scene) => {
        const { pair } = scene;
        await pair.meddle('edge', [{ do: 'throttle', at: 'ApplicationData', octetsPerSecond: 4_000_000 }]);
        await scene.send('large', { text: largeText() });
        await killInTransfer(scene);
      },
      letters: [{ letter: 'large', becomes: 'waiting', reason: 'direct-trust' }],
    },
    {
      tells: 'The Edge is started again, in the folder that it left. Its spool has no trace of half a letter.',
      commands: ['edge --config edge.yaml', `hub Retry-Queue -Filter "Status -eq 'Retry'"`],
      act: async ({ pair }) => {
        await pair.meddle('edge', []);
        await pair.edge.start();
        await pair.clock.advance('1m');
      },
      letters: [{ letter: 'large', becomes: 'encrypted', reason: 'direct-trust' }],
      facts: [
        arrivedWhole('large'),
        nothingBounced,
        {
          says: 'Test-Spool on the Edge finds nothing wrong',
          holds: async ({ pair }) => (await pair.ask('edge', 'Test-Spool')).length === 0,
        },
      ],
    },
  ],
};
