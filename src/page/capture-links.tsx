// The recorded sessions of a card, where the laboratory captures: files for Wireshark, with the secrets that decrypt them.

import { useState } from 'preact/hooks';
import type { DecisionCard } from '../tracking/decision-card.ts';
import { asProblem } from './ask.ts';
import { saveFile } from './download.ts';
import { servers } from './pair.ts';
import { Notice, safe } from './said.tsx';
import type { Server } from './server.ts';
import { texts } from './texts.ts';

export function CaptureLinks({ card }: { readonly card: DecisionCard }) {
  const server = servers.value.find(({ fqdn }) => fqdn === card.server);
  const names = (card.captures ?? []).map((path) => path.split('/').at(-1) ?? path);
  if (server === undefined || names.length === 0) return null;
  return (
    <ul class="captures">
      {names.map((name) => (
        <li key={name}>
          <CaptureLink server={server} name={name} />
        </li>
      ))}
    </ul>
  );
}

function CaptureLink({ server, name }: { readonly server: Server; readonly name: string }) {
  const [problem, setProblem] = useState('');
  const download = async (): Promise<void> => {
    try {
      setProblem('');
      saveFile(await server.api.download('Export-Capture', { Name: name, Path: name }), name);
    } catch (error) {
      setProblem(asProblem(error).message);
    }
  };
  return (
    <>
      <button
        type="button"
        disabled={!server.mayWrite}
        title={server.mayWrite ? undefined : texts.token.missing}
        onClick={() => void download()}
      >
        {texts.trail.download(safe(name))}
      </button>
      {problem !== '' && <Notice tone="bad">{safe(problem)}</Notice>}
    </>
  );
}
