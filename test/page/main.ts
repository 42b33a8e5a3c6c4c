// `npm run screenshots`: the states of the page as pictures in docs/stage/, of a real pair in Debian's Chromium.

import { mkdirSync } from 'node:fs';
import { BrowserPage } from '../helpers/browser-page.ts';

const FOLDER = new URL('../../docs/stage/', import.meta.url).pathname;

mkdirSync(FOLDER, { recursive: true });
const opened = await BrowserPage.open();
const { page } = opened;
const shoot = async (name: string): Promise<void> => {
  await page.screenshot({ path: `${FOLDER}${name}.png`, animations: 'disabled' });
  process.stdout.write(`${name}.png\n`);
};
try {
  await page.emulateMedia({ colorScheme: 'light' });
  await opened.subscribe();
  await page.locator('.drop').scrollIntoViewIfNeeded();
  await shoot('subscribed');
  await opened.send('Good morning', 'TLS, both known to each other');
  await shoot('lock-closed');
  await opened.scrubTo(366);
  await shoot('clock-moved');
  await opened.send('A year later', 'in clear although it should not be');
  await shoot('lock-open');
  await opened.row('A year later').click();
  await page
    .locator('aside.trail')
    .getByText(/certificate-expired/)
    .first()
    .waitFor();
  await shoot('trail');
  await page.keyboard.press('Escape');
  await opened.show('trust');
  await page.getByText('only one side known').first().waitFor({ state: 'detached' });
  await shoot('trust');
  await opened.renew();
  await opened.send('Renewed', 'TLS, both known to each other');
  await shoot('lock-closed-again');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot('dark');
  await page.setViewportSize({ width: 390, height: 844 });
  await shoot('phone');
} finally {
  await opened.close();
}
