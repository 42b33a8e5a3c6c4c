// Watches how a server stands to its directory: events when it begins and ends to be away, metrics, and the status that
// Get-DirectoryStatus shows.

import { formatEndpoint } from './config.ts';
import type { Directory } from './directory/directory.ts';
import type { DirectoryStatus } from './directory/directory-status.ts';
import type { OrganizationDirectory } from './directory/organization-directory.ts';
import type { OrganizationSnapshot } from './directory/organization.ts';
import type { ReplicaPosition } from './directory/replica-position.ts';
import { isProblem, messageOf } from './problem.ts';
import type { Foundation } from './server.ts';
import { createEvent } from './tracking/events.ts';

/** What is watched. */
export interface WatchedDirectory {
  readonly directory: Directory;
  readonly organization: Pick<OrganizationDirectory<OrganizationSnapshot>, 'fault' | 'onReading'>;
  /** How far what is known of the organisation has come; may throw Problem `directory-closed`. */
  readonly position: () => ReplicaPosition | undefined;
}

/** Begins to watch; the function it gives tells the status of the moment. */
export function watchDirectory(
  { config, clock, events, metrics, parts }: Foundation,
  { directory, organization, position }: WatchedDirectory,
): () => DirectoryStatus {
  const servers = config.directory.backend === 'ldap' ? config.directory.urls.map(formatEndpoint) : [];
  const place = servers.join(', ') || 'embedded';
  let stale: DirectoryStatus['stale'];
  let lastReadAt: Date | undefined;

  const begin = (fault: unknown): void => {
    metrics.directoryReadFailures.inc();
    metrics.directoryStale.set(1);
    const reason = messageOf(fault);
    if (!stale) events.record(createEvent('DirectoryUnreachable', { directory: place, cause: reason }));
    stale = { since: stale?.since ?? clock.now(), reason };
  };
  const end = (): void => {
    metrics.directoryReads.inc();
    metrics.directoryStale.set(0);
    lastReadAt = clock.now();
    if (stale) events.record(createEvent('DirectoryReachable', { directory: place, since: stale.since }));
    stale = undefined;
  };
  const note = (fault: unknown): void => (fault === undefined ? end() : begin(fault));

  note(organization.fault);
  parts.add(organization.onReading(note));
  const { backend, namingContext } = directory;
  return () => ({
    backend,
    server: directory.server ?? servers[0],
    servers,
    namingContext,
    lastReadAt,
    position: unlessClosed(position),
    stale,
  });
}

function unlessClosed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isProblem(error, 'directory-closed')) return undefined;
    throw error;
  }
}
