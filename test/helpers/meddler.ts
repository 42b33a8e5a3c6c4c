// A proxy between two members of the pair that speaks just enough SMTP to break STARTTLS in one named way, and passes
// everything else through untouched.

import type { Socket } from 'node:net';
import { LoopbackProxy } from './loopback-proxy.ts';
import type { Wire } from './trust-cases.ts';

const FATAL_ALERT = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]);

export class Meddler {
  /** What is done to connections from now on. */
  wire: Wire = 'clean';
  readonly #proxy: LoopbackProxy;

  private constructor(proxy: LoopbackProxy) {
    this.#proxy = proxy;
  }

  static async open(target: { host: string; port: number }, port = 0): Promise<Meddler> {
    const meddler: Meddler = new Meddler(
      await LoopbackProxy.open({ target, port, carry: (client, server) => meddler.#carry(client, server) }),
    );
    return meddler;
  }

  get port(): number {
    return this.#proxy.port;
  }

  close(): Promise<void> {
    return this.#proxy.close();
  }

  #carry(client: Socket, server: Socket): void {
    const { wire } = this;
    let isInTls = false;
    let isHandshakeAwaited = false;
    client.on('data', (chunk) => {
      if (isHandshakeAwaited) return this.#spoil(wire, client);
      const isStartTls = !isInTls && /^STARTTLS\r\n$/i.test(chunk.toString('latin1'));
      if (isStartTls && wire === 'refused-454')
        return void client.write('454 4.7.0 TLS not available due to temporary reason\r\n');
      if (isStartTls && wire === 'refused-502') return void client.write('502 5.5.1 Command not implemented\r\n');
      if (isStartTls && wire !== 'clean' && wire !== 'stripped') {
        isHandshakeAwaited = true;
        return void client.write('220 2.0.0 SMTP server ready\r\n');
      }
      isInTls ||= isStartTls;
      server.write(chunk);
    });
    server.on('data', (chunk) => client.write(wire === 'stripped' && !isInTls ? strip(chunk) : chunk));
  }

  #spoil(wire: Wire, client: Socket): void {
    if (wire === 'garbage') client.end('this is not TLS at all, it is a sentence\r\n');
    if (wire === 'alert') client.end(FATAL_ALERT);
    if (wire === 'reset') client.resetAndDestroy();
    // 'silent': the socket stays open and says nothing.
  }
}

function strip(chunk: Buffer): Buffer {
  return Buffer.from(chunk.toString('latin1').replace(/250-STARTTLS\r\n/i, ''), 'latin1');
}
