// The other end of the control socket: sends one request to a running server and gathers its answer.

import { lstatSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { CmdletRequest } from '../cmdlets/binding.ts';
import type { CmdletOutput, OutputFile, OutputRecord } from '../cmdlets/output.ts';
import { Problem } from '../problem.ts';
import { createLineSplitter } from './line-splitter.ts';
import { type Answer, decodeAnswer, encodeRequest, MAX_ANSWER_BYTES } from './protocol.ts';
import { refuseSharedFolder } from './socket-path.ts';

export interface CallOptions {
  /** How to start the server, for the sentence when it is not running: "relaypair hub --config /etc/relaypair/hub.yaml". */
  readonly startCommand: string;
  readonly onProgress?: (text: string) => void;
}

/** Has the server execute `request`; throws Problem with the server's code, `server-not-running`, `not-allowed` or `server-gone`. */
export async function callCmdlet(
  socketPath: string,
  request: CmdletRequest,
  options: CallOptions,
): Promise<CmdletOutput> {
  refuseSharedFolder(socketPath);
  const socket = await open(socketPath, options);
  try {
    return await exchange(socket, request, options);
  } finally {
    socket.destroy();
  }
}

/** True when a server accepts connections on the socket. */
export async function isAnswering(socketPath: string): Promise<boolean> {
  const result = await tryConnect(socketPath);
  if (typeof result === 'string') return result === 'EAGAIN';
  result.destroy();
  return true;
}

/** A connected socket, or the error's code. */
function tryConnect(socketPath: string): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
  });
}

async function open(socketPath: string, options: CallOptions): Promise<Socket> {
  const result = await tryConnect(socketPath);
  if (typeof result !== 'string') return result;
  if (result === 'EACCES' || result === 'EPERM') {
    throw new Problem('not-allowed', `only the user that runs the server may do this (${describeOwner(socketPath)})`);
  }
  throw new Problem('server-not-running', `the server is not running; start it with: ${options.startCommand}`);
}

function describeOwner(socketPath: string): string {
  const found = lstatSync(dirname(socketPath), { throwIfNoEntry: false });
  return found === undefined ? socketPath : `user id ${found.uid}`;
}

interface Gathered {
  readonly records: OutputRecord[];
  readonly notices: string[];
  readonly warnings: string[];
  readonly failures: string[];
  readonly files: OutputFile[];
  readonly pieces: OutputFile[];
}

function exchange(socket: Socket, request: CmdletRequest, options: CallOptions): Promise<CmdletOutput> {
  const gathered: Gathered = { records: [], notices: [], warnings: [], failures: [], files: [], pieces: [] };
  const split = createLineSplitter(MAX_ANSWER_BYTES);
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk) => {
      try {
        for (const line of split(chunk)) {
          if (gather(gathered, decodeAnswer(line), options)) resolve(join(gathered));
        }
      } catch (error) {
        reject(error);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => reject(serverGone(request.cmdlet)));
    socket.write(encodeRequest(request));
  });
}

/** True when the answer is complete. */
function gather(gathered: Gathered, answer: Answer, options: CallOptions): boolean {
  if (answer.kind === 'error') throw new Problem(answer.code, answer.sentence);
  if (answer.kind === 'progress') options.onProgress?.(answer.text);
  if (answer.kind === 'record') gathered.records.push(answer.record);
  if (answer.kind === 'notice') gathered.notices.push(answer.text);
  if (answer.kind === 'warning') gathered.warnings.push(answer.text);
  if (answer.kind === 'failure') gathered.failures.push(answer.text);
  if (answer.kind === 'file') gathered.files.push(answer.file);
  if (answer.kind === 'piece') gathered.pieces.push(answer.file);
  return answer.kind === 'done';
}

/** The pieces have become a file: only a whole answer comes so far. */
function join({ pieces, ...output }: Gathered): CmdletOutput {
  const [first] = pieces;
  if (!first) return output;
  const content = Buffer.concat(pieces.map((piece) => piece.content));
  return { ...output, files: [...output.files, { ...first, content }] };
}

function serverGone(cmdlet: string): Problem {
  return new Problem(
    'server-gone',
    `the server stopped before it answered; look whether ${cmdlet} was carried out before you repeat it`,
  );
}
