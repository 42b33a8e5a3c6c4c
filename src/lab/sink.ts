// The outside world of the demo and of the proof: an SMTP server that takes everything and keeps it. It is smtp-server as it comes, so the
// octets that arrive were read by code that is not the product's.

import { SMTPServer } from 'smtp-server';

/** A place where mail ends up. */
export interface Destination {
  /** Everything that has arrived, octet for octet, trace fields in front. */
  arrivals(): readonly Buffer[];
}

interface SinkTls {
  readonly key: string;
  readonly cert: string;
}

/** One message that came in, with its envelope. */
export interface Arrival {
  readonly from: string;
  readonly to: readonly string[];
  /** Octet for octet, trace fields in front. */
  readonly content: Buffer;
}

export class Sink implements Destination {
  readonly #server: SMTPServer;
  readonly #arrivals: Arrival[] = [];

  private constructor(tls: SinkTls | undefined, keep: number) {
    this.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: tls ? ['AUTH'] : ['AUTH', 'STARTTLS'],
      ...tls,
      disableReverseLookup: true,
      logger: false,
      onData: (stream, { envelope }, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.once('error', done);
        stream.once('end', () => {
          const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
          const to = envelope.rcptTo.map(({ address }) => address);
          this.#arrivals.push({ from, to, content: Buffer.concat(chunks) });
          if (this.#arrivals.length > keep) this.#arrivals.shift();
          done();
        });
      },
    });
    // Without a listener a broken connection would end the process.
    this.#server.on('error', () => {});
  }

  /** Listens at a free port of the loopback address; offers STARTTLS where it is given something to show. Keeps everything by default. */
  static async open(tls?: SinkTls, { atMost = Number.POSITIVE_INFINITY }: { atMost?: number } = {}): Promise<Sink> {
    const sink = new Sink(tls, atMost);
    await new Promise<void>((resolve, reject) => {
      sink.#server.once('error', reject);
      sink.#server.listen(0, '127.0.0.1', resolve);
    });
    return sink;
  }

  get port(): number {
    const address = this.#server.server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  arrivals(): readonly Buffer[] {
    return this.#arrivals.map(({ content }) => content);
  }

  /** The same with the envelopes. */
  messages(): readonly Arrival[] {
    return this.#arrivals;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#server.connections) connection.close();
    });
  }
}
