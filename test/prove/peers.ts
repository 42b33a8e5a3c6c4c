// The peers that a proof is published of, each ready to be looked at, or a sentence why it is not.

import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import type { ProveRun } from '../../src/prove/prove.ts';
import { Exim } from '../helpers/exim.ts';
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

/** Exim as it comes: opportunistic. */
const eximClient: Open = async () => {
  if (!requirePeer('exim4') || !requireRoot()) return 'Exim is not installed, or this is not root';
  const policies = ['default'];
  const listen = { host: HOST, port: await freePort() };
  const bounces = { host: HOST, port: await freePort() };
  const routes = { 'default.prove.test': listen.port, 'bounce.prove.test': bounces.port };
  const exim = await Exim.open({ name: 'exim', routes, keyPair: await makePair('exim.test') });
  const submit = { host: HOST, port: exim.port };
  return {
    subject: { kind: 'client', listen, bounces, submit, policies, waitMs: WAIT_MS },
    policies,
    close: () => exim.close(),
  };
};

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
};
