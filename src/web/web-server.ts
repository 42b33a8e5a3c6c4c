// The socket under the door: HTTP on loopback or a Unix socket, HTTPS everywhere else and where the config names a certificate.
// A client that is slow with its request, or keeps a connection that it does not use, is cut off; there are only so many.

import { chmodSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { Cancel } from '../clock.ts';
import type { ServerContext } from '../cmdlets/server-context.ts';
import { formatEndpoint } from '../config.ts';
import { isLocalPlace, type WebConfig } from '../config-web.ts';
import { removeStaleSocket } from '../control/server.ts';
import { prepareSocketFolder } from '../control/socket-path.ts';
import { listenProblem, messageOf, Problem } from '../problem.ts';
import { serverContextOptions } from '../tls/secure-context.ts';

const MAX_CONNECTIONS = 256;
const MAX_HEADER_BYTES = 16 * 1024;
/** A file may have been renewed in its place. */
const CERTIFICATE_LOOK_MS = 60 * 60_000;
/** How long a stop waits for answers under way. */
const CLOSING_MS = 2000;

/** How long a client may take, in milliseconds of real time. */
export interface WebTimeouts {
  /** From the first octet of a request to its last, a file that is uploaded with it included. */
  readonly requestMs: number;
  /** To the end of its head. */
  readonly headersMs: number;
  /** Between two requests. */
  readonly keepAliveMs: number;
  /** How often it is looked who took longer. */
  readonly lookMs: number;
}

export const WEB_TIMEOUTS: WebTimeouts = { requestMs: 60_000, headersMs: 10_000, keepAliveMs: 5000, lookMs: 2000 };

function limitsOf({ requestMs, headersMs, keepAliveMs, lookMs }: WebTimeouts): ServerOptions {
  return {
    requestTimeout: requestMs,
    headersTimeout: headersMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: lookMs,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
}

export interface WebServer {
  readonly scheme: 'http' | 'https';
  /** The server that calls `handler`, not listening yet. */
  attach(handler: RequestListener): Server;
  /** Begins to listen and returns the address; throws Problem `listen-failed`, `in-use` or `folder-not-private`. */
  listen(): Promise<string>;
  close(): Promise<void>;
}

/** Reads the certificate; throws Problem `web-certificate-unreadable`. Without `context` there is nothing to show, and no TLS. */
export function openWebServer(web: WebConfig, context: ServerContext | undefined, timeouts: WebTimeouts): WebServer {
  const limits = limitsOf(timeouts);
  const isTls = web.files !== undefined || !isLocalPlace(web.listen);
  if (isTls && !context) throw new Error('nobody has a certificate for this door');
  const tls = isTls ? context : undefined;
  const cancels: Cancel[] = [];
  let server: Server | undefined;
  const attach = (handler: RequestListener): Server => {
    server = tls ? createSecureServer(web, tls, { limits, handler, cancels }) : createServer(limits, handler);
    server.maxConnections = MAX_CONNECTIONS;
    return server;
  };
  if (tls) readIdentity(web, tls);
  return {
    scheme: isTls ? 'https' : 'http',
    attach,
    listen: () => listen(server ?? attach(() => undefined), web, isTls),
    close: async () => {
      for (const cancel of cancels) cancel();
      if (server?.listening === true) await closeServer(server);
    },
  };
}

function createSecureServer(
  web: WebConfig,
  context: ServerContext,
  parts: { readonly limits: ServerOptions; readonly handler: RequestListener; readonly cancels: Cancel[] },
): Server {
  const { limits, handler, cancels } = parts;
  const server = createTlsServer({ ...limits, ...readIdentity(web, context) }, handler);
  const renew = (): void => {
    try {
      server.setSecureContext(readIdentity(web, context));
    } catch (error) {
      context.log.error({ error: messageOf(error) }, 'the certificate of the web door stays as it was');
    }
  };
  cancels.push(context.certificates.onChange(renew));
  const timer = setInterval(renew, CERTIFICATE_LOOK_MS).unref();
  cancels.push(() => clearInterval(timer));
  return server;
}

/** The door's own certificate, or the one that STARTTLS shows; when that has expired it is still the one people know. */
function readIdentity({ files }: WebConfig, { certificates, clock, config }: ServerContext): SecureContextOptions {
  if (files) return { minVersion: 'TLSv1.2', cert: read(files.certificate), key: read(files.key) };
  const { fqdn } = config;
  const question = { servername: undefined, connectorFqdn: fqdn, serverFqdn: fqdn, now: clock.now() };
  const stored = certificates.selectFor(question) ?? certificates.internalTransport();
  if (!stored)
    throw new Problem(
      'web-certificate-unreadable',
      'the web door needs TLS and this server has no certificate: make one with New-ExchangeCertificate, or name files in web.certificate and web.key',
    );
  return serverContextOptions(certificates.keyPair(stored.certificate.thumbprint));
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Problem(
      'web-certificate-unreadable',
      `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}

async function listen(server: Server, { listen: place }: WebConfig, isTls: boolean): Promise<string> {
  if (place.kind === 'unix') {
    prepareSocketFolder(place.path);
    await removeStaleSocket(place.path);
    await listenAt(server, place.path, { path: place.path });
    chmodSync(place.path, 0o600);
    return `unix:${place.path}`;
  }
  const { host, port } = place;
  await listenAt(server, formatEndpoint(place), { host, port });
  const address = server.address() as AddressInfo;
  return `${isTls ? 'https' : 'http'}://${formatEndpoint({ host: address.address, port: address.port })}`;
}

function listenAt(
  server: Server,
  name: string,
  options: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(listenProblem(name, error));
    server.once('error', failed);
    server.listen(options, () => {
      server.off('error', failed);
      // Such as no descriptor left for one more client: no reason for the mail server to end.
      server.on('error', () => undefined);
      resolve();
    });
  });
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), CLOSING_MS);
  await closed;
  clearTimeout(timer);
}
