// Whether this server takes and hands on mail as it should, and what is in the way: for /readyz, which a load balancer asks, and
// for the page. A reason takes the server out of turn; a warning is for people, mail flows all the same.

import type { ServerContext } from '../cmdlets/server-context.ts';
import { validityAt } from '../tls/certificate.ts';

export interface Finding {
  readonly code: string;
  readonly detail: string;
}

interface Pressed {
  readonly name: string;
  readonly level: string;
}

export interface Readiness {
  readonly isReady: boolean;
  readonly reasons: readonly Finding[];
  readonly warnings: readonly Finding[];
}

export function readReadiness(context: ServerContext): Readiness {
  const pressed = [...findPressure(context)];
  const reasons = [
    ...findSuspension(context),
    ...pressed.filter(({ level }) => level === 'High').map(describePressure),
  ];
  const warnings = [
    ...pressed.filter(({ level }) => level !== 'High').map(describePressure),
    ...findDirectory(context),
    ...findLag(context),
    ...findCertificate(context),
  ];
  return { isReady: reasons.length === 0, reasons, warnings };
}

/** A full disk of records costs no mail. */
function findPressure({ resources }: ServerContext): readonly Pressed[] {
  return resources.states().filter(({ name, level }) => level !== 'Normal' && name !== 'UsedDiskSpace[Logs]');
}

function describePressure({ name, level }: Pressed): Finding {
  const whose = level === 'High' ? "everybody's mail" : "strangers' mail";
  return { code: 'back-pressure', detail: `the pressure on ${name} is ${level}: ${whose} is refused with 452 4.3.1` };
}

function* findSuspension({ spool }: ServerContext): Generator<Finding> {
  const by = spool.nodes?.suspendedBy;
  if (by !== undefined)
    yield { code: 'node-suspended', detail: `this node takes no mail, as ${by} asked: Resume-Node ends that` };
}

function* findLag({ nodeState }: ServerContext): Generator<Finding> {
  const { behindSince } = nodeState();
  if (behindSince)
    yield {
      code: 'node-behind',
      detail: `this node lacks changes of the directory that other nodes have had since ${behindSince.toISOString()}`,
    };
}

function* findDirectory({ directoryStatus }: ServerContext): Generator<Finding> {
  const { stale } = directoryStatus();
  if (stale)
    yield {
      code: 'directory-stale',
      detail: `the directory cannot be read since ${stale.since.toISOString()} and mail goes on with its last good state: ${stale.reason}`,
    };
}

function* findCertificate({ certificates, clock }: ServerContext): Generator<Finding> {
  const certificate = certificates.internalTransport()?.certificate;
  if (!certificate)
    yield {
      code: 'certificate-missing',
      detail: 'this server has no certificate enabled for SMTP: mail goes in clear',
    };
  else if (validityAt(certificate, clock.now(), 0) !== 'valid')
    yield {
      code: 'certificate-out-of-dates',
      detail: `the certificate ${certificate.thumbprint} of this server is valid from ${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()} only`,
    };
}
