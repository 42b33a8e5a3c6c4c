// A server that shares the spool, as Get-Node shows it, and how one is chosen.

import { formatPosition } from '../directory/replica-position.ts';
import { Problem } from '../problem.ts';
import type { SpoolNode, SpoolNodes } from '../spool/spool-nodes.ts';
import type { OutputRecord } from './output.ts';
import type { ServerContext } from './server-context.ts';

export const NODE_IDENTITY = { type: 'string', help: 'Name of the node, or its Id' } as const;

/** Every node of the spool; of an embedded one this server alone. Problem `spool-unavailable`. */
export async function listNodes(context: ServerContext): Promise<readonly SpoolNode[]> {
  return context.spool.nodes?.list() ?? [await describeSelf(context)];
}

/** Problem `spool-not-shared` where this server has its spool for itself. */
export function requireNodes({ spool }: ServerContext, cmdlet: string): SpoolNodes {
  if (spool.nodes) return spool.nodes;
  const text = `${cmdlet} needs nodes that share a spool, and this server has its own: stop the server to take it out of service`;
  throw new Problem('spool-not-shared', text);
}

/** Those that `identity` names, in any letter case; all without one. Problem `not-found`. */
export function chooseNodes(nodes: readonly SpoolNode[], identity: string | undefined): readonly SpoolNode[] {
  if (identity === undefined) return nodes;
  const chosen = nodes.filter(
    ({ id, name }) => String(id) === identity || name.toLowerCase() === identity.toLowerCase(),
  );
  if (chosen.length > 0) return chosen;
  throw new Problem('not-found', `no node of this spool is called "${identity}": Get-Node lists them`);
}

/** The one that `identity` names. Problem `not-found`, or `bad-value` where it names several. */
export async function chooseNode(nodes: SpoolNodes, identity: string): Promise<SpoolNode> {
  const [node, ...more] = chooseNodes(await nodes.list(), identity);
  if (node && more.length === 0) return node;
  throw new Problem('bad-value', `several nodes are called "${identity}": give the Id that Get-Node shows`);
}

/** True when it takes mail. */
export function isTakingMail({ id, isSilent, suspension }: SpoolNode): boolean {
  return id !== undefined && !isSilent && !suspension;
}

export function describeNode(node: SpoolNode): OutputRecord {
  const { id, name, report, suspension } = node;
  const { position, behindSince, staleSince } = report ?? {};
  return {
    Name: name,
    State: stateOf(node),
    Messages: node.messages,
    Sessions: report?.sessions ?? null,
    StartTime: node.startedAt ?? null,
    LastBeat: node.lastBeatAt ?? null,
    Version: report?.version ?? null,
    SuspendedBy: suspension?.by ?? null,
    SuspendedAt: suspension?.at ?? null,
    DirectoryState: directoryStateOf(node),
    DirectorySince: staleSince ?? behindSince ?? null,
    DirectoryPosition: position ? formatPosition(new Map(Object.entries(position))) : null,
    IsSelf: node.isSelf,
    Id: id ?? null,
  };
}

/** In a word, as Get-Node shows it. */
export function stateOf({ id, isSilent, suspension, report }: SpoolNode): string {
  if (id === undefined) return 'Down';
  if (isSilent) return 'Silent';
  if (suspension) return report?.stage === 'drained' ? 'Suspended' : 'Suspending';
  return report && report.stage !== 'active' ? 'Resuming' : 'Up';
}

function directoryStateOf({ report }: SpoolNode): string {
  if (report?.staleSince) return 'Stale';
  if (report?.behindSince) return 'Behind';
  return Object.keys(report?.position ?? {}).length > 0 ? 'Current' : 'Unknown';
}

async function describeSelf(context: ServerContext): Promise<SpoolNode> {
  const { config, clock, spool, startedMs, version, directoryStatus, nodeState } = context;
  const { position, stale } = directoryStatus();
  return {
    id: 1,
    server: '',
    name: config.netbiosName,
    startedAt: new Date(clock.now().getTime() - (clock.elapsedMs() - startedMs)),
    lastBeatAt: clock.now(),
    isSilent: false,
    messages: (await spool.count()).messages,
    isSelf: true,
    report: {
      ...nodeState(),
      version,
      position: position && Object.fromEntries(position),
      staleSince: stale?.since,
    },
    suspension: undefined,
  };
}
