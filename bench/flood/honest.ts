// An honest client: one small message after the other, each on a connection of its own, and how long each took from the first
// packet to the answer to its dot.

import { connect } from 'node:net';

const STEPS: readonly (readonly [string, number])[] = [
  ['', 220],
  ['EHLO honest.test\r\n', 250],
  ['MAIL FROM:<a@honest.test>\r\n', 250],
  ['RCPT TO:<b@bench.test>\r\n', 250],
  ['DATA\r\n', 354],
  [`Subject: flood\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(50)}.\r\n`, 250],
];
/** Well below what MessageRateLimit allows. */
const PAUSE_MS = 150;
const PATIENCE_MS = 60_000;

/** Milliseconds for one message; a text for one that was not taken. */
function send(port: number): Promise<number | string> {
  const { promise, resolve } = Promise.withResolvers<number | string>();
  const startMs = performance.now();
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('no answer')));
  let step = 0;
  let input = '';
  socket.on('data', (chunk) => {
    input += chunk.toString('latin1');
    const [reply, code] = /^(?:\d{3}-.*\r\n)*(\d{3}) .*\r\n/.exec(input) ?? [];
    if (reply === undefined) return;
    input = input.slice(reply.length);
    if (Number(code) !== STEPS[step]?.[1]) {
      socket.destroy();
      return resolve(reply.trim());
    }
    step += 1;
    const next = STEPS[step];
    if (next) return void socket.write(next[0]);
    resolve(performance.now() - startMs);
    socket.end('QUIT\r\n');
  });
  socket.on('error', (error) => resolve(error.message)).on('close', () => resolve('closed'));
  return promise;
}

export interface Service {
  /** Milliseconds of each message that was taken. */
  readonly times: readonly number[];
  /** What those that were not taken got. */
  readonly refusals: readonly string[];
}

/** Sends for so long, and calls `onTurn` after each message. */
export async function serveHonestly(port: number, seconds: number, onTurn: () => void): Promise<Service> {
  const times: number[] = [];
  const refusals: string[] = [];
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    const result = await send(port);
    if (typeof result === 'number') times.push(result);
    else refusals.push(result);
    onTurn();
    await new Promise((resolve) => {
      setTimeout(resolve, PAUSE_MS);
    });
  }
  return { times, refusals };
}
