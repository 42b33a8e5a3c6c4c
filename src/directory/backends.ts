// The table of directory backends. To add one: write NAME-directory.ts and list it here; the contract test walks this
// table, so it is tested at once.

import type { DirectoryBackend } from './directory.ts';
import { EmbeddedDirectory } from './embedded-directory.ts';
import { LdapDirectory } from './ldap-directory.ts';

/** Every kind of directory there is; the first is the default. */
export const DIRECTORY_BACKENDS: readonly DirectoryBackend[] = [
  { name: 'embedded', open: (options) => Promise.resolve().then(() => EmbeddedDirectory.open(options)) },
  { name: 'ldap', open: (options) => LdapDirectory.open(options) },
];
