// The recorded sessions of a card, where the laboratory captures: files for Wireshark, with the secrets that decrypt them.

import { useState } from 'preact/hooks';
import type { DecisionCard } from '../tracking/decision-card.ts';
import { asProblem } from './ask.ts';
import { saveFile } from './download.ts';
import { servers } from './pair.ts';
import { Notice, safe } from './said.tsx';
import { Sign } from './signs.tsx';
import type { Server } from './server.ts';
import { say, texts } from './texts.ts';
import { readTranscript } from './transcript-lines.ts';

export function CaptureLinks({ card }: { readonly card: DecisionCard }) {
  const server = servers.value.find(({ fqdn }) => fqdn === card.server);
  const names = (card.captures ?? []).map((path) => path.split('/').at(-1) ?? path);
  if (server === undefined || server.isRecorded || names.length === 0) return null;
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
  const [transcript, setTranscript] = useState('');
  const run = async (act: () => Promise<void>): Promise<void> => {
    try {
      setProblem('');
      await act();
    } catch (error) {
      setProblem(asProblem(error).message);
    }
  };
  const read = async (): Promise<void> => {
    const parameters = { Identity: name, Transcript: true, FileName: name };
    setTranscript(await (await server.api.download('Export-Capture', parameters)).text());
  };
  const save = async (): Promise<void> =>
    saveFile(await server.api.download('Export-Capture', { Identity: name, FileName: name }), name);
  const title = server.mayWrite ? undefined : texts.token.missing;
  return (
    <>
      <div class="buttons">
        <button type="button" class="small" disabled={!server.mayWrite} title={title} onClick={() => void run(read)}>
          {texts.trail.transcript}
        </button>
        <button type="button" class="small" disabled={!server.mayWrite} title={title} onClick={() => void run(save)}>
          {say(texts.trail.download, { name: safe(name) })}
        </button>
      </div>
      {problem !== '' && <Notice tone="bad">{safe(problem)}</Notice>}
      {transcript !== '' && <Transcript text={transcript} />}
    </>
  );
}

const MAX_LINES = 500;

/** Lines as Export-Capture -Transcript writes them. */
function Transcript({ text }: { readonly text: string }) {
  const lines = readTranscript(text);
  return (
    <ol class="transcript" aria-label={texts.trail.transcript} tabIndex={0}>
      {lines.slice(0, MAX_LINES).map(({ at, who, isEncrypted, says }, index) => (
        <li key={`${index}${at}`} class={`said-${who}${isEncrypted ? ' in-tls' : ''}`}>
          <span class="said-who">
            {texts.trail.sides[who]}
            {who !== 'remark' && (
              <Sign
                tone={isEncrypted ? 'sealed' : 'clear'}
                label={isEncrypted ? texts.channels.tls : texts.channels.plaintext}
              />
            )}
          </span>
          <code class="code">{safe(says, 1000)}</code>
        </li>
      ))}
      {lines.length > MAX_LINES && (
        <li class="quiet">{say(texts.trail.moreLines, { number: lines.length - MAX_LINES })}</li>
      )}
    </ol>
  );
}
