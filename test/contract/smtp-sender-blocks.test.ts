// When the sender gives back the memory of a body: not before the connection needs it no more, however slow the peer.

import { hash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Tap } from '../../src/capture/tap.ts';
import type { DialOptions } from '../../src/smtp/sender.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import type { ScriptedPeer } from '../helpers/scripted-smtp-server.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const BLOCK_BYTES = 128 * 1024;
const BLOCKS = 48;
const LINE = 64;

const fixture = new SenderFixture();
afterEach(() => fixture.cleanUp());

/** Lines of one letter, another in each block. */
function makeBlock(index: number): Buffer {
  const letter = String.fromCodePoint(65 + (index % 20));
  return Buffer.from(`${letter.repeat(LINE - 2)}\r\n`.repeat(BLOCK_BYTES / LINE));
}

/** Takes nothing for a while, so that what is sent stays with the sender. */
function slowly(_line: string, { socket }: ScriptedPeer): string {
  socket.pause();
  setTimeout(() => socket.resume(), 300);
  return '354 Go on';
}

const nothing = (): void => undefined;
const deafTap: Tap = {
  ...{ file: '', note: nothing, received: nothing, sent: nothing, ended: nothing, reset: nothing, closed: nothing },
  ...{ handshakeBegins: nothing, secret: nothing, handshakeEnds: nothing },
};

describe('the memory of a body', () => {
  it.each<[string, Partial<DialOptions>]>([
    ['in clear', {}],
    ['in TLS', { startTls: 'attempt' }],
    ['through the tap of a capture', { tap: () => deafTap }],
    ['in TLS through the tap of a capture', { startTls: 'attempt', tap: () => deafTap }],
  ])('is given back when the connection has no use for it any more, %s', async (_where, options) => {
    const edge = await createSelfSigned({
      netbiosName: 'EDGE',
      fqdn: 'edge.test',
      notBefore: new Date(Date.now() - 60_000),
    });
    const tls = { key: edge.privateKeyPem, cert: edge.certificate.pem };
    const server = await fixture.listen({ keywords: ['STARTTLS'], tls, answers: { DATA: slowly } });
    const session = await fixture.connect(server.port, options);
    const sent = hash('sha256', Buffer.concat(Array.from({ length: BLOCKS }, (_, index) => makeBlock(index))));
    let givenBack = 0;
    const { recipients } = await session.send(
      makeMessage({
        sizeBytes: BLOCKS * BLOCK_BYTES,
        async *body() {
          for (let index = 0; index < BLOCKS; index += 1) yield Promise.resolve(makeBlock(index));
        },
        // As the next reader would: what still has to leave would leave wrong.
        giveBack: (piece) => {
          givenBack += piece.length === BLOCK_BYTES ? 1 : 0;
          piece.fill('?');
        },
      }),
    );
    expect(recipients.map(({ status }) => status)).toEqual(['delivered', 'delivered']);
    expect(hash('sha256', server.bodies[0] ?? '')).toBe(sent);
    expect(givenBack).toBe(BLOCKS);
  });

  it('stays with a connection that ends before it has taken it', async () => {
    const answers = {
      DATA: (_line: string, peer: ScriptedPeer) => {
        peer.socket.pause();
        setTimeout(() => peer.reset(), 300);
        return '354 Go on';
      },
    };
    const server = await fixture.listen({ answers });
    const session = await fixture.connect(server.port);
    const unsent = new Set<Buffer>();
    await session.send(
      makeMessage({
        sizeBytes: BLOCKS * BLOCK_BYTES,
        async *body() {
          for (let index = 0; index < BLOCKS; index += 1) {
            const block = await Promise.resolve(makeBlock(index));
            unsent.add(block);
            yield block;
          }
        },
        giveBack: (piece) => void unsent.delete(piece),
      }),
    );
    expect(unsent.size).toBeGreaterThan(0);
  });
});
