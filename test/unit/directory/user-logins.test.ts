import { describe, expect, it } from 'vitest';
import { importRecipients } from '../../../src/directory/recipient-import.ts';
import { makeRecipient } from '../../../src/directory/recipient.ts';
import { makeUserPassword, UserLogins } from '../../../src/directory/user-logins.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { openHub } from './fixtures.ts';

const PASSWORD = 'correct horse';
const ED = { primaryAddress: 'ed@contoso.com', otherAddresses: ['meadows@contoso.com'], name: 'Ed' };
const REFUSED = { kind: 'refused' };
const ACCEPTED = { kind: 'accepted', identity: 'ed@contoso.com' };

async function open() {
  const { ad } = await openHub();
  const clock = new HandClock(new Date());
  await ad.recipients.add(makeRecipient({ ...ED, passwordVerifier: await makeUserPassword(PASSWORD) }));
  await ad.recipients.add(makeRecipient({ primaryAddress: 'jo@contoso.com', otherAddresses: [], name: 'Jo' }));
  const logins = new UserLogins(ad.recipients, clock);
  const tryAs = (user: string, password: string, remoteAddress = '192.0.2.1') =>
    logins.check({ user, password, remoteAddress });
  return { ad, clock, logins, tryAs };
}

describe('the log-in of a mail user', () => {
  it('is by name or any address, in any letter case', async () => {
    const { tryAs } = await open();
    for (const user of ['Ed', 'ed@contoso.com', 'ED@Contoso.com', 'meadows@contoso.com']) {
      expect(await tryAs(user, PASSWORD)).toEqual(ACCEPTED);
    }
  });

  it('is refused with a wrong password, to nobody, and to a user without one', async () => {
    const { tryAs } = await open();
    expect(await tryAs('ed', `${PASSWORD}.`)).toEqual(REFUSED);
    expect(await tryAs('nobody', PASSWORD)).toEqual(REFUSED);
    expect(await tryAs('jo', PASSWORD)).toEqual(REFUSED);
    expect(await tryAs('*)(objectClass=*', PASSWORD)).toEqual(REFUSED);
  });

  it('has to wait after five failures in a row from one address, and from that one alone', async () => {
    const { tryAs, clock } = await open();
    for (let count = 0; count < 5; count += 1) expect(await tryAs('ed', 'wrong')).toEqual(REFUSED);
    expect(await tryAs('ed', PASSWORD)).toEqual({ kind: 'busy' });
    expect(await tryAs('ed', PASSWORD, '192.0.2.2')).toEqual(ACCEPTED);
    clock.advance(30_000);
    expect(await tryAs('ed', PASSWORD)).toEqual(ACCEPTED);
  });

  it('takes a password however its letters were composed', async () => {
    const { ad, tryAs } = await open();
    const verifier = await makeUserPassword('pässwörd');
    await ad.recipients.replace('Ed', makeRecipient({ ...ED, passwordVerifier: verifier }));
    expect(await tryAs('ed', 'pa\u0308sswo\u0308rd')).toEqual(ACCEPTED);
  });

  it('is gone with the password, and what was proved with it', async () => {
    const { ad, logins, tryAs } = await open();
    expect(await logins.addressesOf('ed@contoso.com')).toEqual(['ed@contoso.com', 'meadows@contoso.com']);
    await ad.recipients.replace('Ed', makeRecipient(ED));
    expect(await tryAs('ed', PASSWORD)).toEqual(REFUSED);
    expect(await logins.addressesOf('ed@contoso.com')).toBeUndefined();
    expect(await logins.addressesOf('nobody@contoso.com')).toBeUndefined();
  });

  it('outlives an import that says nothing of it', async () => {
    const { ad, tryAs } = await open();
    const recipient = makeRecipient({ ...ED, displayName: 'E. M.' });
    await importRecipients(ad.recipients, [{ recipient, place: 'line 2' }], { dryRun: false, progress: () => {} });
    expect((await ad.recipients.find('ed')).displayName).toBe('E. M.');
    expect(await tryAs('ed', PASSWORD)).toEqual(ACCEPTED);
  });
});

describe('a new password', () => {
  it.each([
    ['too short', 'seven77'],
    ['too long', 'x'.repeat(256)],
    ['on two lines', 'correct\nhorse'],
  ])('is refused when it is %s, and not quoted', async (_what, password) => {
    await expect(makeUserPassword(password)).rejects.toMatchObject({
      code: 'bad-password',
      message: expect.not.stringContaining(password),
    });
  });

  it('is kept as a salted verifier with its cost', async () => {
    const [one, two] = [await makeUserPassword(PASSWORD), await makeUserPassword(PASSWORD)];
    expect(one).toMatch(/^\{SCRYPT\}16384:8:1\$/);
    expect(one).not.toBe(two);
  });
});
