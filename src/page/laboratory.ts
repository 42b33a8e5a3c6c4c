// The door of the laboratory that the servers of this page are part of, if they are: it commands both together.

import { Api } from './api.ts';
import { text } from './fields.ts';
import { servers } from './pair.ts';
import { tokenOf } from './tokens.ts';

const known = new Map<string, Api>();

/** Undefined where the servers were not started as a laboratory with a door. */
export function laboratoryOf(): Api | undefined {
  const url = servers.value.map((server) => text(server.hello.value, 'Laboratory')).find((each) => each !== '');
  if (url === undefined) return undefined;
  const api = known.get(url) ?? new Api(url, () => tokenOf('LABORATORY'));
  known.set(url, api);
  return api;
}
