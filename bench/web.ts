// `npm run bench:web`: what the page costs whoever looks at it, and the servers. Asserts nothing.
//   --seconds 60      how long the page and the readers are fed     --per-second 500   messages a second
//   --rounds 12       throughput with and without the page, in turns; 0 leaves it out   --pass 4   aimed seconds of each
//   --warm-up 1000    messages before that, which are not counted; of them or of later ones some are replayed
//   --mail DIR        replays what the pair in this folder wrote down, and starts none: without its throughput
//   --write           what was measured goes into docs/performance-web.md as well
// The octets until the first paint; the page while recorded mail is replayed to it at that rate; the throughput of a real pair with
// nobody looking, with a reader as the page is one, and with the page in a browser on the same machine, which gets the processors
// last or as everybody does; the memory of a server whose readers do not read.

import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Pair } from '../test/helpers/pair.ts';
import { HelperProcess } from './pair/helper-process.ts';
import { BenchBrowser } from './web/browser.ts';
import { readRecordedMail } from './web/recorded-mail.ts';
import { Replays } from './web/replays.ts';
import { formatReport, type Report } from './web/report.ts';
import { measureThroughput } from './web/throughput.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    'per-second': { type: 'string', default: '500' },
    rounds: { type: 'string', default: '12' },
    pass: { type: 'string', default: '4' },
    'warm-up': { type: 'string', default: '1000' },
    mail: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const seconds = readNumber('seconds', values.seconds);
const perSecond = readNumber('per-second', values['per-second']);
const rounds = readNumber('rounds', values.rounds, 0);
const warmUp = readNumber('warm-up', values['warm-up']);
const passSeconds = readNumber('pass', values.pass);
/** Of the mail that went through the real pair, so much is replayed again and again. */
const RECORDED = 300;

const browser = await BenchBrowser.open();
const loadBefore = loadavg()[0] ?? 0;
try {
  const made = formatReport(await measure());
  process.stdout.write(`${made}\n`);
  if (values.write) writeReport(made);
} finally {
  await browser.close();
}

async function measure(): Promise<Report> {
  if (values.mail !== undefined) {
    const folders = { hub: join(values.mail, 'hub'), edge: join(values.mail, 'edge') };
    return { throughput: [], ...(await measureReplays(readRecordedMail(folders, RECORDED))), perSecond };
  }
  const sink = new HelperProcess('./sink.ts');
  const smartHostPort = Number(await sink.line());
  const pair = await Pair.up({ page: true, smartHostPort, acceptedDomains: ['bench.test'] });
  try {
    const throughput = await measureThroughput({ pair, sink, browser, rounds, warmUp, seconds: passSeconds, note });
    const { hub, edge } = pair.ready;
    const mail = readRecordedMail({ hub: hub.folder, edge: edge.folder }, RECORDED);
    await pair[Symbol.asyncDispose]();
    return { throughput, ...(await measureReplays(mail)), perSecond };
  } finally {
    await pair[Symbol.asyncDispose]();
    sink.end();
  }
}

async function measureReplays(
  mail: ReturnType<typeof readRecordedMail>,
): Promise<Omit<Report, 'throughput' | 'perSecond'>> {
  const replays = await Replays.open(mail);
  try {
    const paint = await browser.firstPaint(replays.address);
    note(`first paint after ${paint.compressedBytes} octets`);
    const load = { perSecond, seconds };
    await replays.run({ perSecond, seconds: Math.min(10, seconds) });
    const page = await browser.show(replays.address, 'stage');
    const pages = [{ view: 'stage', ...(await replays.watch(page, load)) }];
    note(`stage: ${JSON.stringify(pages[0]?.cost)}`);
    for (const view of ['queues', 'tracking', 'events', 'trust'] as const) {
      await page.page.locator(`nav a[href="#/${view}"]`).click();
      pages.push({ view, ...(await replays.watch(page, { perSecond, seconds: Math.min(15, seconds) })) });
      note(`${view}: ${JSON.stringify(pages.at(-1)?.cost)}`);
    }
    await page.page.close();
    const readers = await replays.measureReaders({ perSecond, seconds: Math.min(30, seconds) });
    return { paint, pages, readers };
  } finally {
    replays.close();
  }
}

/** Replaces what stands between the two marks of the page. */
function writeReport(made: string): void {
  const page = new URL('../docs/performance-web.md', import.meta.url);
  const [begin, end] = ['<!-- measured -->', '<!-- end of measured -->'];
  const text = readFileSync(page, 'utf8');
  const machine = `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const command = ['npm run bench:web --', ...process.argv.slice(2)].join(' ');
  const load = `load ${loadBefore.toFixed(1)} before and ${(loadavg()[0] ?? 0).toFixed(1)} at the end`;
  const head = `${new Date().toISOString().slice(0, 10)}, ${machine}, ${load}, Linux ${release()}, Node ${process.versions.node}: \`${command}\``;
  writeFileSync(
    page,
    `${text.slice(0, text.indexOf(begin) + begin.length)}\n\n${head}\n\n${made}\n\n${text.slice(text.indexOf(end))}`,
  );
}

function readNumber(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  note(`--${name} is a whole number from ${least} on, and not "${text}"`);
  process.exit(1);
}

function note(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
