// The table of all cmdlets, one file each. To add one: write src/cmdlets/verb-noun.ts and list it here; the shell, the help,
// completion and test/contract/cmdlet.test.ts then know it. New-EdgeSubscription stands in two files, one for each side.

import type { Role } from '../config.ts';
import type { Cmdlet } from './cmdlet.ts';
import { enableExchangeCertificate } from './enable-exchange-certificate.ts';
import { exportCapture } from './export-capture.ts';
import { exportEdgeSubscription } from './export-edge-subscription.ts';
import { exportExchangeCertificate } from './export-exchange-certificate.ts';
import { exportMessage } from './export-message.ts';
import { getAccessToken } from './get-access-token.ts';
import { getAcceptedDomain } from './get-accepted-domain.ts';
import { getCapture } from './get-capture.ts';
import { getCounter } from './get-counter.ts';
import { getDecisionCard } from './get-decision-card.ts';
import { getDirectoryAccount } from './get-directory-account.ts';
import { getDirectoryStatus } from './get-directory-status.ts';
import { getEdgeSubscription } from './get-edge-subscription.ts';
import { getEdgeSyncServiceConfig } from './get-edge-sync-service-config.ts';
import { getEventLog } from './get-event-log.ts';
import { getExchangeDiagnosticInfo } from './get-exchange-diagnostic-info.ts';
import { getExchangeCertificate } from './get-exchange-certificate.ts';
import { getLabClock } from './get-lab-clock.ts';
import { getMessage } from './get-message.ts';
import { getMessageTrackingLog } from './get-message-tracking-log.ts';
import { getNode } from './get-node.ts';
import { getQueue } from './get-queue.ts';
import { getReceiveConnector } from './get-receive-connector.ts';
import { getRecipient } from './get-recipient.ts';
import { getRecipientFilterConfig } from './get-recipient-filter-config.ts';
import { getSendConnector } from './get-send-connector.ts';
import { getTransportConfig } from './get-transport-config.ts';
import { getTransportServer } from './get-transport-server.ts';
import { getTrustStatus } from './get-trust-status.ts';
import { importEdgeSubscription } from './import-edge-subscription.ts';
import { importExchangeCertificate } from './import-exchange-certificate.ts';
import { importRecipient } from './import-recipient.ts';
import { newAccessToken } from './new-access-token.ts';
import { newAcceptedDomain } from './new-accepted-domain.ts';
import { newDirectoryAccount } from './new-directory-account.ts';
import { newExchangeCertificate } from './new-exchange-certificate.ts';
import { newMailUser } from './new-mail-user.ts';
import { newReceiveConnector } from './new-receive-connector.ts';
import { newSendConnector } from './new-send-connector.ts';
import { removeAccessToken } from './remove-access-token.ts';
import { removeAcceptedDomain } from './remove-accepted-domain.ts';
import { removeCapture } from './remove-capture.ts';
import { removeDirectoryAccount } from './remove-directory-account.ts';
import { removeEdgeSubscription } from './remove-edge-subscription.ts';
import { removeExchangeCertificate } from './remove-exchange-certificate.ts';
import { removeMessage } from './remove-message.ts';
import { removeMailUser } from './remove-mail-user.ts';
import { removeReceiveConnector } from './remove-receive-connector.ts';
import { removeSendConnector } from './remove-send-connector.ts';
import { removeTransportServer } from './remove-transport-server.ts';
import { resumeMessage } from './resume-message.ts';
import { resumeNode } from './resume-node.ts';
import { resumeQueue } from './resume-queue.ts';
import { retryQueue } from './retry-queue.ts';
import { setAcceptedDomain } from './set-accepted-domain.ts';
import { setEdgeSyncServiceConfig } from './set-edge-sync-service-config.ts';
import { setMailUser } from './set-mail-user.ts';
import { setLabClock } from './set-lab-clock.ts';
import { setReceiveConnector } from './set-receive-connector.ts';
import { setRecipientFilterConfig } from './set-recipient-filter-config.ts';
import { setSendConnector } from './set-send-connector.ts';
import { setTransportConfig } from './set-transport-config.ts';
import { startCapture } from './start-capture.ts';
import { startEdgeSynchronization } from './start-edge-synchronization.ts';
import { stopCapture } from './stop-capture.ts';
import { suspendMessage } from './suspend-message.ts';
import { suspendNode } from './suspend-node.ts';
import { suspendQueue } from './suspend-queue.ts';
import { testEdgeSynchronization } from './test-edge-synchronization.ts';
import { testFailoverCmdlet } from './test-failover.ts';
import { testSmtpConnectivity } from './test-smtp-connectivity.ts';
import { testSpool } from './test-spool.ts';
import { updateConfiguration } from './update-configuration.ts';
import type { ServerContext } from './server-context.ts';

export const CMDLETS: readonly Cmdlet<ServerContext>[] = [
  enableExchangeCertificate,
  exportCapture,
  exportEdgeSubscription,
  exportExchangeCertificate,
  exportMessage,
  getAccessToken,
  getAcceptedDomain,
  getCapture,
  getCounter,
  getDecisionCard,
  getDirectoryAccount,
  getDirectoryStatus,
  getEdgeSubscription,
  getEdgeSyncServiceConfig,
  getEventLog,
  getExchangeDiagnosticInfo,
  getExchangeCertificate,
  getLabClock,
  getMessageTrackingLog,
  getMessage,
  getNode,
  getQueue,
  getReceiveConnector,
  getRecipient,
  getRecipientFilterConfig,
  getSendConnector,
  getTransportConfig,
  getTransportServer,
  getTrustStatus,
  importEdgeSubscription,
  importExchangeCertificate,
  importRecipient,
  newAccessToken,
  newAcceptedDomain,
  newDirectoryAccount,
  newExchangeCertificate,
  newMailUser,
  newReceiveConnector,
  newSendConnector,
  removeAccessToken,
  removeAcceptedDomain,
  removeCapture,
  removeDirectoryAccount,
  removeEdgeSubscription,
  removeExchangeCertificate,
  removeMailUser,
  removeMessage,
  removeReceiveConnector,
  removeSendConnector,
  removeTransportServer,
  resumeMessage,
  resumeNode,
  resumeQueue,
  retryQueue,
  setAcceptedDomain,
  setEdgeSyncServiceConfig,
  setMailUser,
  setLabClock,
  setReceiveConnector,
  setRecipientFilterConfig,
  setSendConnector,
  setTransportConfig,
  startCapture,
  startEdgeSynchronization,
  stopCapture,
  suspendMessage,
  suspendNode,
  suspendQueue,
  testEdgeSynchronization,
  testFailoverCmdlet,
  testSmtpConnectivity,
  testSpool,
  updateConfiguration,
];

function cmdletsOf(role: Role): readonly Cmdlet<ServerContext>[] {
  return CMDLETS.filter(({ roles }) => roles.includes(role)).toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

export const HUB_CMDLETS = cmdletsOf('hub');
export const EDGE_CMDLETS = cmdletsOf('edge');
