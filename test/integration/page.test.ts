// The page in Debian's Chromium, with a real pair behind it: what a person does there, what hostile mail does not, and what axe finds.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrowserPage, violationsIn } from '../helpers/browser-page.ts';
import { UNSAFE } from '../../src/unsafe-text.ts';
import { relaypair } from '../helpers/pair.ts';
import { requirePeer } from '../helpers/peers.ts';
import { submit } from '../helpers/submit.ts';

const TRUSTED = 'TLS, both known to each other';
const ALARM = 'in clear although it should not be';

describe.skipIf(!requirePeer('chromium'))('the page in chromium', { timeout: 600_000 }, () => {
  let opened: BrowserPage;

  beforeAll(async () => {
    opened = await BrowserPage.open();
  }, 300_000);
  afterAll(() => opened?.close());

  it('takes the tokens out of its address at once', () => {
    expect(opened.page.url()).not.toContain('rpt_');
  });

  it('says in a sentence why a dropped file is no subscription', async () => {
    await opened.show('lab');
    await opened.drop('letter.txt', 'Dear Hub, trust me.');
    const notice = opened.page.locator('.drop .notice-bad');
    await notice.waitFor();
    expect(await notice.textContent()).toMatch(/^[^.]{10,300}\.?$/);
  });

  it('subscribes by dropping the file, step by step', async () => {
    await opened.show('stage');
    await opened.subscribe();
    const steps = await opened.page.locator('.drop .steps li').allTextContents();
    expect(steps).toEqual([
      expect.stringContaining('whole, in its time'),
      expect.stringContaining('certificate is in AD'),
      expect.stringContaining('Synchronizing'),
      expect.stringContaining('showed that certificate'),
    ]);
  });

  it('shows a closed lock while the certificates are good', () => opened.send('before the year', TRUSTED));

  it('shows an open lock once a year has passed by the scrubber, and why in the trail', async () => {
    await opened.scrubTo(366);
    await opened.send('after the year', ALARM);
    await opened.row('after the year').click();
    const trail = opened.page.locator('aside.trail');
    await trail
      .getByText(/certificate-expired/)
      .first()
      .waitFor();
    expect(await trail.textContent()).toMatch(/certificate has expired|certificate-expired/);
    await opened.page.keyboard.press('Escape');
  });

  it('shows a closed lock again after the renewal', async () => {
    await opened.renew();
    await opened.send('renewed', TRUSTED);
  });

  describe('hostile mail', () => {
    const ESC = '\u001b[31m';
    const SUBJECT = `<script>globalThis.hostile=1</script><img src=x onerror="globalThis.hostile=2">${ESC}red`;
    const MESSAGE_ID = '<"><script>alert(2)</script>@fabrikam.test>';
    const FROM = '"<img/src=x/onerror=globalThis.hostile=3>"@fabrikam.test';
    const TO = '"<svg/onload=globalThis.hostile=4>"@contoso.test';
    const MIB = 2 ** 20;
    const hand = async (content: Buffer): Promise<void> => {
      const sent = await submit({ port: opened.pair.edgePort, from: FROM, to: [TO], content });
      expect(sent.reply).toMatch(/^250/);
    };
    const harmless = (text: string): void => expect(text.replaceAll(/[\n\t]/g, '')).not.toMatch(UNSAFE);

    it('is taken: script in subject, addresses and Message-ID, escapes, broken UTF-8, a header of 1 MiB', async () => {
      for (const role of ['edge', 'hub'] as const)
        for (const { Identity } of await opened.pair.cmdlet(role, 'Get-ReceiveConnector'))
          await opened.pair.cmdlet(role, 'Set-ReceiveConnector', String(Identity), '-MaxHeaderSize', '4MB');
      const head = `From: "<img src=x onerror=alert(1)>" <a@fabrikam.test>\r\nMessage-ID: ${MESSAGE_ID}\r\nSubject: ${SUBJECT}`;
      const broken = Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]);
      await hand(Buffer.concat([Buffer.from(head), broken, Buffer.from('\r\n\r\nhello\r\n')]));
      const folded = `${ESC}<b>x</b>${'y'.repeat(900)}\r\n `.repeat(Math.ceil(MIB / 920));
      await hand(Buffer.from(`Subject: endless ${folded}\r\nFrom: a@fabrikam.test\r\n\r\nx\r\n`));
    });

    it('is text on the page', async () => {
      await opened.show('stage');
      const row = opened.row('<script>globalThis.hostile=1</script>');
      await row.waitFor();
      await row.getByText(/arrived|failed/).waitFor();
      await row.click();
      const trail = opened.page.locator('aside.trail');
      await trail.getByText('<script>globalThis.hostile').first().waitFor();
      await trail.getByText(FROM).first().waitFor();
      await opened.page.keyboard.press('Escape');
      await opened.row('endless').waitFor();
      for (const view of ['tracking', 'events', 'queues', 'stage'] as const) {
        await opened.show(view);
        expect(await opened.page.locator('img, main script, aside script, svg[onload]').count()).toBe(0);
        harmless(await opened.page.locator('body').innerText());
      }
      expect(await opened.page.evaluate(() => Reflect.get(globalThis, 'hostile') as unknown)).toBeUndefined();
    });

    it('is text in the shell, in top and in the trail', async () => {
      const { folder } = opened.pair;
      const lines = [
        'Get-MessageTrackingLog | ft',
        'Get-DecisionCard | fl',
        'Get-MessageTrackingLog | select MessageSubject,Sender',
      ];
      const ran = {
        shell: await relaypair(['shell', 'edge', '--dir', folder], { input: `${lines.join('\n')}\nexit\n` }),
        json: await opened.pair.run('edge', 'Get-MessageTrackingLog', '--json'),
        top: await relaypair(['top', '--dir', folder, '--once']),
        // What a reader of the header makes of that Message-ID.
        trail: await relaypair(['trail', '<">', '--dir', folder]),
      };
      for (const [what, { code, stdout, stderr }] of Object.entries(ran)) {
        expect([what, code]).toEqual([what, 0]);
        harmless(stdout + stderr);
      }
      for (const { stdout } of [ran.shell, ran.json, ran.trail]) expect(stdout).toContain('<script>');
      for (const { stdout } of [ran.shell, ran.trail]) expect(stdout).toContain(FROM);
    });

    it('is text in every log', () => {
      const logs = logsIn(opened.pair.folder).map((path) => readFileSync(path, 'latin1'));
      expect(logs.some((log) => log.includes('onerror=globalThis.hostile=3'))).toBe(true);
      for (const log of logs) expect(log).not.toContain('\u001b');
    });
  });

  it('exports a scenario that was played, and the file plays it without a server', async () => {
    await opened.play('stripping');
    const told = opened.page.locator('.scenario');
    const letters = await told.locator('.told-letter').count();
    expect(letters).toBeGreaterThan(0);
    const path = join(opened.pair.folder, 'scenario.html');
    await opened.exportBy('Export what was played', path);
    const { page, asked, troubles } = await opened.openFile(path);
    await page
      .locator('.told-letter')
      .nth(letters - 1)
      .waitFor();
    await page.getByLabel('Moment', { exact: true }).fill('0');
    await page.locator('.told-letter').first().waitFor({ state: 'detached' });
    await page.locator('.player select').selectOption('60');
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page
      .locator('.told-letter')
      .nth(letters - 1)
      .waitFor();
    expect(troubles).toEqual([]);
    expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(path).href]);
    await page.close();
  });

  it('exports the moment as one file that plays the mail again and asks nobody', async () => {
    await opened.show('stage');
    await opened.row('renewed').waitFor();
    const path = join(opened.pair.folder, 'exported.html');
    await opened.exportBy('Export', path);
    expect(readFileSync(path, 'utf8').match(/rpt_[\w-]+/)).toBeNull();
    const { page, asked, troubles } = await opened.openFile(path);
    const row = (subject: string) => page.locator('button.journey', { hasText: subject });
    await row('renewed').waitFor();
    const moment = page.getByLabel('Moment', { exact: true });
    await moment.fill('0');
    await row('renewed').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Next message' }).click();
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page.locator('.traveller', { hasText: 'before the year' }).first().waitFor();
    await row('before the year').getByText('arrived').waitFor();
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    expect(await row('renewed').count()).toBe(0);
    await moment.press('End');
    await row('after the year').click();
    await page
      .locator('aside.trail .hop-card')
      .getByText(/certificate-expired/)
      .first()
      .waitFor();
    await page.keyboard.press('Escape');
    const shown: Record<string, string> = {
      trust: 'section.certificate',
      queues: 'section.card',
      tracking: 'table',
      events: 'table',
    };
    for (const [view, part] of Object.entries(shown)) {
      await page.locator(`nav a[href="#/${view}"]`).click();
      await page.locator(`main ${part}`).first().waitFor();
      expect(await page.locator('.notice-bad').allTextContents(), view).toEqual([]);
    }
    expect(await violationsIn(page, 'the exported file')).toEqual([]);
    expect(await page.evaluate(() => Reflect.get(globalThis, 'hostile') as unknown)).toBeUndefined();
    expect(await page.getByRole('button', { name: /Access tokens|Export|Retry|Suspend/ }).count()).toBe(0);
    expect(troubles).toEqual([]);
    expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(path).href]);
    await page.close();
  });

  it('is walked by keyboard alone', async () => {
    const { page } = opened;
    await opened.show('trust');
    await page.reload();
    await opened.tabTo('.skip');
    await page.keyboard.press('Enter');
    await expect.poll(() => opened.hasFocus('main')).toBe(true);
    expect(new URL(page.url()).hash).toBe('#/trust');
    await page.reload();
    await opened.tabTo('nav a[href="#/stage"]');
    await page.keyboard.press('Enter');
    await opened.row('renewed').waitFor();
    await opened.tabTo('button.journey');
    await page.keyboard.press('Enter');
    await page.locator('aside.trail .facts').first().waitFor();
    await expect.poll(() => opened.hasFocus('#trail-title')).toBe(true);
    await opened.tabTo('.facts summary');
    await page.keyboard.press('Enter');
    await page.locator('.facts[open] dl').first().waitFor();
    await page.keyboard.press('Escape');
    await page.locator('aside.trail').waitFor({ state: 'detached' });
    await expect.poll(() => opened.hasFocus('button.journey')).toBe(true);
  });

  it('moves nothing for those who ask for reduced motion', async () => {
    await opened.page.emulateMedia({ reducedMotion: 'reduce' });
    await opened.show('stage');
    await opened.page.evaluate(`new MutationObserver((changes) => {
      for (const { addedNodes } of changes)
        for (const node of addedNodes) if (node.classList?.contains('traveller')) globalThis.travelled = true;
    }).observe(document.body, { childList: true, subtree: true })`);
    await opened.send('without motion', TRUSTED);
    expect(await opened.page.evaluate(() => Reflect.get(globalThis, 'travelled') as unknown)).toBeUndefined();
  });

  it('has nothing serious for axe to find, in light and in dark', async () => {
    expect(await opened.findViolations()).toEqual([]);
  });

  it('met no error, no dialogue and nothing that its policy forbids', () => {
    expect(opened.troubles).toEqual([]);
  });
});

function logsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.log') || /(?:tracking|events|cards)/.test(name))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}
