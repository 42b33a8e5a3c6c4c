// The frame around the views: which servers there are and how they are, the views to go to, and who one is to them.

import type { JSX } from 'preact';
import { EventsView } from './events-view.tsx';
import { Header } from './header.tsx';
import { LabView } from './lab-view.tsx';
import { findServers, openingProblem, servers } from './pair.ts';
import { QueuesView } from './queues-view.tsx';
import { route } from './navigation.ts';
import type { View } from './route.ts';
import { Notice, safe } from './said.tsx';
import type { Server } from './server.ts';
import { StageView } from './stage-view.tsx';
import { type Sentence, say, texts } from './texts.ts';
import { TokenForm } from './token-form.tsx';
import { keepToken } from './tokens.ts';
import { TrailPanel } from './trail-panel.tsx';
import { TrackingView } from './tracking-view.tsx';
import { TrustView } from './trust-view.tsx';

const VIEW_PARTS: Readonly<Record<View, () => JSX.Element>> = {
  stage: StageView,
  trust: TrustView,
  queues: QueuesView,
  tracking: TrackingView,
  events: EventsView,
  lab: LabView,
};

export function App() {
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        {texts.skip}
      </a>
      <Header />
      <div class={route.value.message === undefined ? 'body' : 'body body-trail'}>
        <main id="content" tabIndex={-1}>
          <Content />
        </main>
        {servers.value.length > 0 && <TrailPanel />}
      </div>
    </>
  );
}

/** The address has the view in it, so that it cannot have the place as well. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Content() {
  const problem = openingProblem.value;
  if (problem) return <Opening code={problem.code} sentence={problem.message} />;
  if (servers.value.length === 0) return <p class="quiet">{texts.opening}</p>;
  const Part = VIEW_PARTS[route.value.view];
  return (
    <>
      {servers.value.map((server) => (
        <Refusal key={server.name} server={server} />
      ))}
      <Part />
    </>
  );
}

/** Says why a server shows nothing. */
function Refusal({ server }: { readonly server: Server }) {
  const link = server.link.value;
  if (link.state !== 'refused') return null;
  const { code, message } = link.problem;
  const sentences: Record<string, Sentence> = {
    'token-needed': texts.token.needed,
    'token-wrong': texts.token.wrong,
  };
  const sentence = sentences[code];
  return (
    <Notice tone="bad">
      {sentence === undefined ? `${server.name}: ${safe(message)}` : say(sentence, { server: server.name })}
    </Notice>
  );
}

/** The server that the page came from does not say what there is. */
function Opening({ code, sentence }: { readonly code: string; readonly sentence: string }) {
  return (
    <section class="card narrow">
      <Notice tone="bad">{safe(sentence)}</Notice>
      {code === 'recording' ? null : code.startsWith('token') ? (
        <TokenForm
          label={say(texts.token.label, { server: location.host })}
          hasToken={false}
          onUsed={(token) => {
            keepToken('', token);
            void findServers();
          }}
        />
      ) : (
        <button type="button" onClick={() => void findServers()}>
          {texts.again}
        </button>
      )}
    </section>
  );
}
