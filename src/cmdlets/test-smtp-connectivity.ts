// Test-SmtpConnectivity: dials this server's own listeners and, our extension, the other members of the pair, and says what
// they answer, which certificate they show and what time they think it is. smtp-probe.ts looks, this file knows where and why.

import { type Endpoint, formatEndpoint, isSubmission, parseEndpoint } from '../config.ts';
import type { ReceiveConnector } from '../directory/receive-connector.ts';
import { Problem } from '../problem.ts';
import { certificatesOnRecord } from '../tls/on-record.ts';
import { explainUnknown, findAddresses } from '../transport/next-hop.ts';
import type { Peer } from '../transport/organisation.ts';
import { pairTls } from '../transport/route.ts';
import { verbsFor } from '../transport/smtp-hop.ts';
import { explainReason } from '../trust/reasons.ts';
import { type CmdletCall, defineCmdlet } from './cmdlet.ts';
import { type OutputRecord, timeSpanValue } from './output.ts';
import type { ServerContext } from './server-context.ts';
import { explainSkew, formatTarget, isSkewed, type ProbeReport, type ProbeTarget, probeSmtp } from './smtp-probe.ts';

/** A line of the table that is to be. */
interface Place {
  readonly server: string;
  readonly receiveConnector: string;
  readonly binding: string;
  /** A sentence when there is nothing to dial. */
  readonly target: ProbeTarget | string;
  readonly isPeer: boolean;
}

const SMTP_PORT = 25;

export const testSmtpConnectivity = defineCmdlet({
  name: 'Test-SmtpConnectivity',
  roles: ['hub', 'edge'],
  synopsis: 'Dial the listeners of this server and of its pair and report what they show',
  description:
    'Each binding of each Receive connector of this server, and each other member of the pair as mail reaches it: greeting, EHLO, TLS version, whether the certificate shown is the one on record, and clocks that differ by more than five minutes. It never sends mail.',
  examples: ['Test-SmtpConnectivity', 'Test-SmtpConnectivity EDGE01 --list'],
  parameters: {
    Identity: { type: 'string', help: 'Only this server, by name or FQDN' },
    Timeout: { type: 'duration', help: 'How long each step may take', default: '10s' },
  },
  positional: ['Identity'],
  table: ['Server', 'ReceiveConnector', 'Binding', 'EndPoint', 'StatusCode', 'Details'],
  changes: false,
  async run(context: ServerContext, { Identity, Timeout }, call) {
    const places = await choosePlaces(context, Identity);
    const looks = await Promise.all(places.map((place) => look(context, place, { timeoutMs: Timeout, call })));
    return {
      records: looks.map(({ record }) => record),
      warnings: looks.flatMap(({ warnings }) => warnings),
    };
  },
});

async function choosePlaces(context: ServerContext, identity: string | undefined): Promise<readonly Place[]> {
  const { config } = context;
  const isMeant = (...names: readonly string[]): boolean =>
    identity === undefined || names.some((name) => name.toLowerCase() === identity.toLowerCase());
  const isOwnMeant = isMeant(config.netbiosName, config.fqdn);
  const peers = context.organisation().peers.filter(({ name, fqdn }) => isMeant(name, fqdn));
  if (!isOwnMeant && peers.length === 0) {
    throw new Problem('not-found', `${identity} is neither this server nor a member of its pair`);
  }
  const peerPlaces = await Promise.all(peers.map((peer) => placesOfPeer(context, peer)));
  return [...(isOwnMeant ? ownPlaces(context) : []), ...peerPlaces.flat()];
}

/** Every binding of every connector, and the addresses where a listener has no connector. */
function ownPlaces(context: ServerContext): readonly Place[] {
  const connectors = context.organisation().receiveConnectors.filter(({ enabled }) => enabled);
  const bound = connectors.flatMap((connector) => {
    const served = context.addresses.filter(({ service }) => isSubmission(service) === connector.submission);
    const bindings = bindingsOf(connector, served);
    return bindings.map(({ binding, endpoint }) => ownPlace(context, { connector, binding, endpoint }));
  });
  const known = new Set(bound.map(({ target }) => (typeof target === 'string' ? '' : formatEndpoint(target.endpoint))));
  const orphans = context.addresses.filter((address) => !known.has(formatEndpoint(address)));
  return [...bound, ...orphans.map((endpoint) => ownPlace(context, { binding: formatEndpoint(endpoint), endpoint }))];
}

interface Bound {
  readonly connector?: ReceiveConnector;
  readonly binding: string;
  readonly endpoint: Endpoint;
}

function ownPlace(context: ServerContext, { connector, binding, endpoint }: Bound): Place {
  const { certificates, clock, config } = context;
  const connectorFqdn = connector?.fqdn ?? config.fqdn;
  const byNameAlone = connector?.tlsVerb === 'XAnonymousTls';
  const question = { servername: connectorFqdn, connectorFqdn, serverFqdn: config.fqdn, now: clock.now(), byNameAlone };
  const selected = certificates.selectFor(question)?.certificate;
  return {
    server: config.netbiosName,
    receiveConnector: connector?.name ?? '',
    binding,
    target: {
      endpoint,
      servername: connectorFqdn,
      onRecord: selected ? [selected] : [],
      ...(connector && { tlsTerms: connector }),
    },
    isPeer: false,
  };
}

