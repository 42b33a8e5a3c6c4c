// -Server, which Exchange's cmdlets have: a cmdlet runs in the server that it was typed for, so only its own name is right.

import type { Config } from '../config.ts';
import { Problem } from '../problem.ts';

/** The parameter. */
export const SERVER = { type: 'string', help: 'The server to ask: this one' } as const;

/** True for the NetBIOS name and the FQDN of this server, in any letter case. */
export function isOwnName(config: Config, name: string): boolean {
  return [config.netbiosName, config.fqdn].some((own) => own.toLowerCase() === name.toLowerCase());
}

/** Throws Problem `not-found` when `server` is another one. */
export function refuseOtherServer(config: Config, server: string | undefined): void {
  if (server === undefined || isOwnName(config, server)) return;
  throw new Problem('not-found', `this is ${config.netbiosName}, not "${server}"`);
}
