// What an LDAP server asks of the directory behind it: the seam between this wire and directory/. Each answer is an outcome; an
// LdapFault that is thrown becomes its outcome, anything else becomes `other` (80) with the reason in the log alone.

import type { TlsSession } from '../tls/tls-session.ts';
import type { LdapEntry, LdapOperations } from './entry.ts';
import type { CompareRequest, SearchRequest } from './request.ts';
import type { LdapOutcome } from './result.ts';
import type { SearchWatch } from './search-watch.ts';

/** One peer, from its handshake to its end. */
export interface LdapConnection {
  readonly id: string;
  readonly remoteAddress: string;
  /** Undefined on a plain loopback connection. */
  readonly tls: TlsSession | undefined;
  /**
   * Whom the last bind proved; undefined before a bind and after one that failed. A handler's `bind` sets it to the name
   * that it knows the peer by; when it does not, a simple bind that succeeded sets the name that was given.
   */
  boundDn: string | undefined;
}

export type BindCredentials =
  /** Neither name nor password is empty: anonymous and unauthenticated binds are answered before (RFC 4513 §5.1). */
  | { readonly kind: 'simple'; readonly dn: string; readonly password: Buffer }
  /** SASL EXTERNAL: the identity is `connection.tls.peerCertificate`, which the handler judges. */
  | { readonly kind: 'external'; readonly authzId?: string };

export interface SearchAnswer {
  /**
   * Whole entries, made as they are asked for; the server picks the attributes and keeps to the size limit. What they throw
   * is thrown by the search. An answer that is given up is told so by `return`.
   */
  readonly entries: Iterable<LdapEntry> | AsyncIterable<LdapEntry>;
  /** When all of them have gone out. */
  readonly outcome: LdapOutcome;
}

/** Requests of one connection come one after the other; those of several connections side by side. */
export interface LdapRequestHandler {
  /** Answers before a bind. What the server itself supports is added to it. */
  rootDse(connection: LdapConnection): LdapEntry;
  bind(connection: LdapConnection, credentials: BindCredentials): Promise<LdapOutcome>;
  /**
   * Also asked before a bind: refuse there (`connection.boundDn` is undefined). One that looks for long asks `watch.end`, and
   * stops when there is one.
   */
  search(connection: LdapConnection, request: SearchRequest, watch: SearchWatch): Promise<SearchAnswer>;
  /** False for one whose updates are all refused: it gets no transaction, since what that gathers costs memory. True when absent. */
  mayUpdate?(connection: LdapConnection): boolean;
  /** One: a plain update. Several: an RFC 5805 transaction, all or nothing; `failedOperation` tells which one failed. */
  apply(connection: LdapConnection, operations: LdapOperations): Promise<LdapOutcome>;
  /** compareTrue (6) or compareFalse (5). */
  compare(connection: LdapConnection, request: CompareRequest): Promise<LdapOutcome>;
  /** Called once for each connection, last. */
  closed(connection: LdapConnection): void;
  /** The name under which entries have an attribute that may be asked for in several ways; the same name when absent. */
  spell?(attribute: string): string;
  /** Attributes that only `+` or their name brings; isOperationalAttribute of entry.ts when absent. */
  isOperational?(attribute: string): boolean;
}
