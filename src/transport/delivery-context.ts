// What delivering needs besides the hop.

import type { OpenTap } from '../capture/tap.ts';
import type { Clock } from '../clock.ts';
import type { Endpoint } from '../config.ts';
import type { Log } from '../log.ts';
import type { SpoolDrills } from '../spool/spool-drills.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import type { LoadBalance } from './load-balance.ts';
import type { AddressBook } from './next-hop.ts';
import type { Organisation } from './organisation.ts';

export interface DeliveryContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly organisation: () => Organisation;
  readonly addressBook: AddressBook;
  readonly handshakeTimeoutMs: number;
  /** Whose turn it is where a hop has several servers. */
  readonly balance: LoadBalance;
  /** From 0 up to, and without, 1: the order of equals. */
  readonly random: () => number;
  /** Whether an address that DNS gave for a stranger is this machine. */
  readonly isOwnPlace: (place: Endpoint) => boolean;
  /** The internal transport certificate with its key, at the moment of asking. */
  readonly ownKeyPair: () => KeyPair | undefined;
  /** Where the servers of a shared spool count mail of a failover on purpose. */
  readonly drills?: SpoolDrills | undefined;
  /** Where sessions may be captured. */
  readonly tap?: OpenTap | undefined;
}
