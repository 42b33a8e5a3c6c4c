// What a client of no manners tries on a server: old versions, weak ciphers, certificates that are worth nothing, text where TLS should
// be. No message is sent; the question is whether the server goes on in TLS with such a client.

import type { Endpoint } from '../config.ts';
import { silentLog } from '../log.ts';
import { type FaultInput, Meddler, type Observation } from '../meddle/meddler.ts';
import { dial, type DialResult } from '../smtp/sender.ts';
import type { Cell, Finding, Heading, Matrix } from './matrix.ts';
import type { Progress } from './progress.ts';

interface Probe extends Heading {
  readonly faults: readonly FaultInput[];
  /** What a server should do; undefined where either is right. */
  readonly should?: 'served' | 'refused';
  readonly why: string;
}

type Terminate = Extract<FaultInput, { do: 'terminate' }>;

function withServer(toServer: Terminate['toServer']): readonly FaultInput[] {
  return [{ at: 'STARTTLS', do: 'terminate', toServer }];
}

const PROBES: readonly Probe[] = [
  {
    id: 'client-tls-1.3',
    title: 'TLS 1.3 alone',
    faults: withServer({ minVersion: 'TLSv1.3' }),
    should: 'served',
    why: 'RFC 9325 §3.1.1: TLS 1.3 should be supported',
  },
  {
    id: 'client-tls-1.2',
    title: 'TLS 1.2 alone',
    faults: withServer({ maxVersion: 'TLSv1.2' }),
    should: 'served',
    why: 'RFC 9325 §3.1.1: TLS 1.2 must be supported',
  },
  {
    id: 'client-tls-1.1',
    title: 'TLS 1.1 alone',
    faults: withServer({ maxVersion: 'TLSv1.1' }),
    should: 'refused',
    why: 'RFC 8996 §5: TLS 1.1 must not be used',
  },
  {
    id: 'client-tls-1.0',
    title: 'TLS 1.0 alone',
    faults: withServer({ maxVersion: 'TLSv1' }),
    should: 'refused',
    why: 'RFC 8996 §4: TLS 1.0 must not be used',
  },
  {
    id: 'client-static-rsa',
    title: 'a cipher without forward secrecy alone',
    faults: withServer({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:AES256-SHA' }),
    should: 'refused',
    why: 'RFC 9325 §4.1: static RSA should not be negotiated',
  },
  {
    id: 'client-cbc',
    title: 'CBC with SHA-1 alone',
    faults: withServer({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA' }),
    why: 'RFC 9325 §4.2 recommends AEAD suites alone',
  },
  {
    id: 'client-anonymous',
    title: 'anonymous key exchange alone',
    faults: withServer({ maxVersion: 'TLSv1.2', ciphers: 'aNULL:!eNULL' }),
    why: 'encryption with nobody in particular: what opportunistic TLS is worth anyhow, RFC 7435',
  },
  {
    id: 'client-null',
    title: 'no encryption at all',
    faults: withServer({ maxVersion: 'TLSv1.2', ciphers: 'eNULL' }),
    should: 'refused',
    why: 'RFC 9325 §4.1: NULL must not be negotiated',
  },
  {
    id: 'client-certificate-expired',
    title: 'an expired client certificate',
    faults: withServer({ certificate: { dates: 'expired' } }),
    why: 'on port 25 a certificate that proves nothing may be taken for none',
  },
  {
    id: 'client-certificate-unknown',
    title: 'a client certificate of nobody',
    faults: withServer({ certificate: {} }),
    why: 'on port 25 a certificate that proves nothing may be taken for none',
  },
  {
    id: 'client-hello-split',
    title: 'ClientHello in single octets',
    faults: [{ at: 'ClientHello', do: 'split' }],
    should: 'served',
    why: 'TCP may deliver so',
  },
  {
    id: 'command-injected',
    title: 'a command behind STARTTLS in the same packet',
    faults: [{ at: 'STARTTLS', do: 'inject', text: 'NOOP\r\n' }],
    why: 'RFC 3207 §6: what came in clear must not be taken for said in TLS; it is dropped, or the connection ends',
  },
  {
    id: 'text-before-tls',
    title: 'text in place of a ClientHello',
    faults: [{ at: 'ClientHello', do: 'inject', text: 'NOOP\r\n', place: 'before' }],
    should: 'refused',
    why: 'the handshake is broken',
  },
];

const POLICY: Heading = { id: 'server', title: 'the server' };
const STEP_LIMIT_MS = 3000;

export interface MannersProof extends Heading {
  readonly target: Endpoint;
  /** The server is ours, so that what it should do is promised. */
  readonly isOurs: boolean;
  readonly progress: Progress;
  readonly isRow: (heading: Heading) => boolean;
}

export async function proveManners({ id, title, target, isOurs, progress, isRow }: MannersProof): Promise<Matrix> {
  const probes = PROBES.filter(isRow);
  const cells: Cell[] = [];
  await using box = await Meddler.open({ to: target });
  for (const probe of probes) {
    const cell = await tryProbe(box, probe, isOurs);
    cells.push(cell);
    progress.cell(title, cell);
  }
  return { id, title, events: probes, policies: [POLICY], cells };
}

async function tryProbe(box: Meddler, probe: Probe, isOurs: boolean): Promise<Cell> {
  box.setFaults(probe.faults);
  const result = await dial({
    host: '127.0.0.1',
    port: box.port,
    name: 'client.prove.test',
    startTls: 'attempt',
    timeouts: { greetingMs: STEP_LIMIT_MS, ehloMs: STEP_LIMIT_MS, tlsMs: STEP_LIMIT_MS },
    log: silentLog(),
  });
  const found = findingOf(result, probe, box.observations());
  if (result.kind === 'connected') await result.session.quit();
  await box.waitForEnded(1, AbortSignal.timeout(STEP_LIMIT_MS));
  const promised = isOurs && probe.should !== undefined;
  const differs = probe.should !== undefined && probe.should !== found.outcome;
  return {
    event: probe.id,
    policy: POLICY.id,
    ...found,
    ...(promised && { expected: { outcome: probe.should, reason: found.reason } }),
    remarks: [...(differs ? [`it should be ${probe.should}`] : []), probe.why],
    cards: [],
    connections: box.observations(),
    captures: [],
  };
}

function findingOf(result: DialResult, probe: Probe, seen: readonly Observation[]): Finding {
  if (result.kind === 'failed')
    return { outcome: 'refused', reason: result.reply ? `${result.reply.code}` : result.code };
  const { tls, capabilities } = result.session;
  if (tls.kind !== 'established') return { outcome: 'refused', reason: tls.kind };
  // The reply that our EHLO got in TLS is then the one to the injected command, which lists nothing.
  const isTaken = probe.id === 'command-injected' && capabilities.size === 0;
  if (isTaken) return { outcome: 'served', reason: 'the injected command was executed' };
  // Where the box ends TLS, what it has with the server is what counts.
  const beyond = seen[0]?.events.find(({ kind, side }) => kind === 'secured' && side === 'server');
  const { protocol, cipher } = tls.session;
  return { outcome: 'served', reason: /TLSv[\d.]+ \w+/.exec(beyond?.text ?? '')?.[0] ?? `${protocol} ${cipher}` };
}
