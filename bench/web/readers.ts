// Readers of a server's live events that are no browser: one that reads as a page does, and one that never reads.

import { connect, type Socket } from 'node:net';

const KINDS = 'tracking,event,sync,clock,queues,load,health';
/** As the page asks for them (src/page/server.ts). */
const PER_SECOND = 150;

export interface Reader {
  close(): void;
}

/** Reads what the page reads, and throws it away: what a page somewhere else costs the server. */
export function readAsPage(address: string): Reader {
  const socket = ask(address, `/api/v1/events?kinds=${KINDS}&perSecond=${PER_SECOND}`);
  socket.resume();
  return { close: () => socket.destroy() };
}

/** Asks for everything and takes nothing: the kernel's buffers fill, and then the server has to hold on to it or let it go. */
export function neverRead(address: string): Reader {
  const socket = ask(address, '/api/v1/events');
  socket.pause();
  return { close: () => socket.destroy() };
}

function ask(address: string, path: string): Socket {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  // Cut off in the end, which is what should happen to it.
  socket.on('error', () => undefined);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  return socket;
}
