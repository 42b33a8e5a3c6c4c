// The peers that a proof is published of, each ready to be looked at, or a sentence why it is not.

import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import type { ProveRun } from '../../src/prove/prove.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Exim } from '../helpers/exim.ts';
import { Haraka, type HarakaOptions, installHaraka } from '../helpers/haraka.ts';
import { requirePeer, requireRoot } from '../helpers/peers.ts';
import { freePort } from '../helpers/free-port.ts';
import { Postfix } from '../helpers/postfix.ts';
import { Sink } from '../helpers/sink.ts';

export interface PeerProof extends Pick<ProveRun, 'subject' | 'policies'> {
  readonly close: () => Promise<void>;
}

type Open = () => Promise<PeerProof | string>;

const HOST = '127.0.0.1';
const WAIT_MS = 15_000;

const postfixServer: Open = async () => {
  if (!requirePeer('postfix') || !requireRoot()) return 'Postfix is not installed, or this is not root';
  const sink = await Sink.open();
  const keyPair = await makePair('postfix.test');
  const postfix = await Postfix.open({ name: 'postfix', transports: { '*': sink.port }, keyPair });
  return {
    subject: { kind: 'server', target: { host: HOST, port: postfix.port }, recipient: 'reader@prove.test' },
    policies: [],
    close: async () => {
      await postfix.close();
      await sink.close();
    },
  };
};

/** Postfix at two security levels: `may` is opportunistic, `encrypt` insists. */
const postfixClient: Open = async () => {
  if (!requirePeer('postfix') || !requireRoot()) return 'Postfix is not installed, or this is not root';
  const policies = ['may', 'encrypt'];
  const listen = { host: HOST, port: await freePort() };
  const bounces = { host: HOST, port: await freePort() };
  const levels = Object.fromEntries(policies.map((level) => [`${level}.prove.test`, { port: listen.port, level }]));
  const postfix = await Postfix.open({
    name: 'postfix',
    transports: { 'bounce.prove.test': bounces.port },
    levels,
  });
  const submit = { host: HOST, port: postfix.port };
  return {
    subject: { kind: 'client', listen, bounces, submit, policies, waitMs: WAIT_MS },
    policies,
    close: () => postfix.close(),
  };
};

const eximServer: Open = async () => {
  if (!requirePeer('exim4') || !requireRoot()) return 'Exim is not installed, or this is not root';
  const sink = await Sink.open();
  const exim = await Exim.open({ name: 'exim', routes: { '*': sink.port }, keyPair: await makePair('exim.test') });
  return {
    subject: { kind: 'server', target: { host: HOST, port: exim.port }, recipient: 'reader@prove.test' },
    policies: [],
    close: async () => {
      await exim.close();
      await sink.close();
    },
  };
};

/** Exim as it comes, which is opportunistic, and where it is told that TLS must be. */
const eximClient: Open = async () => {
  if (!requirePeer('exim4') || !requireRoot()) return 'Exim is not installed, or this is not root';
  const policies = ['default', 'require'];
  const listen = { host: HOST, port: await freePort() };
  const bounces = { host: HOST, port: await freePort() };
  const exim = await Exim.open({
    name: 'exim',
    routes: { 'default.prove.test': listen.port, 'bounce.prove.test': bounces.port },
    forced: { 'require.prove.test': listen.port },
    keyPair: await makePair('exim.test'),
  });
  const submit = { host: HOST, port: exim.port };
  return {
    subject: { kind: 'client', listen, bounces, submit, policies, waitMs: WAIT_MS },
    policies,
    close: () => exim.close(),
  };
};

const harakaServer: Open = async () => {
  const sink = await Sink.open();
  const haraka = await openHaraka({ routes: { '*': sink.port } });
  return {
    subject: { kind: 'server', target: { host: HOST, port: haraka.port }, recipient: 'reader@prove.test' },
    policies: [],
    close: async () => {
      await haraka.close();
      await sink.close();
    },
  };
};

/** Haraka as it comes, which is opportunistic, and with the domain among its `force_tls_hosts`. */
const harakaClient: Open = async () => {
  const policies = ['default', 'force'];
  const listen = { host: HOST, port: await freePort() };
  const bounces = { host: HOST, port: await freePort() };
  const haraka = await openHaraka({
    routes: { 'bounce.prove.test': bounces.port, '*': listen.port },
    forced: ['force.prove.test'],
  });
  const submit = { host: HOST, port: haraka.port };
  return {
    subject: { kind: 'client', listen, bounces, submit, policies, waitMs: WAIT_MS },
    policies,
    close: () => haraka.close(),
  };
};

/** Fetched from the registry of npm, and gone again when it is closed. */
async function openHaraka(options: Pick<HarakaOptions, 'routes' | 'forced'>): Promise<Pick<Haraka, 'port' | 'close'>> {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-npm-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const program = await installHaraka(folder);
    const keyPair = await makePair('haraka.test');
    const haraka = await Haraka.open({ ...options, program, name: 'haraka', keyPair });
    return { port: haraka.port, close: () => haraka.close().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

function makePair(fqdn: string): Promise<KeyPair> {
  const notBefore = new Date(Date.now() - 86_400_000);
  return createSelfSigned({ netbiosName: 'PEER', fqdn, notBefore });
}

const pair: Open = () => Promise.resolve({ subject: { kind: 'pair' }, policies: [], close: () => Promise.resolve() });

export const PEERS: Readonly<Record<string, Open>> = {
  pair,
  'postfix-server': postfixServer,
  'postfix-client': postfixClient,
  'exim-server': eximServer,
  'exim-client': eximClient,
  'haraka-server': harakaServer,
  'haraka-client': harakaClient,
};
