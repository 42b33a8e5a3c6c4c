// Settings that the directory keeps as Exchange does and that this release does not act on.

/** The end of the help text of such a parameter. */
export const STORED = '(stored, not enforced in this release)';
