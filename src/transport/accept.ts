// Who may hand in what: pure decisions in Exchange's order. A Receive connector is chosen by address, a client is a
// principal by what it proved, the connector's permission groups turn that into rights, and rights into a reply.
// Addresses alone never make anybody more than anonymous.

import { type AcceptedDomain, findAcceptedDomain } from '../directory/accepted-domain.ts';
import { isListed } from '../directory/transport-config.ts';
import { hashAddress, hashMailbox } from '../directory/proxy-address.ts';
import { type Principal, type ReceiveConnector, type Right, rightsOf } from '../directory/receive-connector.ts';
import type { Mailbox } from '../smtp/address.ts';
import { REPLIES } from '../smtp/replies.ts';
import type { Reply } from '../smtp/reply.ts';
import type { MailCommand } from '../smtp/session-policy.ts';
import type { MessageFacts } from './message-scan.ts';
import type { Organisation } from './organisation.ts';

/** What a session has come to be. */
export interface Standing {
  readonly connector: ReceiveConnector;
  readonly principal: Principal;
  readonly isTls: boolean;
  /** What of TLSReceiveDomainSecureList its certificate proves it to be. */
  readonly partnerOf?: readonly string[];
}

/**
 * The refusal of MAIL FROM, if any: TLS first where it is required, also for this sender's domain, then the right to submit, to
 * send as this sender, and then the size. Whether a mail user may send as this sender is asked for apart: the directory knows.
 */
export function refuseSender(
  standing: Standing,
  { reversePath, sizeBytes: declaredSizeBytes }: Pick<MailCommand, 'reversePath' | 'sizeBytes'>,
  { acceptedDomains, transportConfig }: Pick<Organisation, 'acceptedDomains' | 'transportConfig'>,
): Reply | undefined {
  if (standing.connector.requireTls && !standing.isTls) return REPLIES.tlsRequired;
  const { tlsReceiveDomainSecureList } = transportConfig;
  if (reversePath && isUnproven(standing, reversePath, tlsReceiveDomainSecureList)) return REPLIES.domainUnproven;
  if (!hasRight(standing, 'Ms-Exch-SMTP-Submit')) return REPLIES.authRequired;
  if (reversePath && isForbiddenSender(standing, reversePath, acceptedDomains)) return REPLIES.anonymousSenderDenied;
  const limitBytes = sizeLimitOf(standing) ?? Number.POSITIVE_INFINITY;
  return declaredSizeBytes !== undefined && declaredSizeBytes > limitBytes ? REPLIES.messageTooLarge : undefined;
}

/**
 * Whether a sender's domain is one that domain security is agreed on with (exchange: DomainSecureEnabled) and the client does not prove
 * to be it. Servers and users of the organisation have proved more.
 */
function isUnproven(
  { connector, principal, partnerOf = [] }: Standing,
  { domain }: Mailbox,
  securedDomains: readonly string[],
): boolean {
  const isStranger = principal === 'anonymous' || principal === 'partner';
  if (!connector.domainSecureEnabled || !isStranger) return false;
  return isListed(securedDomains, domain) && !isListed(partnerOf, domain);
}

/** The largest message that is taken from it, in octets; undefined where its size is no matter. */
export function sizeLimitOf(standing: Standing): number | undefined {
  return hasRight(standing, 'Ms-Exch-Bypass-Message-Size-Limit') ? undefined : standing.connector.maxMessageSizeBytes;
}

/**
 * Without a name of its own that could be compared, nobody but who has the right may use any; the null path is everybody's. A
 * partner's own is what its certificate proves.
 */
function isForbiddenSender(standing: Standing, sender: Mailbox, acceptedDomains: readonly AcceptedDomain[]): boolean {
  if (standing.principal === 'authenticated-user') return false;
  if (!maySendAsAnybody(standing) && !isListed(standing.partnerOf ?? [], sender.domain)) return true;
  const isOurs = findAcceptedDomain(acceptedDomains, sender.domain)?.domainType === 'Authoritative';
  return isOurs && !hasRight(standing, 'Ms-Exch-SMTP-Accept-Authoritative-Domain-Sender');
}

/** A mail user writes under an address of its own, unless the connector gives more. */
export function maySendAsAnybody(standing: Standing): boolean {
  return hasRight(standing, 'Ms-Exch-SMTP-Accept-Any-Sender');
}

/** Whether a sender is one of these addresses, however its letters are written. */
export function isOwnAddress(sender: Mailbox, addresses: readonly string[]): boolean {
  return addresses.some((address) => hashAddress(address).equals(hashMailbox(sender)));
}

/** The refusal of a recipient, if any. Without Accept-Any-Recipient only accepted domains may be addressed. */
export function refuseRecipient(
  standing: Standing,
  recipient: Mailbox,
  acceptedDomains: readonly AcceptedDomain[],
): Reply | undefined {
  if (hasRight(standing, 'Ms-Exch-SMTP-Accept-Any-Recipient')) return undefined;
  // The bare <Postmaster> is always deliverable (RFC 5321 §4.5.1); it becomes postmaster of the default domain.
  if (recipient.domain === '') return acceptedDomains.length > 0 ? undefined : REPLIES.relayDenied;
  if (!findAcceptedDomain(acceptedDomains, recipient.domain)) return REPLIES.relayDenied;
  return hidesRoute(recipient.localPart) ? REPLIES.relayDenied : undefined;
}

/**
 * Whether a recipient that may be addressed must be known besides: a stranger's, in a domain that is authoritative here
 * (exchange: Recipient Filter agent; a relay domain's recipients may be elsewhere). postmaster always is (RFC 5321 §4.5.1).
 */
export function mustBeKnown(
  standing: Standing,
  recipient: Mailbox,
  acceptedDomains: readonly AcceptedDomain[],
): boolean {
  if (
    hasRight(standing, 'Ms-Exch-Bypass-Anti-Spam') ||
    recipient.domain === '' ||
    recipient.localPart.toLowerCase() === 'postmaster'
  )
    return false;
  return findAcceptedDomain(acceptedDomains, recipient.domain)?.domainType === 'Authoritative';
}

/**
 * Whether a message has been under way for too long to be taken, by its Received fields on arrival (RFC 5321 §6.3): as many
 * as MaxHopCount, or as many of this server's own as MaxLocalHopCount, which finds a loop sooner; 0 leaves the latter out.
 */
export function isLooping(
  { maxHopCount, maxLocalHopCount }: Pick<ReceiveConnector, 'maxHopCount' | 'maxLocalHopCount'>,
  { receivedCount, ownReceivedCount }: Pick<MessageFacts, 'receivedCount' | 'ownReceivedCount'>,
): boolean {
  return receivedCount >= maxHopCount || (maxLocalHopCount > 0 && ownReceivedCount >= maxLocalHopCount);
}

/** user%foreign.example@ours, foreign!user@ours, "user@foreign.example"@ours: a stranger's wish for a route beyond us. */
function hidesRoute(localPart: string): boolean {
  return /[%!@:]/.test(localPart);
}

function hasRight(standing: Standing, right: Right): boolean {
  return rightsOf(standing.connector, standing.principal).has(right);
}
