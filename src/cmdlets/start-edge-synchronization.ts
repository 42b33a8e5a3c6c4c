// Start-EdgeSynchronization: pushes certificate, credentials, connectors, domains and recipients to the Edges now.

import { SYNC_TYPE_NAMES } from '../directory/edge-sync-cookie.ts';
import type { SyncReport } from '../edgesync/sync-report.ts';
import { NOTHING_COUNTED } from '../edgesync/sync-type.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { OutputRecord } from './output.ts';
import { refuseOtherServer } from './own-server.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const startEdgeSynchronization = defineCmdlet({
  name: 'Start-EdgeSynchronization',
  roles: ['hub'],
  synopsis: 'Synchronize the subscribed Edges now',
  description:
    'Each Edge gets all of a type in one LDAP transaction or keeps what it had. Nothing travels in clear. What has not changed since the last round is not compared again; -ForceFullSync compares all of it.',
  examples: ['Start-EdgeSynchronization', 'Start-EdgeSynchronization -TargetServer EDGE01 -ForceFullSync'],
  parameters: {
    TargetServer: { type: 'string', help: 'The name of one Edge; all when absent' },
    ForceFullSync: { type: 'switch', help: 'Compare everything, whatever the cookie of the last round says' },
    ForceUpdateCookie: { type: 'switch', help: 'Move the cookie on although the Edge refuses what was to be carried' },
    Server: { type: 'string', help: 'The hub that synchronizes: this one' },
  },
  table: ['Result', 'Type', 'Name', 'FailureDetails', 'Added', 'Deleted', 'Updated'],
  view: 'list',
  changes: true,
  async run(context: ServerContext, { TargetServer, ForceFullSync, ForceUpdateCookie, Server }) {
    refuseOtherServer(context.config, Server);
    const startUtc = context.clock.now();
    const reports = await requireHub(context).synchronizer.synchronize({
      edgeName: TargetServer,
      forceFullSync: ForceFullSync,
      forceUpdateCookie: ForceUpdateCookie,
    });
    if (reports.length === 0) return describeReports([reportNoEdge(startUtc)], [NO_SUBSCRIPTIONS]);
    const failed = reports.filter(({ result }) => result !== 'Success');
    const sentences = failed.map(
      ({ name, result, failureDetails }) => `${name} was not synchronized (${result}): ${failureDetails}`,
    );
    return describeReports(reports, [...new Set(sentences)]);
  },
});

const NO_SUBSCRIPTIONS = 'no Edge is subscribed: import one with New-EdgeSubscription -FileName edge.xml -Site <site>';

function reportNoEdge(now: Date): SyncReport {
  const [type] = SYNC_TYPE_NAMES;
  const times = { startUtc: now, endUtc: now };
  return { result: 'NoSubscriptions', type, name: '', failureDetails: NO_SUBSCRIPTIONS, ...times, ...NOTHING_COUNTED };
}

function describeReports(
  reports: readonly SyncReport[],
  failures: readonly string[],
): { records: OutputRecord[]; failures: readonly string[] } {
  return { records: reports.map(describeReport), failures };
}

/** The properties in Exchange's order. */
export function describeReport(report: SyncReport): OutputRecord {
  return {
    Result: report.result,
    Type: report.type,
    Name: report.name,
    FailureDetails: report.failureDetails,
    StartUTC: report.startUtc,
    EndUTC: report.endUtc,
    Added: report.added,
    Deleted: report.deleted,
    Updated: report.updated,
    Scanned: report.scanned,
    TargetScanned: report.targetScanned,
  };
}
