// Test-EdgeSynchronization: whether the Edges are what AD says; changes nothing. Exchange's properties, and the differences by name.

import { DIFFERENCE_GROUPS, type DifferenceGroup } from '../edgesync/difference.ts';
import type { EdgeTestReport, TypeFinding } from '../edgesync/edge-test.ts';
import { Problem } from '../problem.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { OutputRecord } from './output.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const testEdgeSynchronization = defineCmdlet({
  name: 'Test-EdgeSynchronization',
  roles: ['hub'],
  synopsis: 'Look whether the subscribed Edges are what AD says',
  description:
    'Without -FullCompareMode the cookies are looked at: their age, and whether AD has changes that no round has carried yet. With it both directories are compared object by object, and each difference is named. Nothing is changed.',
  examples: [
    'Test-EdgeSynchronization',
    'Test-EdgeSynchronization -FullCompareMode | fl SyncStatus,Differences',
    'Test-EdgeSynchronization -VerifyRecipient ed@contoso.com',
  ],
  parameters: {
    TargetServer: { type: 'string', help: 'The name of one Edge; all when absent' },
    FullCompareMode: { type: 'switch', help: 'Compare both directories object by object' },
    MaxReportSize: { type: 'count', minimum: 1, default: '1000', help: 'How many differences are named, or unlimited' },
    ExcludeRecipientTest: { type: 'switch', help: 'Leave the recipients out' },
    VerifyRecipient: { type: 'string', help: 'Look at one recipient alone: its name, an address of it or its GUID' },
  },
  table: ['Name', 'SyncStatus', 'LeaseHolder', 'LastSynchronizedUtc', 'FailureDetail'],
  view: 'list',
  changes: false,
  async run(context: ServerContext, given) {
    const { TargetServer, FullCompareMode, MaxReportSize, ExcludeRecipientTest, VerifyRecipient } = given;
    if (VerifyRecipient !== undefined && (FullCompareMode || ExcludeRecipientTest)) {
      throw new Problem('bad-value', '-VerifyRecipient looks at one recipient alone: leave the other switches away');
    }
    const reports = await requireHub(context).synchronizer.test({
      edgeName: TargetServer,
      isFull: FullCompareMode,
      excludesRecipients: ExcludeRecipientTest,
      verifyRecipient: VerifyRecipient,
      maxReportSize: MaxReportSize === 'unlimited' ? Number.POSITIVE_INFINITY : MaxReportSize,
    });
    const now = context.clock.now();
    return {
      records: reports.map((report) => describeReport(report, now)),
      failures: reports
        .filter(({ status }) => status === 'Failed')
        .map(({ name, failureDetail, differenceCount }) =>
          differenceCount > 0 ? `${name} differs from AD in ${differenceCount} places` : `${name}: ${failureDetail}`,
        ),
    };
  },
});

/** The properties in Exchange's order, then the differences. */
function describeReport(report: EdgeTestReport, now: Date): OutputRecord {
  const { lease, types, differences, differenceCount } = report;
  const isHeld = lease !== undefined && lease.expires > now;
  const times = types.flatMap(({ cookie }) => (cookie && cookie.version > 0 ? [cookie.time.getTime()] : []));
  const statuses = Object.fromEntries(DIFFERENCE_GROUPS.map((group) => [group, statusOf(group, report)]));
  return {
    SyncStatus: report.status,
    UtcNow: now,
    Name: report.name,
    LeaseHolder: isHeld ? lease.holder : '',
    LeaseType: isHeld ? lease.kind : 'None',
    FailureDetail: report.failureDetail,
    LeaseExpiryUtc: isHeld ? lease.expires : null,
    LastSynchronizedUtc: times.length === 0 ? null : new Date(Math.max(...times)),
    TransportServerStatus: statuses['TransportServer'],
    TransportConfigStatus: statuses['TransportConfig'],
    AcceptedDomainStatus: statuses['AcceptedDomain'],
    RemoteDomainStatus: 'Skipped',
    SendConnectorStatus: statuses['SendConnector'],
    MessageClassificationStatus: 'Skipped',
    RecipientStatus: statuses['Recipient'],
    CredentialRecords: statuses['Credential'],
    CookieRecords: types.map(describeCookie),
    Differences: differences?.map(({ sentence }) => sentence) ?? [],
    DifferenceCount: differences ? differenceCount : null,
  };
}

function statusOf(group: DifferenceGroup, { compared, differing }: EdgeTestReport): string {
  if (!compared.has(group)) return 'Skipped';
  return differing.has(group) ? 'NotSynchronized' : 'Synchronized';
}

function describeCookie({ type, cookie, isPending, isStale }: TypeFinding): string {
  if (!cookie || cookie.version === 0) return `${type}: none`;
  const state = isStale ? 'too old' : isPending ? 'changes are waiting' : 'up to date';
  return `${type}: version ${cookie.version} by ${cookie.hub} at ${cookie.time.toISOString()}, ${state}`;
}
