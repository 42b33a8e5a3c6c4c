// The page in Debian's Chromium, with a real pair behind it: what a person does there, what hostile mail does not, and what axe finds.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrowserPage } from '../helpers/browser-page.ts';
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

  it('shows hostile mail as harmless text, as shell and logs do', async () => {
    const esc = '\u001b[31m';
    const subject = `<script>globalThis.hostile=1</script><img src=x onerror="globalThis.hostile=2">${esc}red`;
    const head = [
      'From: "<img src=x onerror=alert(1)>" <a@fabrikam.test>',
      'Message-ID: <"><script>alert(2)</script>@fabrikam.test>',
      `Subject: ${subject}`,
    ].join('\r\n');
    const broken = Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]);
    const content = Buffer.concat([Buffer.from(head), broken, Buffer.from('\r\n\r\nhello\r\n')]);
    const port = opened.pair.edgePort;
    const sent = await submit({
      port,
      from: 'a@fabrikam.test',
      to: ['anna@contoso.test'],
      content,
    });
    expect(sent.reply).toMatch(/^250/);
    const long = Buffer.from(`From: a@fabrikam.test\r\nSubject: long\r\nX-Long: ${'x '.repeat(2 ** 19)}\r\n\r\nx\r\n`);
    await submit({ port, from: 'a@fabrikam.test', to: ['anna@contoso.test'], content: long });
    await opened.show('stage');
    const row = opened.row('<script>globalThis.hostile=1</script>');
    await row.waitFor();
    await row.click();
    await opened.page.locator('aside.trail').getByText('<script>globalThis.hostile').first().waitFor();
    await opened.page.keyboard.press('Escape');
    await opened.show('tracking');
    expect(await opened.page.evaluate(() => Reflect.get(globalThis, 'hostile') as unknown)).toBeUndefined();
    expect(await opened.page.locator('img[src=x], main script').count()).toBe(0);
    expect(await opened.page.locator('body').innerText()).not.toContain('\u001b');
    const shell = await opened.pair.run('edge', 'Get-MessageTrackingLog', '--json');
    expect(shell.code).toBe(0);
    expect(shell.stdout).toContain('<script>');
    expect(shell.stdout).not.toContain('\u001b');
    for (const path of logsIn(opened.pair.folder)) expect(readFileSync(path, 'latin1')).not.toContain('\u001b');
  });

  it('exports a scenario that was played, and the file plays it without a server', async () => {
    await opened.show('lab');
    await opened.page.getByLabel('Scenario', { exact: true }).selectOption('stripping');
    await opened.page.getByRole('button', { name: 'Play it', exact: true }).click();
    const told = opened.page.locator('.scenario');
    await opened.page.getByText('All of it was as told.').waitFor();
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
    expect(await page.evaluate(() => Reflect.get(globalThis, 'hostile') as unknown)).toBeUndefined();
    expect(await page.getByRole('button', { name: /Access tokens|Export|Retry|Suspend/ }).count()).toBe(0);
    expect(troubles).toEqual([]);
    expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(path).href]);
    await page.close();
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
