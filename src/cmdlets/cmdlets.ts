// The table of all cmdlets, one file each. To add one: write src/cmdlets/verb-noun.ts and list it here; the shell, the help,
// completion and test/contract/cmdlet.test.ts then know it. New-EdgeSubscription stands in two files, one for each side.

import type { Role } from '../config.ts';
import type { Cmdlet } from './cmdlet.ts';
import { enableExchangeCertificate } from './enable-exchange-certificate.ts';
import { exportEdgeSubscription } from './export-edge-subscription.ts';
import { exportExchangeCertificate } from './export-exchange-certificate.ts';
import { getEdgeSubscription } from './get-edge-subscription.ts';
import { getExchangeCertificate } from './get-exchange-certificate.ts';
import { importEdgeSubscription } from './import-edge-subscription.ts';
import { importExchangeCertificate } from './import-exchange-certificate.ts';
import { newExchangeCertificate } from './new-exchange-certificate.ts';
import { removeEdgeSubscription } from './remove-edge-subscription.ts';
import { removeExchangeCertificate } from './remove-exchange-certificate.ts';
import type { ServerContext } from './server-context.ts';
import { startEdgeSynchronization } from './start-edge-synchronization.ts';
import { testSmtpConnectivity } from './test-smtp-connectivity.ts';

export const CMDLETS: readonly Cmdlet<ServerContext>[] = [
  enableExchangeCertificate,
  exportEdgeSubscription,
  exportExchangeCertificate,
  getEdgeSubscription,
  getExchangeCertificate,
  importEdgeSubscription,
  importExchangeCertificate,
  newExchangeCertificate,
  removeEdgeSubscription,
  removeExchangeCertificate,
  startEdgeSynchronization,
  testSmtpConnectivity,
];

function cmdletsOf(role: Role): readonly Cmdlet<ServerContext>[] {
  return CMDLETS.filter(({ roles }) => roles.includes(role)).toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

export const HUB_CMDLETS = cmdletsOf('hub');
export const EDGE_CMDLETS = cmdletsOf('edge');
