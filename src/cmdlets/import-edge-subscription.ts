// New-EdgeSubscription on a Hub: imports an Edge's subscription file. Its certificate goes into AD, where the Hub judges the
// Edge by it from now on; the two connectors are made; then the first synchronization runs.

import { makeBootstrapCredential } from '../edgesync/credential.ts';
import { checkSubscriptionTimes, readSubscription, type SubscriptionData } from '../edgesync/subscription-file.ts';
import { hasCertificate, type TransportServer } from '../directory/transport-server.ts';
import { Problem } from '../problem.ts';
import { createEvent } from '../tracking/events.ts';
import { defineCmdlet } from './cmdlet.ts';
import { describeSubscription, SUBSCRIPTION_COLUMNS } from './get-edge-subscription.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const importEdgeSubscription = defineCmdlet({
  name: 'New-EdgeSubscription',
  roles: ['hub'],
  synopsis: 'Import an Edge Subscription file and synchronize that Edge',
  description:
    'Stores the certificate of the Edge in AD, makes the Send connectors "EdgeSync - <Site> to Internet" and "EdgeSync - Inbound to <Site>" and synchronizes. Importing a newer file of the same Edge renews its subscription.',
  examples: ['New-EdgeSubscription -FileName edge.xml -Site Default-First-Site-Name'],
  parameters: {
    FileName: { type: 'inputFile', required: true, help: 'The file that New-EdgeSubscription wrote on the Edge' },
    Site: { type: 'string', required: true, help: 'The site whose hubs the Edge serves' },
    CreateInboundSendConnector: {
      type: 'boolean',
      default: '$true',
      help: 'Make the connector from the Edge to the hubs of the site',
    },
    CreateInternetSendConnector: {
      type: 'boolean',
      default: '$true',
      help: 'Make the connector from the Edge to the Internet',
    },
    Thumbprint: {
      type: 'thumbprint',
      help: "Refuse the file unless its certificate has this thumbprint (SHA-256 or Exchange's SHA-1)",
    },
  },
  positional: ['FileName'],
  table: SUBSCRIPTION_COLUMNS,
  changes: true,
  async run(context: ServerContext, parameters, call) {
    const { activeDirectory, synchronizer } = requireHub(context);
    const now = context.clock.now();
    const data = readSubscription(parameters.FileName.content);
    checkSubscriptionTimes(data, now);
    insistOnThumbprint(data, parameters.Thumbprint);
    insistOnSite(parameters.Site, activeDirectory.snapshot().site);
    refuseSharedCertificate(data, activeDirectory.snapshot().hubs);
    call.progress(`The file of ${data.edgeServerName} is whole, in its time and for this site.`);
    if (activeDirectory.snapshot().self.encryptionKeyPem === undefined)
      throw new Problem('server-incomplete', 'this hub has published no key for secrets: restart it');
    await activeDirectory.subscribe({
      subscription: {
        name: data.edgeServerName,
        fqdn: data.edgeServerFqdn,
        role: 'EdgeTransport',
        site: parameters.Site,
        certificate: data.certificate,
        credentials: [],
        serialNumber: data.serialNumber,
        adamSslPort: data.adamSslPort,
        adamCertificate: data.adamCertificate,
        subscriptionEffective: data.effectiveDate,
        subscriptionExpires: new Date(data.effectiveDate.getTime() + data.durationMs),
        subscribedAt: now,
      },
      createInboundSendConnector: parameters.CreateInboundSendConnector,
      createInternetSendConnector: parameters.CreateInternetSendConnector,
      credentialsFor: (hub) =>
        hub.encryptionKeyPem === undefined ? [] : [makeBootstrapCredential(hub.encryptionKeyPem, data)],
    });
    const { sha256, notAfter } = data.certificate;
    call.progress(
      `Its certificate is in AD, valid until ${notAfter.toISOString()}, with the Send connectors that were asked for.`,
    );
    context.events.record(
      createEvent('EdgeSubscriptionImported', { edge: data.edgeServerName, site: parameters.Site, sha256, notAfter }),
    );
    call.progress(`Synchronizing ${data.edgeServerName} for the first time.`);
    const [report] = await synchronizer.synchronize({ edgeName: data.edgeServerName });
    if (report?.result === 'Success')
      call.progress(
        `${data.edgeServerName} showed that certificate, and has this site's certificates, connectors and domains.`,
      );
    const subscription = activeDirectory
      .snapshot()
      .edges.find(({ name }) => name.toLowerCase() === data.edgeServerName.toLowerCase());
    return {
      records: subscription ? [describeSubscription(subscription, activeDirectory.snapshot().hubs)] : [],
      notices: [`The certificate's SHA-256 is ${sha256}. It must be what New-EdgeSubscription printed on the Edge.`],
      warnings:
        report && report.result !== 'Success'
          ? [
              `The subscription is stored, but the first synchronization failed (${report.result}): ${report.failureDetails}.${reachHint(report.result, data)}`,
            ]
          : [],
    };
  },
});

/** What to see to when nobody answered; any other failure says itself what to do. */
function reachHint(result: string, { edgeServerFqdn, adamSslPort }: SubscriptionData): string {
  return result === 'CouldNotConnect'
    ? ` The hub must resolve ${edgeServerFqdn} and reach it on port ${adamSslPort}; then run Start-EdgeSynchronization.`
    : '';
}

function insistOnThumbprint({ certificate }: SubscriptionData, wanted: string | undefined): void {
  if (wanted === undefined || wanted === certificate.sha256 || wanted === certificate.thumbprint) return;
  throw new Problem(
    'thumbprint-mismatch',
    `the certificate in the file has the SHA-256 ${certificate.sha256}, not the thumbprint given: nothing was stored; get the file from the Edge again`,
  );
}

/** Direct trust could not tell the two apart; EdgeSync would refuse it too, but then the old state would be gone. */
function refuseSharedCertificate(
  { certificate, edgeServerName }: SubscriptionData,
  hubs: readonly TransportServer[],
): void {
  const owner = hubs.find((hub) => hasCertificate(hub, certificate));
  if (!owner) return;
  throw new Problem(
    'certificate-on-two-servers',
    `${edgeServerName} and ${owner.name} have the same certificate ${certificate.thumbprint}: nothing was stored; give one of them another with New-ExchangeCertificate`,
  );
}

function insistOnSite(site: string, own: string): void {
  if (site.toLowerCase() === own.toLowerCase()) return;
  throw new Problem('site-unknown', `there is no hub in the site "${site}"; this hub is in "${own}"`);
}
