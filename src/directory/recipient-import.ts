// Many recipients at once, from a file or another directory: who is new and who has changed, told by the primary address, all
// or nothing. What is already as it should be is left alone, so that an import can be run again.

import type { LdapOperation, LdapOperations } from '../ldap/entry.ts';
import { Problem } from '../problem.ts';
import { toAdd } from './entry-diff.ts';
import { addressesOf, primaryAddressOf, type Recipient, recipientView } from './recipient.ts';
import type { Recipients } from './recipients.ts';
import { planAdd, planReplace, type Shelf } from './shelf.ts';
import type { Recorded } from './view.ts';

/** A recipient with the place it came from, for sentences: "line 7". */
export interface ImportedRecipient {
  readonly recipient: Recipient;
  readonly place: string;
}

export interface ImportCounts {
  readonly added: number;
  readonly updated: number;
  readonly unchanged: number;
}

export interface ImportOptions {
  /** Only says what would be done. */
  readonly dryRun: boolean;
  /** Told how many were looked at so far. */
  readonly progress: (count: number) => void;
}

const BATCH = 200;
const NOTHING: ImportCounts = { added: 0, updated: 0, unchanged: 0 };

/** What becomes of one: made as it is, or changed by these. Operations to make many would take ten times their room. */
type Step =
  | { readonly kind: 'add'; readonly recipient: Recipient }
  | { readonly kind: 'change'; readonly operations: readonly LdapOperation[] };

/** Throws Problem `import-twice`, `address-in-use` or `already-exists` with the place; then nothing was changed. */
export async function importRecipients(
  recipients: Recipients,
  imported: readonly ImportedRecipient[],
  options: ImportOptions,
): Promise<ImportCounts> {
  refuseRepeats(imported);
  let counts = NOTHING;
  await recipients.change(async () => {
    const steps: Step[] = [];
    for (let start = 0; start < imported.length; start += BATCH) {
      for (const step of await planBatch(recipients, imported.slice(start, start + BATCH))) steps.push(step);
      options.progress(Math.min(start + BATCH, imported.length));
    }
    counts = countSteps(steps);
    return options.dryRun ? [] : new ImportOperations(steps, recipients.parent);
  });
  return counts;
}

function countSteps(steps: readonly Step[]): ImportCounts {
  const changes = steps.filter((step) => step.kind === 'change').map(({ operations }) => operations.length);
  const updated = changes.filter((length) => length > 0).length;
  return { added: steps.length - changes.length, updated, unchanged: changes.length - updated };
}

/** Made one by one while they are carried out. */
class ImportOperations implements LdapOperations {
  readonly length: number;
  readonly #steps: readonly Step[];
  readonly #parent: string;

  constructor(steps: readonly Step[], parent: string) {
    this.#steps = steps;
    this.#parent = parent;
    this.length = steps.reduce((sum, step) => sum + (step.kind === 'add' ? 1 : step.operations.length), 0);
  }

  *[Symbol.iterator](): Generator<LdapOperation> {
    for (const step of this.#steps) {
      if (step.kind === 'add') yield toAdd(recipientView.toEntry(step.recipient, this.#parent));
      else yield* step.operations;
    }
  }
}

async function planBatch(recipients: Recipients, batch: readonly ImportedRecipient[]): Promise<Step[]> {
  const owners = await recipients.ownersOf(batch.flatMap(({ recipient }) => addressesOf(recipient)));
  const namesakes = await recipients.named(batch.map(({ recipient }) => recipient.name));
  return batch.map((item): Step => {
    const { recipient } = item;
    const current = owners.get(primaryAddressOf(recipient).toLowerCase());
    refuseTaken(item, current, owners);
    const objects = [...(current ? [current] : []), ...namesakes];
    const shelf: Shelf<Recipient> = { view: recipientView, parent: recipients.parent, objects };
    if (current) {
      // What the other side says nothing of stays.
      const next = { ...recipient, passwordVerifier: current.passwordVerifier };
      return { kind: 'change', operations: withPlace(item, () => planReplace(shelf, current.name, next)) };
    }
    withPlace(item, () => planAdd(shelf, recipient));
    return { kind: 'add', recipient };
  });
}

function refuseTaken(
  { recipient, place }: ImportedRecipient,
  current: Recorded<Recipient> | undefined,
  owners: ReadonlyMap<string, Recorded<Recipient>>,
): void {
  for (const address of addressesOf(recipient)) {
    const owner = owners.get(address.toLowerCase());
    if (!owner || owner.record.guid === current?.record.guid) continue;
    throw new Problem('address-in-use', `${place}: ${address} is already an address of the recipient "${owner.name}"`);
  }
}

/** Within the import itself. */
function refuseRepeats(imported: readonly ImportedRecipient[]): void {
  const seen = new Map<string, string>();
  const note = (key: string, what: string, place: string): void => {
    const before = seen.get(key);
    if (before !== undefined) throw new Problem('import-twice', `${place}: ${what} is there already in ${before}`);
    seen.set(key, place);
  };
  for (const { recipient, place } of imported) {
    note(`name ${recipient.name.toLowerCase()}`, `the name "${recipient.name}"`, place);
    for (const address of addressesOf(recipient)) note(`address ${address.toLowerCase()}`, address, place);
  }
}

function withPlace<T>({ place }: ImportedRecipient, plan: () => T): T {
  try {
    return plan();
  } catch (error) {
    if (error instanceof Problem) throw new Problem(error.code, `${place}: ${error.message}`, { cause: error });
    throw error;
  }
}
