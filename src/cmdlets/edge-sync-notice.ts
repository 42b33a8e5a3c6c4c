// What an administrator of a Hub has to know after a change that EdgeSync carries: it is not on the Edge yet.

import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

const NOTICE = 'Start-EdgeSynchronization brings it to the Edge.';

/** Empty on an Edge and while no Edge is subscribed; with `sources`, also when no Edge is among these servers. */
export function edgeSyncNotices(context: ServerContext, sources?: readonly string[]): readonly string[] {
  const wanted = sources?.map((source) => source.toLowerCase());
  const { edges } = organizationOf(context).snapshot();
  const isCarried = edges.some(({ name }) => wanted === undefined || wanted.includes(name.toLowerCase()));
  return context.hub && isCarried ? [NOTICE] : [];
}
