// Mail users as transport asks about them: the Hub asks its directory (directory/user-logins.ts), a worker its owner.

import type { UserLogins } from '../directory/user-logins.ts';

export type { Login, LoginAnswer } from '../directory/user-logins.ts';

export type Logins = Pick<UserLogins, 'check' | 'addressesOf'>;
