// The guided scenarios: what each tells, and one played on a pair of its own with the picture of each letter beside the explanation.

import { useEffect, useState } from 'preact/hooks';
import type { Api, ApiRecord } from './api.ts';
import { ExportButton } from './export-button.tsx';
import { text, texts as listOf } from './fields.ts';
import { useRunning } from './running.ts';
import { safe } from './said.tsx';
import { ScenarioTold } from './scenario-told.tsx';
import { texts } from './texts.ts';

export function ScenarioPanel({ laboratory }: { readonly laboratory: Api }) {
  const [scenarios, setScenarios] = useState<readonly ApiRecord[]>([]);
  const [name, setName] = useState('');
  const running = useRunning();
  useEffect(() => {
    const ask = async (): Promise<void> => {
      const { records: found } = await laboratory.call('Get-LabScenario');
      setScenarios(found);
      setName((last) => (last === '' ? text(found[0], 'Name') : last));
    };
    ask().catch(() => setScenarios([]));
  }, [laboratory]);
  const scenario = scenarios.find((each) => text(each, 'Name') === name);
  const about = listOf(scenario, 'About');
  return (
    <section class="card" aria-labelledby="scenarios-title">
      <h2 id="scenarios-title">{texts.lab.scenarios}</h2>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void running.run(laboratory, 'Start-LabScenario', { Name: name });
        }}
      >
        <label class="field-long">
          <span>{texts.lab.scenario}</span>
          <select
            value={name}
            disabled={running.isRunning}
            onChange={(event) => {
              setName(event.currentTarget.value);
              running.forget();
            }}
          >
            {scenarios.map((each) => (
              <option key={text(each, 'Name')} value={text(each, 'Name')}>
                {safe(text(each, 'Title'))}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary" disabled={running.isRunning || scenario === undefined}>
          {texts.lab.play}
        </button>
      </form>
      <ScenarioTold about={about} lines={running.lines} isRunning={running.isRunning} />
      {scenario && !running.isRunning && running.lines.length > 0 && (
        <div class="buttons">
          <ExportButton
            label={texts.export.scenario}
            scenario={{ name, title: text(scenario, 'Title'), about, lines: running.lines }}
          />
        </div>
      )}
    </section>
  );
}
