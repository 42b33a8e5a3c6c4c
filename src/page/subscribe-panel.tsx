// The subscription of the Edge to the Hub's site.

import { useCmdlet } from './ask.ts';
import { text } from './fields.ts';
import { serverOf } from './pair.ts';
import { Notice, safe } from './said.tsx';
import { texts } from './texts.ts';

export function SubscribePanel() {
  const hub = serverOf('hub');
  const { answer, problem } = useCmdlet(hub, 'Get-EdgeSubscription', {}, 10_000);
  if (hub === undefined) return null;
  return (
    <section class="card" aria-labelledby="subscription-title">
      <h2 id="subscription-title">{texts.lab.subscription}</h2>
      {problem && <Notice tone="bad">{safe(problem.message)}</Notice>}
      {answer?.records.length === 0 && <p class="quiet">{texts.lab.noSubscription}</p>}
      <ul>
        {(answer?.records ?? []).map((record) => (
          <li key={text(record, 'Name')}>
            {safe(text(record, 'Name'))} → {safe(text(record, 'Site'))}
          </li>
        ))}
      </ul>
    </section>
  );
}
