// A message on its way into the spool: the octets stream through the header firewall, what a peer put in front is taken off,
// and what the envelope says about the header is read on the way.

import { BodyFault } from '../smtp/body-framing.ts';
import { REPLIES } from '../smtp/replies.ts';
import type { SpoolWriter } from '../spool/spool.ts';
import { HEADER_FAMILIES, type HeaderFamily, HeaderFirewall } from './header-firewall.ts';
import { type MessageFacts, MessageScan } from './message-scan.ts';
import { NetworkIdField } from './network-id-field.ts';

/** What this sender's message may hold. */
export interface IntakeTerms {
  /** A member of the pair puts its network message id in front. */
  readonly isPeer: boolean;
  /** Internal header fields that may stay. */
  readonly acceptedFamilies: readonly HeaderFamily[];
  /** Whose Received fields are counted as our own. */
  readonly ownName: string;
  /** Octets of the header, with the fields that are taken out of it. */
  readonly maxHeaderBytes: number;
  /** Called now and then while the message comes, at a pace that no trickle reaches. */
  readonly onProgress: () => void;
}

export interface Intake {
  readonly facts: MessageFacts;
  readonly networkId: string | undefined;
  /** Octets of internal fields in what was written: they go no further than to a member of the pair. */
  readonly internalFieldsBytes: number;
}

/** So many octets are progress. */
const PROGRESS_BYTES = 65_536;

/**
 * Writes the whole of `body`. Rejects with whatever the body or the writer rejects with, and with BodyFault `header-too-large`.
 */
export async function takeIn(
  writer: Pick<SpoolWriter, 'write'>,
  body: AsyncIterable<Buffer>,
  terms: IntakeTerms,
): Promise<Intake> {
  const { isPeer, acceptedFamilies, ownName, maxHeaderBytes, onProgress } = terms;
  const id = new NetworkIdField(isPeer);
  const firewall = new HeaderFirewall(HEADER_FAMILIES.filter((family) => !acceptedFamilies.includes(family)));
  // What is stored is measured as deliver.ts will measure it, for the size it has to announce.
  const outgoing = new HeaderFirewall(acceptedFamilies.length === 0 ? [] : HEADER_FAMILIES);
  const scan = new MessageScan();
  let sinceProgress = 0;
  const store = async (octets: Buffer): Promise<void> => {
    if (octets.length === 0) return;
    outgoing.strip(octets);
    scan.push(octets);
    if (scan.headerBytes + firewall.removedBytes > maxHeaderBytes) throw headerTooLarge(maxHeaderBytes);
    await writer.write(octets);
    sinceProgress += octets.length;
    if (sinceProgress < PROGRESS_BYTES) return;
    sinceProgress = 0;
    onProgress();
  };
  for await (const chunk of body) await store(firewall.strip(id.strip(chunk)));
  await store(firewall.strip(id.end()));
  await store(firewall.end());
  return { facts: scan.facts(ownName), networkId: id.value, internalFieldsBytes: outgoing.removedBytes };
}

function headerTooLarge(maxHeaderBytes: number): BodyFault {
  return new BodyFault(
    'header-too-large',
    `the header is larger than ${maxHeaderBytes} octets`,
    REPLIES.headerTooLarge,
  );
}
