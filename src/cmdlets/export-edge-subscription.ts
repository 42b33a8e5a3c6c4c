// New-EdgeSubscription on an Edge: writes the subscription file for a Hub. The private key never leaves the machine; the file
// holds the public certificate and a bootstrap account that works for a day at most.

import { Problem } from '../problem.ts';
import { writeSubscription } from '../edgesync/subscription-file.ts';
import { defineCmdlet } from './cmdlet.ts';
import { requireEdge } from './roles.ts';
import type { ServerContext } from './server-context.ts';

const MIN_DURATION_MS = 2 * 60_000;
/** Exchange's packed version and serial number of 2007 SP1: what importers of this format have seen. */
const VERSION_NUMBER = 1_912_832_085;
const SERIAL_NUMBER = 'Version 8.1 (Build 30240.6)';

export const exportEdgeSubscription = defineCmdlet({
  name: 'New-EdgeSubscription',
  roles: ['edge'],
  synopsis: 'Export the Edge Subscription file for a Hub',
  description:
    'Writes the public certificate of this Edge and a bootstrap account into an XML file (mode 0600) in the current folder. From then on Send connectors and accepted domains are changed on a Hub. Exporting again on a subscribed Edge stops no mail.',
  examples: ['New-EdgeSubscription -FileName edge.xml'],
  parameters: {
    FileName: { type: 'outputFile', required: true, help: 'The file to write; must end in .xml' },
    AccountExpiryDuration: {
      type: 'duration',
      default: '1.00:00:00',
      help: 'How long the bootstrap account works, 00:02:00 to 1.00:00:00',
    },
  },
  positional: ['FileName'],
  table: [],
  changes: true,
  confirm: () =>
    'Connectors and accepted domains that were made on this Edge by hand will be overwritten by EdgeSync. Export the Edge Subscription?',
  async run(context: ServerContext, parameters) {
    const { adam, announce } = requireEdge(context);
    const door = announce();
    if (!parameters.FileName.toLowerCase().endsWith('.xml'))
      throw new Problem('bad-value', `-FileName: ${parameters.FileName} must end in .xml`);
    const durationMs = parameters.AccountExpiryDuration;
    if (durationMs < MIN_DURATION_MS || durationMs > 86_400_000) {
      throw new Problem('bad-value', '-AccountExpiryDuration must lie between 00:02:00 and 1.00:00:00');
    }
    const certificate = context.certificates.internalTransport()?.certificate;
    if (!certificate)
      throw new Problem(
        'no-certificate',
        'this Edge has no certificate enabled for SMTP: make one with New-ExchangeCertificate',
      );
    const account = await adam.exportSubscription(durationMs);
    const content = writeSubscription({
      edgeServerName: context.config.netbiosName,
      edgeServerFqdn: context.config.fqdn,
      certificate,
      esraUsername: account.userName,
      esraPassword: account.password,
      effectiveDate: account.effective,
      durationMs,
      adamSslPort: door.port,
      adamCertificate: door.certificate,
      serverType: '',
      productId: '',
      versionNumber: VERSION_NUMBER,
      serialNumber: SERIAL_NUMBER,
    });
    return {
      records: [],
      files: [{ parameter: 'FileName', content: Buffer.from(content), mode: 0o600 }],
      notices: [
        `The certificate's SHA-256 is ${certificate.sha256}. Compare it when the file is imported on the Hub, or insist on it there with -Thumbprint.`,
        `The file is valid for ${Math.round(durationMs / 60_000)} minutes. On the Hub: New-EdgeSubscription -FileName ${parameters.FileName} -Site <site>`,
      ],
    };
  },
});
