// The receiving side put together, for the one process that does everything and for each worker alike.

import type { OpenTap } from './capture/tap.ts';
import type { Cancel, Clock } from './clock.ts';
import type { Config } from './config.ts';
import { parseIpRange, rangeContains } from './ip-range.ts';
import type { DirectoryStatus } from './directory/directory-status.ts';
import type { Log } from './log.ts';
import type { SessionOptions } from './smtp/listener.ts';
import type { TlsContexts } from './tls-contexts.ts';
import type { Logins } from './transport/logins.ts';
import type { Organisation } from './transport/organisation.ts';
import { Receiver, type ReceiveOptions } from './transport/receive.ts';
import type { RecipientValidation } from './transport/recipient-validation.ts';

/** A role's view of its directory. */
export interface DirectoryView {
  readonly organisation: () => Organisation;
  readonly directoryStatus: () => DirectoryStatus;
  /** Makes the salts shown for user names that do not exist; the same at every start, or they would tell themselves. */
  readonly decoySecret: Buffer;
  /** On an Edge: whether a recipient is one of the organisation's. */
  readonly validation?: RecipientValidation | undefined;
  /** On a Hub: the mail users who may log in. */
  readonly logins?: Logins | undefined;
  onChange(listener: () => void): Cancel;
}

export interface ReceivingParts
  extends Pick<
    ReceiveOptions,
    | 'spool'
    | 'organisation'
    | 'records'
    | 'decoySecret'
    | 'pressure'
    | 'validation'
    | 'logins'
    | 'counts'
    | 'isAccepting'
  > {
  /** The config in force. */
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly contexts: TlsContexts;
  /** Where sessions may be captured. */
  readonly tap: OpenTap | undefined;
}

/** How sessions are held, and a Receiver that decides. */
export function receivingOptions({ config, contexts, tap, ...parts }: ReceivingParts): SessionOptions {
  const policy = new Receiver({
    ...parts,
    get expirationMs() {
      return config().retry.expiration;
    },
    identityFor: (question) => contexts.identityFor(question),
    certificateFor: (question) => contexts.select(question),
    serverLimits: () => {
      const { commandTimeout: commandTimeoutMs, ...limits } = config().limits;
      return { ...limits, commandTimeoutMs };
    },
  });
  return {
    fqdn: config().fqdn,
    policy,
    log: parts.log,
    ...(tap && { tap }),
    limits: () => ({ timeouts: { closeMs: config().limits.drainTimeout } }),
    intermediaries: {
      speaksProxy: (address) => isListed(config().proxies.proxyProtocol, address),
      mayXclient: (address) => isListed(config().proxies.xclient, address),
    },
  };
}

function isListed(ranges: readonly string[], address: string): boolean {
  return ranges.some((text) => {
    const range = parseIpRange(text);
    return range !== undefined && rangeContains(range, address);
  });
}
