// Get-TrustStatus: who holds which certificate of whom, since when and until when, and what is to be done about it.

import { isSameName } from '../directory/organization.ts';
import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import { Problem } from '../problem.ts';
import { EVENTS } from '../tracking/events.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { OutputRecord } from './output.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';
import { listTrust, type TrustRow } from './trust-status.ts';

const DAY_MS = 86_400_000;

export const getTrustStatus = defineCmdlet({
  name: 'Get-TrustStatus',
  roles: ['hub', 'edge'],
  synopsis: 'Show who holds which certificate of whom, since when and until when',
  description:
    "A row for each server and certificate: the current one, a staged next one, a previous one in its grace period. OnRecordHere is this server's directory; OtherSide and AcknowledgedAt are what the last synchronization is known to have brought there.",
  examples: ['Get-TrustStatus', 'Get-TrustStatus EDGE01 --list'],
  parameters: { Identity: { type: 'string', help: 'Only this server, by name or FQDN' } },
  positional: ['Identity'],
  table: ['Server', 'Certificate', 'Thumbprint', 'DaysLeft', 'OtherSide', 'State'],
  changes: false,
  async run(context: ServerContext, { Identity }) {
    const { certificates, clock } = context;
    const snapshot = organizationOf(context).snapshot();
    const now = clock.now();
    const shown = certificates.internalTransport()?.certificate;
    const rows = listTrust({ snapshot, now, shown, staleEdges: await findStaleEdges(context, snapshot.edges) });
    const server = snapshot.servers.find(
      ({ name, fqdn }) => Identity === undefined || isSameName(name, Identity) || isSameName(fqdn, Identity),
    );
    if (!server) throw new Problem('not-found', `${Identity} is no server of this organization`);
    const chosen = rows.filter((row) => Identity === undefined || isSameName(row.server, server.name));
    return { records: chosen.map((row) => describeRow(row, now)) };
  },
});

function describeRow(row: TrustRow, now: Date): OutputRecord {
  const { certificate } = row;
  return {
    Server: row.server,
    Certificate: `${row.part.charAt(0).toUpperCase()}${row.part.slice(1)}`,
    State: row.state,
    DaysLeft: Math.floor((certificate.notAfter.getTime() - now.getTime()) / DAY_MS),
    OnRecordHere: row.heldHere ?? null,
    OtherSide: row.heldThere,
    AcknowledgedAt: row.acknowledgedAt ?? null,
    Since: row.since ?? null,
    Until: row.until ?? null,
    NotBefore: certificate.notBefore,
    NotAfter: certificate.notAfter,
    Subject: certificate.subject,
    Thumbprint: certificate.thumbprint,
    Sha256: certificate.sha256,
  };
}

/** An Edge whose last round stopped at its certificate (10104), neither synchronized nor subscribed again since. */
async function findStaleEdges({ events }: ServerContext, edges: readonly EdgeSubscription[]): Promise<string[]> {
  if (edges.length === 0) return [];
  const [stopped, finished] = await Promise.all(
    [EVENTS.FailedDirectTrustMatch.id, EVENTS.SynchronizationFinished.id].map((id) => events.read({ id })),
  );
  const lastOf = (records: typeof stopped, fact: string, name: string): number =>
    records?.find(({ facts }) => facts[fact] === name)?.time.getTime() ?? 0;
  const stale = edges.filter(({ name, fqdn, subscribedAt }) => {
    const cured = Math.max(subscribedAt.getTime(), lastOf(finished, 'edge', name));
    return lastOf(stopped, 'server', fqdn) > cured;
  });
  return stale.map(({ name }) => name);
}