/** Port 0 is whatever it became; a binding at which nothing listens is dialled all the same, since that is the question. */
function bindingsOf({ bindings }: ReceiveConnector, addresses: readonly Endpoint[]): readonly Bound[] {
  if (bindings.length === 0) return addresses.map((endpoint) => ({ binding: formatEndpoint(endpoint), endpoint }));
  return bindings.flatMap((binding) => {
    const wanted = parseEndpoint(binding);
    if (!wanted) return [];
    const listening = addresses.filter(({ host, port }) => host === wanted.host && [0, port].includes(wanted.port));
    return (listening.length > 0 ? listening : [wanted]).map((endpoint) => ({ binding, endpoint }));
  });
}

async function placesOfPeer(context: ServerContext, peer: Peer): Promise<readonly Place[]> {
  const { clock, config, resolver } = context;
  const base = { server: peer.name, receiveConnector: '', binding: '', isPeer: true };
  const found = await findAddresses({ hosts: config.hosts, resolver }, peer.fqdn, SMTP_PORT);
  if (found.kind === 'unknown') return [{ ...base, target: explainUnknown(found) }];
  const onRecord = certificatesOnRecord(peer, clock.now()).map(({ certificate }) => certificate);
  const tls = pairTls(context.organisation());
  return found.addresses.map(({ host, port }) => ({
    ...base,
    target: {
      endpoint: { host, port },
      servername: peer.fqdn,
      onRecord,
      tlsVerbs: verbsFor({ peer, tls }),
      tlsTerms: tls,
    },
  }));
}

interface Look {
  readonly record: OutputRecord;
  readonly warnings: readonly string[];
}

async function look(
  context: ServerContext,
  place: Place,
  { timeoutMs, call }: { timeoutMs: number; call: CmdletCall },
): Promise<Look> {
  const { target } = place;
  if (typeof target === 'string') {
    const nothing: ProbeReport = { statusCode: 'Unable to connect', details: [target], isDowngradeSuspected: false };
    return { record: makeRecord(place, nothing), warnings: [] };
  }
  call.progress(`dialling ${place.server} at ${formatTarget(target)}`);
  const { certificates, clock, config, log, captureControl } = context;
  const own = certificates.internalTransport()?.certificate.thumbprint;
  const clientCertificate = own === undefined ? undefined : certificates.keyPair(own);
  const report = await probeSmtp(target, {
    name: config.fqdn,
    clientCertificate,
    timeoutMs,
    clock,
    log,
    tap: captureControl.tap,
  });
  const warnings = warningsOf(context, place, report).map(
    (text) => `${place.server} at ${formatTarget(target)}: ${text}`,
  );
  return { record: makeRecord(place, report), warnings };
}

/** Exchange's columns, then what a program wants apart. */
function makeRecord({ server, receiveConnector, binding, target }: Place, report: ProbeReport): OutputRecord {
  const { tls, clockDifferenceMs } = report;
  return {
    Server: server,
    ReceiveConnector: receiveConnector,
    Binding: binding,
    EndPoint: typeof target === 'string' ? '' : formatTarget(target),
    StatusCode: report.statusCode,
    Details: report.details.join('; '),
    TlsProtocol: tls?.protocol ?? null,
    TlsCipher: tls?.cipher ?? null,
    Thumbprint: tls?.peerCertificate?.thumbprint ?? null,
    CertificateStatus: report.certificateStatus ?? null,
    ClockDifference: clockDifferenceMs === undefined ? null : timeSpanValue(Math.abs(clockDifferenceMs)),
  };
}

function warningsOf({ config }: ServerContext, { isPeer }: Place, report: ProbeReport): readonly string[] {
  const { clockDifferenceMs } = report;
  const warnings: string[] = [];
  if (isPeer && report.certificateStatus === 'NotOnRecord') warnings.push(untrustedWarning(config.role));
  if (isPeer && report.certificateStatus === 'SameKeyReissued') warnings.push(explainReason('same-key-reissued'));
  if (report.certificateStatus === 'Expired') warnings.push('its certificate has expired: make a new one there');
  if (isPeer && report.isDowngradeSuspected)
    warnings.push('STARTTLS is missing: something on the way may be hiding it');
  if (clockDifferenceMs !== undefined && isSkewed(clockDifferenceMs)) {
    warnings.push(`its clock ${explainSkew(clockDifferenceMs)}: set both to the right time`);
  }
  return warnings;
}

/** The cure of a certificate that is not on record depends on who carries it where. */
function untrustedWarning(role: 'hub' | 'edge'): string {
  const cure =
    role === 'hub'
      ? 'subscribe it again (New-EdgeSubscription, there and here)'
      : 'run Start-EdgeSynchronization there';
  return `it shows a certificate that is not on record: unless it is an impostor, ${cure}`;
}
