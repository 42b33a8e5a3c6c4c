// The laboratory: the panels are files of their own.

import { LabPanel } from './lab-panel.tsx';
import { servers } from './pair.ts';
import { Notice } from './said.tsx';
import { SubscribePanel } from './subscribe-panel.tsx';
import { texts } from './texts.ts';

export function LabView() {
  return (
    <section aria-labelledby="lab-title">
      <h1 id="lab-title">{texts.lab.title}</h1>
      {servers.value.some((server) => server.isLaboratory) ? (
        <LabPanel />
      ) : (
        <Notice tone="info">{texts.lab.noLaboratory}</Notice>
      )}
      <SubscribePanel />
    </section>
  );
}
