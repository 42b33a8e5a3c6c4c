// Times and amounts in words. Everything is UTC, as in the logs. Pure.

/** "20:00:00.123" of a time in milliseconds. */
export function formatClock(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

/** "2027-12-24 20:00:00" */
export function formatMoment(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

/** "2027-12-24 20:00:00.123" of a time in ISO 8601, as it was written down. */
export function writeInstant(iso: string): string {
  return iso.replace('T', ' ').replace('Z', '');
}

/** "2027-12-24" */
export function formatDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** "3 d 4 h", "12 min", "0.4 s": two parts at most; what is negative is said as if it were not. */
export function formatSpan(ms: number): string {
  const span = Math.abs(ms);
  if (span < 10_000) return `${(span / 1000).toFixed(span < 1000 ? 2 : 1)} s`;
  const first = UNITS.findIndex(([unit]) => span >= unit);
  const [unit = 1000, name = 's'] = UNITS[first] ?? [];
  const whole = Math.floor(span / unit);
  const [nextUnit, nextName] = UNITS[first + 1] ?? [];
  const rest = nextUnit === undefined ? 0 : Math.floor((span - whole * unit) / nextUnit);
  return rest === 0 || whole >= 10 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${nextName}`;
}

/** "426 B", "12 KB", "3.4 MB" */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
