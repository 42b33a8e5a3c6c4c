// What the owner tells a worker over the process's own channel: once what does not change, again and again what does, and the
// connections. The channel carries values as structured clones, so dates and octets arrive as what they are.

import type { CaptureOrder } from '../capture/captures.ts';
import type { ClockCourse } from '../clock.ts';
import type { Config, Service } from '../config.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import type { Organisation } from '../transport/organisation.ts';
import type { Pressure } from '../transport/pressure.ts';

/** What a worker is begun with. Holds secrets: never to be logged. */
export interface WorkerStart {
  /** From 1 on. */
  readonly number: number;
  readonly config: Config;
  readonly decoySecret: Buffer;
}

/** What may change while the worker runs; always the whole of it. Holds private keys: never to be logged. */
export interface WorkerState {
  /** The config in force. */
  readonly config: Config;
  /** How the owner's clock runs. */
  readonly clock: ClockCourse;
  /** Without the passwords by which this server proves itself to others: receiving needs none. */
  readonly organisation: Organisation;
  /** Whether recipients are looked up; undefined on a Hub. */
  readonly isValidating: boolean | undefined;
  readonly certificates: CertificateState;
  readonly pressure: Pressure;
  /** While sessions are captured. */
  readonly capture: CaptureOrder | undefined;
}

/** The pairs that may answer STARTTLS, newest first. */
export interface CertificateState {
  readonly serving: readonly KeyPair[];
  /** Thumbprint of the internal transport certificate. */
  readonly internalTransport: string | undefined;
}

/** What goes from the owner to a worker; a `connection` brings its socket along. */
export type OwnerMessage =
  | { readonly kind: 'start'; readonly start: WorkerStart; readonly state: WorkerState }
  | { readonly kind: 'state'; readonly state: WorkerState }
  /** Measured anew every two seconds: too often for the whole. */
  | { readonly kind: 'pressure'; readonly pressure: Pressure }
  | { readonly kind: 'connection'; readonly service: Service }
  /** Ends the sessions in order, then the process. */
  | { readonly kind: 'stop' };

/** The stream between the two beside the channel: its number among the worker's descriptors. */
export const LINK_DESCRIPTOR = 4;
