// A search whose answer comes in pages (RFC 2696): Active Directory gives a thousand entries at most without it. The control
// is not critical, so that a server which does not know it simply answers at once.

import { refuseFaults } from './client-answer.ts';
import type { ClientConnection } from './client-connection.ts';
import { type Control, Oid } from './control.ts';
import type { LdapEntry } from './entry.ts';
import { makePageControl, readPageControl } from './paged-results.ts';
import type { SearchRequest } from './request.ts';
import { ResultCode } from './result.ts';

const PAGE_ENTRIES = 500;

/** All entries; at the query's own size limit what has come by then. Throws LdapFault. */
export async function searchByPages(connection: ClientConnection, request: SearchRequest): Promise<LdapEntry[]> {
  const entries: LdapEntry[] = [];
  for await (const page of readPages(connection, request)) for (const entry of page) entries.push(entry);
  return entries;
}

/** The same, page by page: the next one is asked for when it is wanted. */
export async function* readPages(
  connection: ClientConnection,
  request: SearchRequest,
): AsyncGenerator<readonly LdapEntry[]> {
  let cookie: Buffer | undefined = Buffer.alloc(0);
  while (cookie) {
    const controls: Control[] = request.sizeLimit > 0 ? [] : [makePageControl({ size: PAGE_ENTRIES, cookie })];
    const answer = await connection.request({ kind: 'search', ...request }, controls);
    const isCut = answer.result.resultCode === ResultCode.sizeLimitExceeded && request.sizeLimit > 0;
    if (!isCut) refuseFaults(answer);
    cookie = readCookie(answer.controls);
    yield answer.entries;
  }
}

/** Where the next page begins; undefined after the last one. */
function readCookie(controls: readonly Control[]): Buffer | undefined {
  const control = controls.find(({ oid }) => oid === Oid.pagedResults);
  const { cookie } = control ? readPageControl(control) : {};
  return cookie && cookie.length > 0 ? cookie : undefined;
}
