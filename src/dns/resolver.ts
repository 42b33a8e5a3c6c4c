// DNS as this program asks it: the mail exchangers of a name, and its addresses. The kind, for everything that answers: the
// network, a cache in front of it, a test. An answer is a value, and whoever gives it never rejects.

/** One MX record. `exchange` is without the dot at the end, and so '' for the root: the null MX (RFC 7505 §3). */
export interface MailExchanger {
  readonly exchange: string;
  /** The lower is tried first. */
  readonly preference: number;
}

export type DnsAnswer<T> =
  | {
      readonly kind: 'found';
      /** At least one. */
      readonly records: readonly T[];
      /** How long it is true, in milliseconds; undefined where that is not known. */
      readonly ttlMs?: number | undefined;
    }
  /** The name exists and has no such record (NODATA, RFC 2308 §2.2). */
  | { readonly kind: 'no-data' }
  /** There is no such name (NXDOMAIN), nor can there be. */
  | { readonly kind: 'no-name' }
  /** Nobody knows now: SERVFAIL, silence, aliases in a circle. `code` is node:dns', or ECNAMELOOP. */
  | { readonly kind: 'failed'; readonly code: string };

export interface Resolver {
  /** `name` as A-labels. Aliases are followed (RFC 5321 §5.1). */
  mailExchangers(name: string): Promise<DnsAnswer<MailExchanger>>;
  /** A and AAAA (RFC 3596), in the order in which to try them. */
  addresses(name: string): Promise<DnsAnswer<string>>;
}
