// `npm run screenshots`: the states of the page as pictures in docs/stage/, of a real pair in Debian's Chromium.

import { mkdirSync } from 'node:fs';
import { BrowserPage } from '../helpers/browser-page.ts';

const FOLDER = new URL('../../docs/stage/', import.meta.url).pathname;

mkdirSync(FOLDER, { recursive: true });
const opened = await BrowserPage.open();
const { page } = opened;
/** From the top of the page, or of what is to be seen. */
const shoot = async (name: string, top?: string): Promise<void> => {
  await page.evaluate('scrollTo(0, 0)');
  if (top !== undefined) await page.locator(top).evaluate((element) => element.scrollIntoView());
  await page.screenshot({ path: `${FOLDER}${name}.png`, animations: 'disabled' });
  process.stdout.write(`${name}.png\n`);
};
const trailOf = async (subject: string): Promise<void> => {
  await opened.show('stage');
  await opened.row(subject).click();
  await page.locator('aside.trail .hop-card').nth(2).waitFor();
};
const breakPath = (Name: string) => opened.address.call('laboratory', 'Set-LabFault', { Server: 'edge', Name });
try {
  await page.emulateMedia({ colorScheme: 'light' });
  await opened.subscribe();
  await shoot('subscribed');
  await opened.send('Good morning', 'TLS, both known to each other', 'in');
  await opened.send('Minutes of Monday', 'TLS, both known to each other');
  await shoot('lock-closed');
  await opened.scrubTo(366);
  await shoot('clock-moved', '#clocks-title');
  await opened.send('A year later', 'in clear although it should not be');
  await shoot('lock-open');
  await trailOf('A year later');
  await shoot('trail');
  await page.keyboard.press('Escape');
  await opened.show('trust');
  await page.getByText('only one side known').first().waitFor({ state: 'detached' });
  await page.getByText('asking the Edge').first().waitFor({ state: 'detached' });
  await shoot('trust');
  await opened.renew();
  await opened.send('Renewed', 'TLS, both known to each other');
  await shoot('lock-closed-again');
  await breakPath('reset-connection');
  await opened.handIn('Held up', 'out', 3);
  await opened.show('stage');
  await page.locator('.waiting-queue .parked').nth(2).waitFor();
  await shoot('waiting');
  await opened.show('queues');
  await page.locator('.queue-messages tr').nth(3).waitFor();
  await shoot('queues');
  await breakPath('none');
  await opened.show('stage');
  await page.locator('.waiting-queue').first().waitFor({ state: 'detached' });
  await opened.row('Held up').getByText('arrived').waitFor();
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot('dark');
  await page.setViewportSize({ width: 1920, height: 1080 });
  await trailOf('Renewed');
  await shoot('projector');
  await page.keyboard.press('Escape');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1440, height: 900 });
  await opened.play('stripping');
  await shoot('scenario', '#scenarios-title');
  await opened.show('tracking');
  await page.locator('main table').nth(1).waitFor();
  await shoot('tracking');
  await page.setViewportSize({ width: 390, height: 844 });
  await opened.show('stage');
  await shoot('phone');
  await trailOf('A year later');
  await shoot('phone-trail');
} finally {
  await opened.close();
}
