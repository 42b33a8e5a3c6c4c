// Start-EdgeSynchronization: pushes certificate, credentials, connectors and domains to the Edges now.

import type { SyncReport } from '../edgesync/sync-round.ts';
import { Problem } from '../problem.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { OutputRecord } from './output.ts';
import { refuseOtherServer } from './own-server.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const startEdgeSynchronization = defineCmdlet({
  name: 'Start-EdgeSynchronization',
  roles: ['hub'],
  synopsis: 'Synchronize the subscribed Edges now',
  description: 'Each Edge gets all of it in one LDAP transaction or keeps what it had. Nothing travels in clear.',
  parameters: {
    TargetServer: { type: 'string', help: 'The name of one Edge; all when absent' },
    Server: { type: 'string', help: 'The hub that synchronizes: this one' },
  },
  table: ['Result', 'Type', 'Name', 'FailureDetails', 'Added', 'Deleted', 'Updated'],
  view: 'list',
  changes: true,
  async run(context: ServerContext, { TargetServer, Server }) {
    refuseOtherServer(context.config, Server);
    const reports = await requireHub(context).synchronizer.synchronize(TargetServer);
    if (reports.length === 0)
      throw new Problem(
        'no-subscriptions',
        'no Edge is subscribed: import one with New-EdgeSubscription -FileName edge.xml -Site <site>',
      );
    const failed = reports.filter(({ result }) => result !== 'Success');
    return {
      records: reports.map(describeReport),
      failures: failed.map(
        ({ name, result, failureDetails }) => `${name} was not synchronized (${result}): ${failureDetails}`,
      ),
    };
  },
});

/** The properties in Exchange's order. */
function describeReport(report: SyncReport): OutputRecord {
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
