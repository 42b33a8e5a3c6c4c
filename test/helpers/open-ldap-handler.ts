// A directory behind the LDAP server without any access control: whoever knows the password may do everything.

import { changeAttributes } from '../../src/directory/change-feed.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { type LdapEntry, type LdapOperations, toAttributes } from '../../src/ldap/entry.ts';
import type { BindCredentials, LdapConnection, LdapRequestHandler, SearchAnswer } from '../../src/ldap/handler.ts';
import type { SearchRequest } from '../../src/ldap/request.ts';
import { type LdapOutcome, outcomeOf, SUCCESS } from '../../src/ldap/result.ts';

export class OpenLdapHandler implements LdapRequestHandler {
  readonly #directory: Directory;
  readonly #password: string;

  constructor(directory: Directory, password: string) {
    this.#directory = directory;
    this.#password = password;
  }

  rootDse(): LdapEntry {
    const { namingContext, changeMark } = this.#directory;
    return { dn: '', attributes: toAttributes({ namingContexts: namingContext, ...changeAttributes(changeMark) }) };
  }

  bind(_connection: LdapConnection, credentials: BindCredentials): Promise<LdapOutcome> {
    const isRight = credentials.kind === 'simple' && credentials.password.toString() === this.#password;
    return Promise.resolve(isRight ? SUCCESS : outcomeOf('invalidCredentials'));
  }

  async search(_connection: LdapConnection, request: SearchRequest): Promise<SearchAnswer> {
    const { base, scope, filter } = request;
    const entries = await this.#directory.search({ base, scope, filter, attributes: ['*', '+'] });
    return { entries, outcome: SUCCESS };
  }

  async apply(_connection: LdapConnection, operations: LdapOperations): Promise<LdapOutcome> {
    await this.#directory.apply(operations);
    return SUCCESS;
  }

  compare(): Promise<LdapOutcome> {
    return Promise.resolve(outcomeOf('unwillingToPerform'));
  }

  closed(): void {}
}
