// Settings that the directory keeps as Exchange does and that this release does not act on: said in the help, and aloud
// where somebody might rely on one for safety.

/** The end of the help text of such a parameter. */
export const STORED = '(stored, not enforced in this release)';

/** A warning when domain security is switched on: nobody may take it for protection. */
export function domainSecureWarnings({ domainSecureEnabled }: { domainSecureEnabled?: boolean }): readonly string[] {
  return domainSecureEnabled === true
    ? ['DomainSecureEnabled is stored, not enforced in this release: RequireTLS is what insists on TLS.']
    : [];
}
