// Takes every replicated recipient out of ADAM in one transaction: an Edge that has no subscription any more keeps nothing of
// the organization it served.

import type { Directory } from './directory.ts';
import type { LdapOperation, LdapOperations } from '../ldap/entry.ts';
import { recipientView } from './recipient.ts';

/** Throws LdapFault. */
export async function removeRecipients(directory: Directory, base: string): Promise<void> {
  const filter = `(objectClass=${recipientView.objectClass})`;
  const names: string[] = [];
  for await (const page of directory.scan({ base, scope: 'one', filter, attributes: ['1.1'] })) {
    for (const { dn } of page) names.push(dn);
  }
  await directory.apply(new Removals(names));
}

/** Names are a tenth of what the operations would be. */
class Removals implements LdapOperations {
  readonly #names: readonly string[];

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  get length(): number {
    return this.#names.length;
  }

  *[Symbol.iterator](): Generator<LdapOperation> {
    for (const dn of this.#names) yield { kind: 'delete', dn };
  }
}
