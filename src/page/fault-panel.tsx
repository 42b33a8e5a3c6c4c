// Faults on the path to each server, put there and taken away.

import { useEffect, useState } from 'preact/hooks';
import type { Api, ApiRecord } from './api.ts';
import { asProblem } from './ask.ts';
import { records, text } from './fields.ts';
import { Notice, safe } from './said.tsx';
import { say, texts } from './texts.ts';

const NONE = 'none';

export function FaultPanel({ laboratory }: { readonly laboratory: Api }) {
  const [paths, setPaths] = useState<readonly ApiRecord[]>([]);
  const [problem, setProblem] = useState('');
  const ask = async (cmdlet: string, parameters: Record<string, string> = {}): Promise<void> => {
    try {
      await laboratory.call(cmdlet, parameters);
      setPaths((await laboratory.call('Get-LabFault')).records);
      setProblem('');
    } catch (error) {
      setProblem(asProblem(error).message);
    }
  };
  useEffect(() => void ask('Get-LabFault'), [laboratory]);
  return (
    <section class="card" aria-labelledby="faults-title">
      <h2 id="faults-title">{texts.lab.faults}</h2>
      <p class="quiet">{texts.lab.faultsAbout}</p>
      {paths.map((path) => {
        const server = text(path, 'Server');
        const name = text(path, 'Name');
        return (
          <div class="lab-part" key={server}>
            <label>
              <span>{say(texts.lab.path, { server: server === 'hub' ? texts.roles.hub : texts.roles.edge })}</span>
              <select
                value={name}
                onChange={(event) => void ask('Set-LabFault', { Server: server, Name: event.currentTarget.value })}
              >
                <option value={NONE}>{texts.lab.noFault}</option>
                {records(path, 'Choices').map((choice) => (
                  <option key={text(choice, 'Name')} value={text(choice, 'Name')}>
                    {safe(text(choice, 'Says'))}
                  </option>
                ))}
              </select>
            </label>
          </div>
        );
      })}
      {problem !== '' && <Notice tone="bad">{safe(problem)}</Notice>}
    </section>
  );
}
