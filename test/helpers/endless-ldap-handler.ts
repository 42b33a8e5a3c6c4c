// A handler whose searches find as many entries as a test wants, one after the other, and which counts how many were asked
// for: to see that no more are made than go out, and that a search which is given up is told so.

import { type LdapEntry, toAttributes } from '../../src/ldap/entry.ts';
import type { LdapConnection, SearchAnswer } from '../../src/ldap/handler.ts';
import type { SearchRequest } from '../../src/ldap/request.ts';
import { SUCCESS } from '../../src/ldap/result.ts';
import type { SearchWatch } from '../../src/ldap/search-watch.ts';
import { MemoryLdapHandler } from './memory-ldap-handler.ts';

export class EndlessLdapHandler extends MemoryLdapHandler {
  /** Entries that a search finds. */
  count = Infinity;
  /** Octets of each entry's one value. */
  size = 10;
  made = 0;
  /** Searches whose entries were let go of, all sent or not. */
  released = 0;
  /** What each entry waits for. */
  pause: (made: number) => Promise<void> = () => Promise.resolve();

  override search(_connection: LdapConnection, _request: SearchRequest, watch: SearchWatch): Promise<SearchAnswer> {
    return Promise.resolve({ entries: this.#find(watch), outcome: SUCCESS });
  }

  async *#find(watch: SearchWatch): AsyncGenerator<LdapEntry> {
    try {
      for (let number = 0; number < this.count && !watch.end; number += 1) {
        this.made += 1;
        await this.pause(this.made);
        yield {
          dn: `cn=${number},dc=test`,
          attributes: toAttributes({ cn: String(number), description: 'x'.repeat(this.size) }),
        };
      }
    } finally {
      this.released += 1;
    }
  }
}
