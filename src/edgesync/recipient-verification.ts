// Whether one recipient is on an Edge as AD has it (exchange: Test-EdgeSynchronization -VerifyRecipient). Changes nothing.

import { orNone } from '../directory/organization.ts';
import { HASH_ATTRIBUTE, recipientDn, replicate } from '../directory/replicated-recipient.ts';
import { getValues } from '../ldap/entry.ts';
import type { SyncScene } from './sync-type.ts';

/** What is different, in one sentence; undefined when nothing is. Throws Problem `not-found` for one that AD does not have. */
export async function verifyRecipient(scene: SyncScene, identity: string): Promise<string | undefined> {
  const { activeDirectory, client, edge, state } = scene;
  const recipient = await activeDirectory.recipients.find(identity);
  const guid = recipient.record.guid.toLowerCase();
  const query = { base: recipientDn(guid, state.layout), scope: 'base', attributes: [HASH_ATTRIBUTE] } as const;
  const [held] = await orNone(client.search(query));
  const wanted = replicate(recipient, guid);
  const who = `the recipient "${recipient.name}"`;
  if (!wanted) return held && `${who} refuses mail from outside and is on ${edge.name} all the same`;
  if (!held) return `${who} is in AD and missing on ${edge.name}`;
  const hashes = getValues(held, HASH_ATTRIBUTE);
  const missing = wanted.hashes.filter((hash) => !hashes.some((other) => other.equals(hash))).length;
  const surplus = hashes.length - (wanted.hashes.length - missing);
  if (missing === 0 && surplus === 0) return undefined;
  return `${who} has other addresses in AD than on ${edge.name}: ${missing} missing there, ${surplus} too many`;
}
