// Who sends the load. Postfix's own smtp-source where it is there, as a server has the processors almost for itself then; source.ts for what
// that cannot do: TLS, and so many messages a second.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { BenchCase } from './cases.ts';
import { HelperProcess } from './helper-process.ts';

const SMTP_SOURCE = '/usr/sbin/smtp-source';

export interface Load extends BenchCase {
  readonly messages: number;
  readonly port: number;
}

/** Resolves when the last message has been acknowledged; rejects when one was refused. */
export async function send(load: Load): Promise<void> {
  const isPlain = load.isTls !== true && load.perSecond === undefined;
  if (isPlain && existsSync(SMTP_SOURCE)) return sendByPostfix(load);
  await new HelperProcess('./source.ts', JSON.stringify(load)).line();
}

async function sendByPostfix({ messages, sessions, sizeBytes, isReconnecting, port }: Load): Promise<void> {
  const [command, ...words] = [
    ...[SMTP_SOURCE, ...(isReconnecting === true ? [] : ['-d'])],
    ...['-m', `${messages}`, '-s', `${Math.min(sessions, messages)}`, '-l', `${sizeBytes}`],
    ...['-f', 'sender@bench.test', '-t', 'rcpt@sink.bench.test', `127.0.0.1:${port}`],
  ];
  const source = spawn(command ?? '', words, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(source, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`smtp-source ended with ${code}`);
}
