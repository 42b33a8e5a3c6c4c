// The subscription of the Edge to the Hub's site, without a shell: its file is downloaded here from the Edge and dropped here for the
// Hub, and each step is seen. The file is a secret for a day; it is shown nowhere and kept nowhere.

import { useState } from 'preact/hooks';
import { asProblem, useCmdlet } from './ask.ts';
import { saveFile } from './download.ts';
import { text } from './fields.ts';
import { serverOf } from './pair.ts';
import { useRunning } from './running.ts';
import { Notice, safe } from './said.tsx';
import type { Server } from './server.ts';
import { Steps } from './steps.tsx';
import { say, texts } from './texts.ts';

const MAX_FILE_BYTES = 1_000_000;
const OFTEN_MS = 10_000;

export function SubscribePanel() {
  const hub = serverOf('hub');
  const edge = serverOf('edge');
  const { answer, problem, reload } = useCmdlet(hub, 'Get-EdgeSubscription', {}, OFTEN_MS);
  return (
    <section class="card" aria-labelledby="subscription-title">
      <h2 id="subscription-title">{texts.lab.subscription}</h2>
      {problem && <Notice tone="bad">{safe(problem.message)}</Notice>}
      {answer?.records.length === 0 && <p class="quiet">{texts.sync.noSubscription}</p>}
      <ul>
        {(answer?.records ?? []).map((record) => (
          <li key={text(record, 'Name')}>
            {safe(text(record, 'Name'))} → {safe(text(record, 'Site'))}
          </li>
        ))}
      </ul>
      {edge && <Download edge={edge} />}
      {hub && <Drop hub={hub} onDone={reload} />}
    </section>
  );
}

function Download({ edge }: { readonly edge: Server }) {
  const [problem, setProblem] = useState('');
  const download = async (): Promise<void> => {
    try {
      const name = `${edge.name}.xml`;
      saveFile(await edge.api.download('New-EdgeSubscription', { FileName: name }), name);
      setProblem('');
    } catch (error) {
      setProblem(asProblem(error).message);
    }
  };
  return (
    <div class="lab-part">
      <h3>{say(texts.lab.downloadTitle, { server: edge.name })}</h3>
      <p class="quiet">{texts.lab.downloadAbout}</p>
      <button type="button" class="primary" disabled={!edge.mayWrite} onClick={() => void download()}>
        {texts.lab.download}
      </button>
      {!edge.mayWrite && <p class="quiet">{texts.token.missing}</p>}
      {problem !== '' && <Notice tone="bad">{safe(problem)}</Notice>}
    </div>
  );
}

function Drop({ hub, onDone }: { readonly hub: Server; readonly onDone: () => void }) {
  const running = useRunning();
  const [isOver, setIsOver] = useState(false);
  const [problem, setProblem] = useState('');
  const take = async (files: FileList | null | undefined): Promise<void> => {
    const [file, other] = files ?? [];
    if (!file) return;
    const sentence = other
      ? texts.lab.oneFile
      : file.size > MAX_FILE_BYTES
        ? say(texts.lab.tooLarge, { name: file.name })
        : '';
    setProblem(sentence);
    if (sentence !== '') return;
    const content = await base64Of(file);
    const site = text(hub.hello.value, 'Site');
    await running.run(hub.api, 'New-EdgeSubscription', { FileName: { name: file.name, content }, Site: site });
    onDone();
  };
  const isClosed = !hub.mayWrite || running.isRunning;
  return (
    <div
      class={`lab-part drop${isOver ? ' drop-over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(!isClosed);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setIsOver(false);
        if (!isClosed) void take(event.dataTransfer?.files);
      }}
    >
      <h3>{say(texts.lab.dropTitle, { server: hub.name })}</h3>
      <label>
        <span>{texts.lab.drop}</span>
        <input
          type="file"
          accept=".xml,text/xml,application/xml"
          disabled={isClosed}
          onChange={(event) => {
            const { currentTarget } = event;
            // Taken first: the list belongs to the field, which is emptied so that the same file can be chosen again.
            void take(currentTarget.files).finally(() => (currentTarget.value = ''));
          }}
        />
      </label>
      {!hub.mayWrite && <p class="quiet">{texts.token.missing}</p>}
      {problem !== '' && <Notice tone="bad">{safe(problem)}</Notice>}
      <Steps running={running} done={texts.lab.subscribed} />
    </div>
  );
}

async function base64Of(file: File): Promise<string> {
  const octets = new Uint8Array(await file.arrayBuffer());
  let latin = '';
  for (const octet of octets) latin += String.fromCharCode(octet);
  return btoa(latin);
}
