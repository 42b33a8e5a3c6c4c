import { describe, expect, it } from 'vitest';
import type { ActiveDirectory } from '../../../src/directory/active-directory.ts';
import type { ChangePage } from '../../../src/directory/change-feed.ts';
import { toAdd } from '../../../src/directory/entry-diff.ts';
import { makeRecipient, recipientView } from '../../../src/directory/recipient.ts';
import { askFeed } from '../../../src/edgesync/directory-feed.ts';
import { openHub } from '../directory/fixtures.ts';

/** AD, with a note of how many changes each piece of the feed brought. */
async function openCounted() {
  const { ad, directory } = await openHub();
  const sizes: number[] = [];
  const counted = {
    readChanges: async (...asked: Parameters<ActiveDirectory['readChanges']>): Promise<ChangePage | undefined> => {
      const page = await ad.readChanges(...asked);
      sizes.push((page?.changed.length ?? 0) + (page?.deleted.length ?? 0));
      return page;
    },
  } as unknown as ActiveDirectory;
  const bases = [ad.layout.services, ad.layout.sites];
  return { ad, directory, sizes, ask: (since?: string) => askFeed(counted, bases, since) };
}

const domain = { name: 'a', domainName: 'a.test', matchSubDomains: false, domainType: 'Authoritative' } as const;

describe('what AD has new', () => {
  it('is not read when all of it is compared anyway: only where the feed stands', async () => {
    const { sizes, ask } = await openCounted();
    expect(await ask()).toMatchObject({ hasChanges: true });
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1);
  });

  it('is nothing until something changes there, and nothing again from where it then stood', async () => {
    const { ad, ask } = await openCounted();
    const { position: start } = await ask();
    expect(await ask(start)).toMatchObject({ hasChanges: false });
    await ad.addAcceptedDomain({ ...domain, default: true });
    const { position, hasChanges } = await ask(start);
    expect(hasChanges).toBe(true);
    expect((await ask(position)).hasChanges).toBe(false);
    await ad.removeAcceptedDomain('a');
    expect((await ask(position)).hasChanges).toBe(true);
  });

  it('is found behind more changes of recipients than come in one piece', async () => {
    const { ad, directory, ask } = await openCounted();
    const { position: start } = await ask();
    const recipients = Array.from({ length: 600 }, (_, index) =>
      makeRecipient({ primaryAddress: `p${index}@a.test`, otherAddresses: [] }),
    );
    await directory.apply(recipients.map((each) => toAdd(recipientView.toEntry(each, ad.layout.recipients))));
    const { position, hasChanges } = await ask(start);
    expect(hasChanges).toBe(false);
    await ad.addAcceptedDomain({ ...domain, default: true });
    expect((await ask(start)).hasChanges).toBe(true);
    expect((await ask(position)).hasChanges).toBe(true);
  });
});
