// The head of the page: name, servers, views, tokens, colours.

import { useRef } from 'preact/hooks';
import { ExportButton } from './export-button.tsx';
import { flag, text } from './fields.ts';
import { servers } from './pair.ts';
import { route } from './navigation.ts';
import { PlayerBar } from './player-bar.tsx';
import { isRecorded, recording } from './player.ts';
import { formatRoute, type View, VIEWS } from './route.ts';
import { Code, safe } from './said.tsx';
import type { Server } from './server.ts';
import { say, texts } from './texts.ts';
import { chooseTheme, theme, THEMES } from './theme.ts';
import { TokenForm } from './token-form.tsx';

export function Header() {
  return (
    <header class="head">
      <div class="head-row">
        <a class="brand" href="#/stage">
          <Mark />
          {texts.name}
        </a>
        <ul class="chips" aria-label={texts.serversLabel}>
          {servers.value.map((server) => (
            <ServerChip key={server.name} server={server} />
          ))}
        </ul>
        {!isRecorded.value && servers.value.length > 0 && <ExportButton label={texts.export.moment} />}
        {!isRecorded.value && <Tokens />}
        <ThemeChoice />
      </div>
      <nav aria-label={texts.viewsLabel} class="views">
        {VIEWS.filter(isShown).map((view) => (
          <a
            key={view}
            href={formatRoute({ view, message: undefined })}
            aria-current={route.value.view === view ? 'page' : undefined}
          >
            {texts.views[view]}
          </a>
        ))}
      </nav>
      <PlayerBar />
    </header>
  );
}

/** In a recording nothing can be done; of a laboratory it has the scenario that was played. */
function isShown(view: View): boolean {
  return view !== 'lab' || !isRecorded.value || recording.value?.scenario !== undefined;
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 28 20" aria-hidden="true">
      <circle cx="6" cy="14" r="4" />
      <circle cx="22" cy="14" r="4" />
      <path d="M10 14h8M10 6V5a4 4 0 0 1 8 0v1" />
    </svg>
  );
}

function ServerChip({ server }: { readonly server: Server }) {
  const { state } = server.link.value;
  const offset = text(server.clock.value, 'Offset');
  const isReady = server.health.value === undefined || flag(server.health.value, 'Ready');
  return (
    <li class={`chip chip-${state === 'open' && !isReady ? 'refused' : state}`} title={server.fqdn}>
      <span class="dot" aria-hidden="true" />
      <strong>{safe(server.name)}</strong>
      <span class="chip-text">
        {texts.roles[server.role]}, {state === 'open' && !isReady ? texts.notReady : texts.links[state]}
      </span>
      {offset !== '' && <span class="chip-clock">{say(texts.clock, { offset })}</span>}
    </li>
  );
}

function Tokens() {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" class="plain" onClick={() => dialog.current?.showModal()}>
        {texts.token.open}
      </button>
      <dialog ref={dialog} class="dialog" aria-labelledby="tokens-title">
        <h2 id="tokens-title">{texts.token.title}</h2>
        <p>{texts.token.about}</p>
        {servers.value.map((server) => (
          <section key={server.name} class="token-server">
            <p>
              <strong>{safe(server.name)}</strong>{' '}
              <span class="quiet">{server.mayWrite ? texts.token.mayWrite : texts.token.mayRead}</span>
            </p>
            <TokenForm
              label={say(texts.token.label, { server: server.name })}
              hasToken={server.hasToken}
              onUsed={(token) => server.useToken(token)}
            />
            <Code>{say(texts.token.howTo, { role: server.role })}</Code>
          </section>
        ))}
        <form method="dialog" onSubmit={(event) => event.preventDefault()}>
          <button type="button" onClick={() => dialog.current?.close()}>
            {texts.token.close}
          </button>
        </form>
      </dialog>
    </>
  );
}

function ThemeChoice() {
  return (
    <label class="theme">
      <span class="hidden">{texts.theme.label}</span>
      <select
        value={theme.value}
        onChange={(event) => {
          const chosen = THEMES.find((each) => each === event.currentTarget.value);
          if (chosen) chooseTheme(chosen);
        }}
      >
        {THEMES.map((each) => (
          <option key={each} value={each}>
            {texts.theme[each]}
          </option>
        ))}
      </select>
    </label>
  );
}
