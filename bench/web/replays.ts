// A Hub and an Edge to which recorded mail comes again at a rate that is asked for, and what looks at them meanwhile.

import { Problem } from '../../src/problem.ts';
import type { Role } from '../../src/config.ts';
import { findFreePort } from '../../src/free-port.ts';
import { HelperProcess } from '../pair/helper-process.ts';
import type { PageCost, WatchedPage } from './browser.ts';
import { neverRead, type Reader, readAsPage } from './readers.ts';
import type { RecordedMail } from './recorded-mail.ts';
import type { Replay, Replayed } from './replay-server.ts';

export interface Load {
  readonly perSecond: number;
  readonly seconds: number;
}

export type ReplayedByRole = Readonly<Record<Role, Replayed>>;

/** What the servers cost while these read. */
export interface ReaderCost {
  readonly readers: string;
  readonly replayed: ReplayedByRole;
}

/** Both begin at the same moment, this far ahead. */
const AHEAD_MS = 500;
const SLOW_READERS = 8;
const FQDNS: Readonly<Record<Role, string>> = { hub: 'hub01.contoso.test', edge: 'edge01.perimeter.test' };

export class Replays {
  /** Of the page. */
  readonly address: string;
  readonly #servers: Readonly<Record<Role, HelperProcess>>;
  readonly #addresses: Readonly<Record<Role, string>>;
  readonly #mail: RecordedMail;
  #next = 0;

  private constructor(
    mail: RecordedMail,
    servers: Readonly<Record<Role, HelperProcess>>,
    addresses: Readonly<Record<Role, string>>,
  ) {
    this.#mail = mail;
    this.#servers = servers;
    this.#addresses = addresses;
    this.address = addresses.hub;
  }

  static async open(mail: RecordedMail): Promise<Replays> {
    if (mail.hub.length === 0) throw new Problem('not-found', 'there is no recorded mail to be replayed');
    const [hub, edge] = [await originOf(), await originOf()];
    const servers = { hub: start('hub', hub, ['edge', edge]), edge: start('edge', edge, ['hub', hub]) };
    await Promise.all([servers.hub.line(), servers.edge.line()]);
    return new Replays(mail, servers, { hub, edge });
  }

  /** Resolves when both have told of the last message. */
  async run({ perSecond, seconds }: Load): Promise<ReplayedByRole> {
    const wish = { firstNumber: this.#next, startAtMs: Date.now() + AHEAD_MS, perSecond, seconds };
    this.#next += perSecond * seconds;
    const ask = async (role: Role): Promise<Replayed> => {
      const replay: Replay = { ...wish, messages: this.#mail[role] };
      return JSON.parse(await this.#servers[role].ask(JSON.stringify(replay))) as Replayed;
    };
    const [hub, edge] = await Promise.all([ask('hub'), ask('edge')]);
    return { hub, edge };
  }

  /** What it costs the page, and the servers. */
  async watch(page: WatchedPage, load: Load): Promise<{ readonly cost: PageCost; readonly replayed: ReplayedByRole }> {
    let replayed: ReplayedByRole | undefined;
    const cost = await page.watch(async () => {
      replayed = await this.run(load);
    });
    if (!replayed) throw new Error('nothing was replayed');
    return { cost, replayed };
  }

  /** Nobody, then readers that read, then readers that do not. */
  async measureReaders(load: Load): Promise<readonly ReaderCost[]> {
    const both = (open: (address: string) => Reader, count: number): Reader[] =>
      Object.values(this.#addresses).flatMap((address) => Array.from({ length: count }, () => open(address)));
    const found: ReaderCost[] = [];
    for (const [readers, opened] of [
      ['nobody', () => []],
      ['one that reads as a page does', () => both(readAsPage, 1)],
      [`${SLOW_READERS} that never read`, () => both(neverRead, SLOW_READERS)],
      ['nobody again', () => []],
    ] as const) {
      const open = opened();
      found.push({ readers, replayed: await this.run(load) });
      for (const reader of open) reader.close();
    }
    return found;
  }

  close(): void {
    for (const server of Object.values(this.#servers)) server.end();
  }
}

async function originOf(): Promise<string> {
  return `http://127.0.0.1:${await findFreePort('127.0.0.1')}`;
}

function start(role: Role, own: string, [otherRole, url]: readonly [Role, string]): HelperProcess {
  const web = {
    listen: new URL(own).host,
    partners: [{ fqdn: FQDNS[otherRole], role: otherRole, url }],
    allowedOrigins: [url],
  };
  return new HelperProcess('../web/replay-server.ts', JSON.stringify({ role, web }));
}
