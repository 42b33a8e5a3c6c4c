// The page and what it holds now as one file: what its servers told is on their tapes, what its views ask is asked once more, and
// the page's own script and style are fetched from where they came.

import { Api, type Parameters } from './api.ts';
import { saveFile } from './download.ts';
import { journeys, servers } from './pair.ts';
import { remember } from './recorded-api.ts';
import { type KnownAnswer, makeRecording, type RecordedScenario, writeRecording } from './recording.ts';
import type { Server } from './server.ts';
import { assembleFile } from './single-file.ts';
import { say, texts } from './texts.ts';
import { searchParameters } from './tracking-search.ts';
import { askForTrail } from './trail-asking.ts';
import { wallNow } from './wall-clock.ts';

/** Messages whose trails go along: those that the stage lists. */
const MAX_TRAILS = 40;
/** What the views ask of every server, and of a Hub. */
const QUESTIONS: readonly (readonly [string, Parameters])[] = [
  ['Get-TrustStatus', {}],
  ['Get-ExchangeCertificate', {}],
  ['Get-Message', { ResultSize: 20 }],
  ['Get-Message', { ResultSize: 100 }],
  ['Get-MessageTrackingLog', searchParameters({})],
];
const HUB_QUESTIONS: typeof QUESTIONS = [
  ['Get-EdgeSubscription', {}],
  ['Test-EdgeSynchronization', {}],
];

/** Hands out the file; with a scenario it is that one's. Throws ApiProblem where the page's own files cannot be had. */
export async function exportFile(scenario?: RecordedScenario): Promise<void> {
  const until = scenario?.lines.at(-1)?.at ?? wallNow();
  const known = await askAll(servers.peek());
  const from = scenario?.lines[0]?.at ?? Math.min(until, ...known.flatMap(({ server }) => server.tape.from ?? []));
  const parts = known.map(({ server: { name, fqdn, role, tape }, answers }) => {
    return { name, fqdn, role, events: tape.events, answers };
  });
  const moment = new Date(until).toISOString().slice(0, 19);
  const html = await assembleFile({
    ...(await readPage()),
    title: say(texts.player.fileTitle, { what: scenario?.title ?? moment.replace('T', ' ') }),
    noScript: texts.player.noScript,
    recording: writeRecording(makeRecording({ from, until }, parts, scenario)),
  });
  const name = ['relaypair', ...(scenario ? [scenario.name] : []), moment.replaceAll(':', '-')].join('-');
  saveFile(new Blob([html], { type: 'text/html' }), `${name}.html`);
}

interface Known {
  readonly server: Server;
  readonly answers: readonly KnownAnswer[];
}

/** A question that is refused is left out. */
async function askAll(all: readonly Server[]): Promise<readonly Known[]> {
  const askers = all.map((server) => {
    const answers: KnownAnswer[] = [];
    return { server, name: server.name, answers, api: remember(server.api, answers) };
  });
  for (const { server, api } of askers)
    for (const [cmdlet, parameters] of [...QUESTIONS, ...(server.role === 'hub' ? HUB_QUESTIONS : [])])
      await api.call(cmdlet, parameters).catch(() => undefined);
  const latest = [...journeys.peek().values()].toSorted((a, b) => b.lastAt - a.lastAt).slice(0, MAX_TRAILS);
  for (const { id } of latest) await askForTrail(askers, id);
  return askers;
}

/** The files that this page was loaded from; they know nothing, and need no token. */
async function readPage(): Promise<{ readonly script: string; readonly style: string; readonly icon: string }> {
  const own = new Api('', () => undefined);
  const read = async (selector: string, attribute: 'src' | 'href'): Promise<string> => {
    const address = new URL(document.querySelector(selector)?.getAttribute(attribute) ?? '', document.baseURI);
    return (await own.request(address.pathname)).text();
  };
  const [script, style, icon] = await Promise.all([
    read('script[type="module"][src]', 'src'),
    read('link[rel="stylesheet"]', 'href'),
    read('link[rel="icon"]', 'href'),
  ]);
  return { script, style, icon };
}
