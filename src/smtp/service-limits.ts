// LIMITS (RFC 9422): what a server says that it will take in one session, as it is written after the keyword. Pure. A limit
// that is malformed counts as not said, and so does one that nobody here knows (§3).

export interface ServiceLimits {
  /** MAIL commands of one session. */
  readonly mailMax?: number | undefined;
  /** RCPT commands of one transaction. */
  readonly rcptMax?: number | undefined;
  /** Different domains among the recipients of one transaction. */
  readonly rcptDomainMax?: number | undefined;
}

/** A limit has up to six digits (§4). */
const MAX_VALUE = 999_999;
const NAMES: Readonly<Record<string, keyof ServiceLimits>> = {
  MAILMAX: 'mailMax',
  RCPTMAX: 'rcptMax',
  RCPTDOMAINMAX: 'rcptDomainMax',
};
/** Said to each client, so not asked of the table each time. */
const ENTRIES = Object.entries(NAMES);

/** Reads what follows the keyword LIMITS in an answer to EHLO. */
export function parseServiceLimits(text: string | undefined): ServiceLimits {
  const limits: { -readonly [K in keyof ServiceLimits]: ServiceLimits[K] } = {};
  for (const word of (text ?? '').split(' ')) {
    const [, name = '', digits] = /^([A-Za-z0-9_-]+)=([1-9]\d{0,5})$/.exec(word) ?? [];
    const upper = name.toUpperCase();
    const key = Object.hasOwn(NAMES, upper) ? NAMES[upper] : undefined;
    if (key !== undefined) limits[key] ??= Number(digits);
  }
  return limits;
}

/** The other way; an infinite limit is not said, one beyond what can be said is said as the largest that can. */
export function formatServiceLimits(limits: ServiceLimits): string {
  const words: string[] = [];
  for (const [name, key] of ENTRIES) {
    const value = limits[key] ?? Number.POSITIVE_INFINITY;
    if (Number.isFinite(value)) words.push(`${name}=${Math.min(value, MAX_VALUE)}`);
  }
  return words.join(' ');
}
