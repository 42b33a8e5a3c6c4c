// The laboratory: the panels are files of their own.

import { ClockPanel } from './clock-panel.tsx';
import { FaultPanel } from './fault-panel.tsx';
import { laboratoryOf } from './laboratory.ts';
import { LetterPanel } from './letter-panel.tsx';
import { servers } from './pair.ts';
import { position, recording } from './player.ts';
import type { RecordedScenario } from './recording.ts';
import { Notice, safe } from './said.tsx';
import { ScenarioPanel } from './scenario-panel.tsx';
import { ScenarioTold } from './scenario-told.tsx';
import { SubscribePanel } from './subscribe-panel.tsx';
import { texts } from './texts.ts';

export function LabView() {
  const played = recording.value?.scenario;
  if (played) return <Played scenario={played} />;
  const isLaboratory = servers.value.some((server) => server.isLaboratory);
  const laboratory = isLaboratory ? laboratoryOf() : undefined;
  return (
    <section aria-labelledby="lab-title" class="lab">
      <h1 id="lab-title">{texts.lab.title}</h1>
      {!laboratory && <Notice tone="info">{isLaboratory ? texts.lab.noDoor : texts.lab.noLaboratory}</Notice>}
      <div class="lab-column">
        <SubscribePanel />
        {laboratory && <ClockPanel laboratory={laboratory} />}
      </div>
      {laboratory && (
        <div class="lab-column">
          <LetterPanel laboratory={laboratory} />
          <FaultPanel laboratory={laboratory} />
          <ScenarioPanel laboratory={laboratory} />
        </div>
      )}
    </section>
  );
}

/** A scenario in a recording, as far as it has come. */
function Played({ scenario: { title, about, lines } }: { readonly scenario: RecordedScenario }) {
  const told = lines.filter(({ at }) => at <= position.value);
  return (
    <section aria-labelledby="lab-title">
      <h1 id="lab-title">{safe(title)}</h1>
      <div class="card">
        <ScenarioTold about={about} lines={told} isRunning={told.length < lines.length} />
      </div>
    </section>
  );
}
