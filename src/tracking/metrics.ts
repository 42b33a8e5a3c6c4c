// The server's counters (prom-client, in a registry of its own): shown by Get-Counter, in Prometheus' manner of naming
// (relaypair_NOUN_UNIT, counters end in _total). Whoever counts something adds it here. Never holds a secret or an address
// of a message.

import { Counter, Gauge, Registry } from 'prom-client';

/** One number as it stands: a metric's name, its labels and its value. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly help: string;
}

/** Owns the registry; one for each server. */
export class Metrics {
  readonly #registry = new Registry();

  /** 1 while the directory cannot be read and the last good state serves, else 0. */
  readonly directoryStale = new Gauge({
    name: 'relaypair_directory_stale',
    help: 'Whether the directory cannot be read and the last good state serves',
    registers: [this.#registry],
  });

  readonly directoryReadFailures = this.#count('directory_read_failures', 'Readings of the directory that failed');

  readonly directoryReads = this.#count('directory_reads', 'Readings of the directory that succeeded');

  readonly recipientLookups = new Counter({
    name: 'relaypair_recipient_lookups_total',
    help: 'Recipients looked up at RCPT, by what came of it: known, unknown or failed',
    labelNames: ['result'] as const,
    registers: [this.#registry],
  });

  readonly logins = new Counter({
    name: 'relaypair_logins_total',
    help: 'Log-ins of mail users, by what came of them: accepted, refused, busy or failed',
    labelNames: ['result'] as const,
    registers: [this.#registry],
  });

  /** 0 Normal, 1 Medium, 2 High. */
  readonly resourcePressure = new Gauge({
    name: 'relaypair_resource_pressure',
    help: 'Back pressure of a resource: 0 normal, 1 medium, 2 high',
    labelNames: ['resource'] as const,
    registers: [this.#registry],
  });

  /** Everything, in the order of names. */
  async read(): Promise<readonly MetricSample[]> {
    const metrics = await this.#registry.getMetricsAsJSON();
    const samples = metrics.flatMap(({ name, help, values }) =>
      values.map(({ labels, value, ...more }): MetricSample => {
        const ownName = (more as { metricName?: string }).metricName ?? name;
        const texts = Object.entries(labels).map(([label, text]) => [label, String(text)]);
        return { name: ownName, labels: Object.fromEntries(texts) as Record<string, string>, value, help };
      }),
    );
    return samples.toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
  }

  #count(what: string, help: string): Counter {
    return new Counter({ name: `relaypair_${what}_total`, help, registers: [this.#registry] });
  }
}
