// An LDAPS server that answers each message just as a test says, for answers that no real server gives.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { PduCutter } from '../../src/ldap/ber-guard.ts';
import { decodeMessage, encodeMessage, type LdapMessage } from '../../src/ldap/message.ts';
import { decodeRequest, type LdapRequest, RESPONSE_TAGS } from '../../src/ldap/request.ts';
import { encodeResult, type ExtendedDetails } from '../../src/ldap/response.ts';
import type { LdapOutcome } from '../../src/ldap/result.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';

interface Received {
  readonly message: LdapMessage;
  readonly request: LdapRequest;
  readonly socket: TLSSocket;
}

/** What to say to a message: nothing, octets as they are, or a result. */
export type Script = (received: Received) => undefined | Buffer | (LdapOutcome & ExtendedDetails);

export interface ScriptedLdapServer {
  readonly port: number;
  /** Octets that came after the handshake. */
  readonly receivedBytes: () => number;
  readonly requests: LdapRequest[];
  close(): Promise<void>;
}

export async function startScriptedLdapServer(pair: KeyPair, script: Script): Promise<ScriptedLdapServer> {
  const requests: LdapRequest[] = [];
  const sockets = new Set<TLSSocket>();
  let receivedBytes = 0;
  const server = createServer({ key: pair.privateKeyPem, cert: pair.certificate.pem }, (socket) => {
    const cutter = new PduCutter(10_000_000);
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      receivedBytes += chunk.length;
      for (const pdu of cutter.push(chunk)) {
        const message = decodeMessage(pdu);
        const request = decodeRequest(message);
        requests.push(request);
        answer(socket, message, script({ message, request, socket }));
      }
    });
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    receivedBytes: () => receivedBytes,
    requests,
    async close() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function answer(socket: TLSSocket, message: LdapMessage, said: ReturnType<Script>): void {
  if (said === undefined) return;
  const tag = RESPONSE_TAGS.get(message.tag) ?? 0;
  socket.write(Buffer.isBuffer(said) ? said : encodeMessage(message.messageId, encodeResult(tag, said, said)));
}
