// How a hop looks: what its channel and its reason mean to somebody who only looks. A tone is never a colour alone; each has a
// sign of its own and a word (texts.tones). Pure.

export type Channel = 'tls' | 'plaintext' | 'none';

/**
 * trusted: TLS, and both knew whom they talked to. sealed: TLS with somebody unknown. clear: without TLS, as it is with strangers.
 * alarm: without TLS although it should have been. stopped: it did not come about. local: there was no connection.
 */
export type Tone = 'trusted' | 'sealed' | 'clear' | 'alarm' | 'stopped' | 'local';

export const TONES: readonly Tone[] = ['trusted', 'sealed', 'clear', 'alarm', 'stopped', 'local'];

const TRUSTED = new Set(['direct-trust', 'tls-verified']);
/** In clear without anybody's fault: the other one cannot or does not want to, or our own setting says so. */
const EXPECTED_CLEAR = new Set(['starttls-not-supported', 'starttls-not-used', 'starttls-ignored']);

export function toneOf(channel: Channel, reason: string): Tone {
  if (reason === 'local-delivery') return 'local';
  if (channel === 'none') return 'stopped';
  if (channel === 'tls') return TRUSTED.has(reason) ? 'trusted' : 'sealed';
  return EXPECTED_CLEAR.has(reason) ? 'clear' : 'alarm';
}

/** The channel as cards and tracking name it: "TLS", "plaintext" or "none". */
export function channelOf(name: string): Channel {
  const lower = name.toLowerCase();
  return lower === 'tls' || lower === 'plaintext' ? lower : 'none';
}
