// OpenSSL's own server behind STARTTLS: s_server knows no SMTP, so the words before the handshake are said here, and the octets of
// the handshake and all that follows go to it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { freePort } from './free-port.ts';
import { waitUntil } from './wait.ts';

export interface OpensslServer {
  readonly port: number;
  close(): Promise<void>;
}

/** `parameters` are s_server's, such as `-tls1_1`; in TLS it answers EHLO and QUIT. */
export async function openOpensslServer(pair: KeyPair, parameters: readonly string[]): Promise<OpensslServer> {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-openssl-'));
  const file = join(folder, 'pair.pem');
  writeFileSync(file, `${pair.privateKeyPem}${pair.certificate.pem}`, { mode: 0o600 });
  const inner = await freePort();
  const child = spawn(
    'openssl',
    ['s_server', '-accept', `127.0.0.1:${inner}`, '-cert', file, '-quiet', ...parameters],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
      // What Debian forbids for everybody is what is asked for here.
      env: { ...process.env, OPENSSL_CONF: '/dev/null' },
    },
  );
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('EHLO')) child.stdin.write('250 openssl.test\r\n');
    if (line.startsWith('QUIT')) child.stdin.write('221 2.0.0 Bye\r\n');
  });
  await waitUntil('s_server listens', () => isOpen(inner));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    void greet(socket, inner);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      const ended = once(child, 'exit');
      child.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Up to the 220 that answers STARTTLS. */
async function greet(socket: Socket, inner: number): Promise<void> {
  socket.write('220 openssl.test\r\n');
  for (const [line, answer] of [
    ['EHLO', '250-openssl.test\r\n250 STARTTLS\r\n'],
    ['STARTTLS', '220 2.0.0 Ready\r\n'],
  ] as const) {
    const [octets] = (await once(socket, 'data')) as [Buffer];
    if (!octets.toString().startsWith(line)) return void socket.destroy();
    if (line === 'STARTTLS') {
      const further = connect(inner, '127.0.0.1');
      further.on('error', () => socket.destroy());
      socket.on('close', () => further.destroy());
      socket.pipe(further).pipe(socket);
    }
    socket.write(answer);
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => socket.end(() => resolve(true)));
    socket.once('error', () => resolve(false));
  });
}
