// The server's counters (prom-client, in a registry of its own): shown by Get-Counter, in Prometheus' manner of naming
// (relaypair_NOUN_UNIT, counters end in _total). Whoever counts something adds it here. Never holds a secret or an address
// of a message.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { MailTally } from './mail-tally.ts';

/** One number as it stands: a metric's name, its labels and its value. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly help: string;
}

/** What a gauge shows at the moment it is read; no labels stands for the whole. */
export interface Reading {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

interface AskedOptions {
  /** Without `relaypair_`, and `_total` of a counter. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** Asked whenever the metrics are read. */
  readonly read: () => readonly Reading[] | Promise<readonly Reading[]>;
}

const SECOND_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 300, 1800, 3600, 14_400, 86_400];

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

  /** Counted for every message; shown as relaypair_messages_total, relaypair_message_bytes_total and relaypair_hops_total. */
  readonly mail = new MailTally();

  /** From acceptance by this server to delivery to the next, in seconds of its clock. */
  readonly deliverySeconds = new Histogram({
    name: 'relaypair_delivery_seconds',
    help: 'From acceptance by this server to delivery to the next',
    buckets: SECOND_BUCKETS,
    registers: [this.#registry],
  });

  constructor() {
    const show = (
      name: 'messages' | 'bytes' | 'hops',
      shownAs: string,
      help: string,
      labels: readonly string[],
    ): void => this.counter({ name: shownAs, help, labels, read: () => readTally(this.mail, name, labels) });
    show('messages', 'messages', 'What happened to messages, by the events of message tracking', ['event']);
    show('bytes', 'message_bytes', 'Octets of the bodies of those messages', ['event']);
    show(
      'hops',
      'hops',
      'Deliveries tried and messages accepted, by the side, the channel, the reason and the outcome of the decision card',
      ['side', 'channel', 'reason', 'outcome'],
    );
  }

  /** Adds a counter of which somebody else keeps the numbers, which never fall: `relaypair_NAME_total`. */
  counter({ name, help, labels = [], read }: AskedOptions): void {
    const counter: Counter = new Counter({
      name: `relaypair_${name}_total`,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
      async collect() {
        const readings = await read();
        counter.reset();
        for (const { labels: own = {}, value } of readings) counter.inc(own, value);
      },
    });
  }

  /** Adds a gauge that is asked for its values when the metrics are read. */
  gauge({ name, help, labels = [], read }: AskedOptions): void {
    const gauge: Gauge = new Gauge({
      name: `relaypair_${name}`,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
      async collect() {
        const readings = await read();
        gauge.reset();
        for (const { labels: own = {}, value } of readings) gauge.set(own, value);
      },
    });
  }

  /** Measures this process too, by prom-client's own names: event loop delay, memory, processor time. */
  collectRuntime(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Everything in Prometheus' text format, and its media type. */
  async format(): Promise<{ readonly text: string; readonly contentType: string }> {
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

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

function readTally(
  mail: MailTally,
  name: Parameters<MailTally['read']>[0],
  labels: readonly string[],
): readonly Reading[] {
  return mail.read(name).map(({ words, count }) => ({
    labels: Object.fromEntries(labels.map((label, index) => [label, words[index] ?? ''])),
    value: count,
  }));
}
