// Trust: whose certificate is what on both sides, and whether Hub and Edge know the same.

import { useEffect, useState } from 'preact/hooks';
import { useCmdlet } from './ask.ts';
import { CertificateCard } from './certificate-card.tsx';
import { serverOf, servers } from './pair.ts';
import { Notice, safe } from './said.tsx';
import type { Server } from './server.ts';
import { SyncPanel } from './sync-panel.tsx';
import { texts } from './texts.ts';
import { listOwnerships, type TrustAnswer } from './trust-facts.ts';

const LOOK_MS = 5000;

export function TrustView() {
  const [answers, setAnswers] = useState<ReadonlyMap<string, TrustAnswer>>(new Map());
  const keep = (answer: TrustAnswer): void => setAnswers((last) => new Map(last).set(answer.server, answer));
  const hub = serverOf('hub');
  const known = servers.value.flatMap(({ name }) => answers.get(name) ?? []);
  const [first] = servers.value;
  return (
    <section aria-labelledby="trust-title">
      <h1 id="trust-title">{texts.trust.title}</h1>
      {servers.value.map((server) => (
        <Asker key={server.name} server={server} onAnswer={keep} />
      ))}
      {known.length === 0 && <p class="quiet">{texts.trust.none}</p>}
      <div class="pair-columns">
        {listOwnerships(known).map((ownership) => (
          <CertificateCard key={ownership.owner} ownership={ownership} now={first?.now() ?? Date.now()} />
        ))}
      </div>
      {hub && <SyncPanel hub={hub} />}
    </section>
  );
}

interface AskerProps {
  readonly server: Server;
  readonly onAnswer: (answer: TrustAnswer) => void;
}

/** Asks one server again and again, and says what it refused. */
function Asker({ server, onAnswer }: AskerProps) {
  const status = useCmdlet(server, 'Get-TrustStatus', {}, LOOK_MS);
  const certificates = useCmdlet(server, 'Get-ExchangeCertificate', {}, LOOK_MS);
  useEffect(() => {
    if (status.answer === undefined || certificates.answer === undefined) return;
    onAnswer({
      server: server.name,
      role: server.role,
      status: status.answer.records,
      certificates: certificates.answer.records,
    });
    // Whoever keeps the answers is the same one all the time.
  }, [status.answer, certificates.answer]);
  const problem = status.problem ?? certificates.problem;
  return problem === undefined ? null : (
    <Notice tone="bad">
      {safe(server.name)}: {safe(problem.message)}
    </Notice>
  );
}
