// What a client still says after our last word: thrown away, so that it may get to read that word, but not without end.

import type { Socket } from 'node:net';

const MAX_UNHEARD_OCTETS = 256 * 1024;

/** Destroys the socket when more comes than a client can have sent before it could read that it is over. */
export function boundUnheard(socket: Socket): void {
  let leftOctets = MAX_UNHEARD_OCTETS;
  socket.on('data', ({ length }: Buffer) => {
    leftOctets -= length;
    if (leftOctets < 0) socket.destroy();
  });
}
