// The page of a real pair in Debian's Chromium, walked as a person walks it: subscribe by dropping the file, send, let a year pass, look
// at a trail, renew. The browser tests and the screenshots share it.

import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { PageAddress } from './page-address.ts';
import { Pair } from './pair.ts';
import { peerPath } from './peers.ts';

const AXE = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const CONFIG = fileURLToPath(new URL('../../vite.config.ts', import.meta.url));
/** Against hanging, not a measure. */
const PATIENCE_MS = 240_000;
/** More than the page has places to stop at before what a walk looks for. */
const MAX_TABS = 80;
const VIEWS = ['stage', 'trust', 'queues', 'tracking', 'events', 'lab'] as const;

export interface Violation {
  readonly where: string;
  readonly id: string;
  readonly impact: string;
  readonly targets: readonly string[];
}

export class BrowserPage {
  readonly pair: Pair;
  readonly address: PageAddress;
  readonly page: Page;
  /** What the page threw, was refused by its policy, or asked in a dialogue. */
  readonly troubles: string[] = [];
  readonly #browser: Browser;

  private constructor(pair: Pair, address: PageAddress, browser: Browser, page: Page) {
    this.pair = pair;
    this.address = address;
    this.#browser = browser;
    this.page = page;
    page.on('pageerror', (error) => this.troubles.push(`thrown: ${error.message}`));
    page.on('dialog', (dialog) => {
      this.troubles.push(`dialogue: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) this.troubles.push(message.text());
    });
  }

  /** Builds the page, starts a pair whose two halves do not know each other yet, and opens the one address that it says. */
  static async open(): Promise<BrowserPage> {
    await build({ configFile: CONFIG, logLevel: 'error' });
    const pair = await Pair.up({ page: true, world: true, unsubscribed: true, capture: true });
    try {
      const said = pair.ready.page ?? '';
      const browser = await chromium.launch({
        executablePath: peerPath('chromium'),
        // As root, as in CI, there is no sandbox to be had.
        args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
      });
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, acceptDownloads: true });
      page.setDefaultTimeout(PATIENCE_MS);
      const opened = new BrowserPage(pair, await PageAddress.read(said), browser, page);
      await page.goto(said);
      await page.getByRole('navigation').waitFor();
      return opened;
    } catch (error) {
      await pair[Symbol.asyncDispose]();
      throw error;
    }
  }

  async show(view: (typeof VIEWS)[number]): Promise<void> {
    await this.page.locator(`nav a[href="#/${view}"]`).click();
    await this.page.locator(`nav a[href="#/${view}"][aria-current="page"]`).waitFor();
  }

  /** The file that the Edge's side of the page hands out. */
  async downloadSubscription(): Promise<Buffer> {
    await this.show('lab');
    const download = this.page.waitForEvent('download');
    await this.page.getByRole('button', { name: 'Download the file' }).click();
    return readFileSync(await (await download).path());
  }

  /** Drops a file on the Hub's side of the page. */
  async drop(name: string, content: string): Promise<void> {
    const [file, text] = [name, content].map((each) => JSON.stringify(each));
    const transfer = await this.page.evaluateHandle(
      `(() => { const data = new DataTransfer(); data.items.add(new File([${text}], ${file})); return data; })()`,
    );
    await this.page.locator('.drop').dispatchEvent('drop', { dataTransfer: transfer });
  }

  /** Subscribes the Edge as a person does without a shell. */
  async subscribe(): Promise<void> {
    const file = await this.downloadSubscription();
    await this.drop('EDGE01.xml', file.toString());
    await this.page.locator('.drop .notice-good').waitFor();
  }

  /** Hands letters in from the Lab view, and waits until the server has taken them. */
  async handIn(subject: string, direction: 'out' | 'in' = 'out', count = 1): Promise<void> {
    await this.show('lab');
    const letter = this.page.locator('section[aria-labelledby="letter-title"]');
    await letter.locator('select').selectOption(direction);
    await letter.getByLabel('Subject', { exact: true }).fill(subject);
    await letter.getByLabel('How many').fill(String(count));
    await letter.getByRole('button', { name: 'Send', exact: true }).click();
    await letter.locator('.notice-good').waitFor();
  }

  /** Plays a guided scenario to its end. */
  async play(name: string): Promise<void> {
    await this.show('lab');
    // By its place: the text of a label has that of its options in it, once they are there.
    await this.page.locator('section[aria-labelledby="scenarios-title"] select').selectOption(name);
    await this.page.getByRole('button', { name: 'Play it', exact: true }).click();
    await this.page.getByText('All of it was as told.').waitFor();
  }

  /** Hands a letter in and waits until the stage shows how it went between the Hub and the Edge. */
  async send(subject: string, sign: string, direction: 'out' | 'in' = 'out'): Promise<void> {
    await this.handIn(subject, direction);
    await this.show('stage');
    await this.row(subject).locator('.way-step').nth(1).locator(`svg[aria-label^="${sign}"]`).waitFor();
    await this.row(subject).getByText('arrived').waitFor();
  }

  /** A message in the list of the stage. */
  row(subject: string) {
    return this.page.locator('button.journey', { hasText: subject }).first();
  }

  /** Moves both clocks by the scrubber. */
  async scrubTo(days: number): Promise<void> {
    await this.show('lab');
    await this.page.locator('input[type=range]').fill(String(days));
    await this.page.getByRole('button', { name: 'Set both clocks' }).click();
    await this.page
      .locator('section', { has: this.page.locator('#clocks-title') })
      .locator('.notice')
      .waitFor();
  }

  /** New certificates on both sides, made known by a new subscription. */
  async renew(): Promise<void> {
    for (const role of ['edge', 'hub'] as const) await this.address.call(role, 'New-ExchangeCertificate', {});
    // A panel that has just been shown has nothing of the last time in it.
    await this.show('stage');
    await this.subscribe();
  }

  /**
   * What axe finds that is serious or critical: in every view, beside a trail with all that it can show, in the dialogue of the tokens; in
   * light and in dark.
   */
  async findViolations(): Promise<readonly Violation[]> {
    const found: Violation[] = [];
    const look = async (where: string): Promise<void> => {
      found.push(...(await violationsIn(this.page, where)));
    };
    for (const colorScheme of ['light', 'dark'] as const) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const view of VIEWS) {
        await this.show(view);
        await look(`${view}, ${colorScheme}`);
      }
      await this.show('stage');
      await this.page.locator('button.journey').first().click();
      const trail = this.page.locator('aside.trail');
      await trail.locator('.facts summary').first().click();
      await trail.locator('.facts[open] button').first().click();
      await trail.locator('.transcript li').first().waitFor();
      await look(`a trail, ${colorScheme}`);
      await this.page.keyboard.press('Escape');
      await this.page.getByRole('button', { name: 'Access tokens' }).click();
      await this.page.locator('dialog[open]').waitFor();
      await look(`tokens, ${colorScheme}`);
      await this.page.keyboard.press('Escape');
    }
    return found;
  }

  /** Goes on by Tab alone until what has the focus is one of these. */
  async tabTo(selector: string): Promise<void> {
    // A page that has just been loaded has nothing yet that Tab could go to.
    await this.page.locator(selector).first().waitFor({ state: 'attached' });
    for (let presses = 0; presses < MAX_TABS; presses += 1) {
      await this.page.keyboard.press('Tab');
      if (await this.hasFocus(selector)) return;
    }
    throw new Error(`${selector} was not reached by ${MAX_TABS} times Tab`);
  }

  async hasFocus(selector: string): Promise<boolean> {
    return (await this.page.locator(`:focus`).and(this.page.locator(selector)).count()) > 0;
  }

  /** Presses a button that exports, and keeps what it hands out. */
  async exportBy(label: string, path: string): Promise<void> {
    const download = this.page.waitForEvent('download');
    await this.page.getByRole('button', { name: label, exact: true }).click();
    await (await download).saveAs(path);
  }

  /** Opens a file in a browser that knows nothing of the pair; everything that it asks for, and what it throws or is refused, is kept. */
  async openFile(path: string): Promise<OpenedFile> {
    const page = await this.#browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.setDefaultTimeout(PATIENCE_MS);
    const asked: string[] = [];
    const troubles: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') troubles.push(message.text());
    });
    await page.goto(pathToFileURL(path).href);
    return { page, asked, troubles };
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.pair[Symbol.asyncDispose]();
  }
}

/** What axe finds on a page as it is that is serious or critical. */
export async function violationsIn(page: Page, where: string): Promise<readonly Violation[]> {
  await page.evaluate(AXE);
  const results = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
    return (await axe.run()).violations.map(({ id, impact, nodes }) => ({
      id,
      impact: impact ?? 'none',
      targets: nodes.map(({ target }) => target.join(' ')),
    }));
  });
  const isGrave = ({ impact }: { impact: string }): boolean => impact === 'serious' || impact === 'critical';
  return results.filter(isGrave).map((each) => ({ where, ...each }));
}

export interface OpenedFile {
  readonly page: Page;
  readonly asked: readonly string[];
  readonly troubles: readonly string[];
}

interface AxeViolation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly target: readonly string[] }[];
}
