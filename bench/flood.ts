// `npm run bench:flood`: an honest client's waits, and the memory and descriptors of the server, while a flood of one kind goes on. The
// flood comes from as many addresses as it takes for no limit of a source to hold it off. Everything runs on this machine,
// floods and client take CPU beside the server. Asserts nothing.
//   --floods a,b    which (all)       --seconds 20   of each
//   --write         the table goes into docs/performance-flood.md as well

import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { FLOODS, type FloodName } from './flood/floods.ts';
import { type Service, serveHonestly } from './flood/honest.ts';
import { openServer } from './flood/server.ts';
import { writeMeasured } from './measured-page.ts';

const { values } = parseArgs({
  options: {
    floods: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    write: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
/** No process of the flood needs more descriptors than it may have. */
const FLOODERS = 2;
/** More than the greatest flood has. */
const ROOM = 12_000;

interface Case {
  readonly text: string;
  readonly flood: FloodName | undefined;
  readonly room?: number;
}

const cases: readonly Case[] = [
  { text: 'none', flood: undefined },
  ...(Object.keys(FLOODS) as FloodName[])
    .filter((name) => values.floods === undefined || values.floods.split(',').includes(name))
    .flatMap((flood): Case[] => [
      { text: FLOODS[flood].text, flood },
      ...(flood === 'idle' ? [{ text: `the same, with room for ${ROOM}: all of them stand`, flood, room: ROOM }] : []),
    ]),
];

interface Measured extends Service {
  readonly residentMiB: number;
  readonly descriptors: number;
}

async function measure({ flood, room }: Case): Promise<Measured> {
  const server = await openServer(room);
  const flooders = Array.from({ length: flood ? FLOODERS : 0 }, (_, part) =>
    fork(new URL('flood/flooder.ts', import.meta.url), [
      String(flood),
      String(server.port),
      String(part),
      String(FLOODERS),
    ]),
  );
  let peak = server.measure();
  const look = (): void => {
    const { residentMiB, descriptors } = server.measure();
    peak = {
      residentMiB: Math.max(peak.residentMiB, residentMiB),
      descriptors: Math.max(peak.descriptors, descriptors),
    };
  };
  try {
    // The honest client comes from the first moment on: that the flood comes in is the worst of it.
    let coming = flooders.length;
    for (const child of flooders) child.once('message', () => (coming -= 1));
    const during: Service[] = [];
    while (coming > 0) during.push(await serveHonestly(server.port, 0.5, look));
    during.push(await serveHonestly(server.port, seconds, look));
    const gather = <T>(of: (service: Service) => readonly T[]): T[] => during.flatMap(of);
    return { ...peak, times: gather(({ times }) => times), refusals: gather(({ refusals }) => refusals) };
  } finally {
    for (const child of flooders) child.kill('SIGKILL');
    await server.close();
  }
}

function percentile(times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
}

const head = [
  'flood',
  'messages taken',
  'refused',
  'median wait, ms',
  'worst wait, ms',
  'worst, times the idle worst',
  'memory of the server, MiB',
  'its descriptors',
  'KiB for each connection',
];
const lines = [head, head.map(() => '---')];
let idleWorst = Number.NaN;
let idle = { residentMiB: Number.NaN, descriptors: Number.NaN };
/** Whether the connections of the flood stand, so that memory can be told of each; others come and go. */
function stands({ flood }: Case, connections: number): boolean {
  return flood !== undefined && connections >= FLOODS[flood].connections / 2;
}

for (const entry of cases) {
  const { times, refusals, residentMiB, descriptors } = await measure(entry);
  const worst = percentile(times, 1);
  if (entry.flood === undefined) {
    idleWorst = worst;
    idle = { residentMiB, descriptors };
  }
  const connections = descriptors - idle.descriptors;
  lines.push([
    entry.text,
    String(times.length),
    String(refusals.length),
    percentile(times, 0.5).toFixed(1),
    worst.toFixed(1),
    (worst / idleWorst).toFixed(1),
    residentMiB.toFixed(0),
    String(descriptors),
    stands(entry, connections) ? (((residentMiB - idle.residentMiB) * 1024) / connections).toFixed(1) : '',
  ]);
  process.stderr.write(`bench: ${lines.at(-1)?.join(' | ')} ${[...new Set(refusals)].slice(0, 3).join('; ')}\n`);
}
const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
process.stdout.write(`${table}\n`);
if (values.write) writeMeasured('performance-flood.md', 'npm run bench:flood', table);
