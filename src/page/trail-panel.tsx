// The trail of one message across both hops, beside what is shown.

import { useEffect, useRef, useState } from 'preact/hooks';
import { foldRuns } from '../shell/trail-facts.ts';
import type { ApiRecord } from './api.ts';
import { joined, text, texts as textsOf } from './fields.ts';
import { HopBranches } from './hop-card.tsx';
import { openMessage, route } from './navigation.ts';
import { journeys, servers } from './pair.ts';
import { RecordTable } from './record-table.tsx';
import { Code, fromTo, Notice, safe, safeSubject } from './said.tsx';
import { say, texts } from './texts.ts';
import { askForTrail, type KnownTrail } from './trail-asking.ts';
import { formatClock } from './times.ts';

/** Cards are written a moment after the step that they tell of. */
const SETTLE_MS = 300;

export function TrailPanel() {
  const id = route.value.message;
  return id === undefined ? null : <Panel key={id} id={id} />;
}

function Panel({ id }: { readonly id: string }) {
  const known = useTrail(id);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    heading.current?.focus();
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') openMessage(undefined);
    };
    addEventListener('keydown', onKey);
    return () => {
      removeEventListener('keydown', onKey);
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const trail = known?.trail;
  const subject = trail?.subject ?? journeys.value.get(id)?.subject ?? '';
  return (
    <aside class="trail" aria-labelledby="trail-title">
      <header class="trail-head">
        <div>
          <p class="eyebrow">{texts.trail.title}</p>
          <h2 id="trail-title" ref={heading} tabIndex={-1}>
            {safeSubject(subject)}
          </h2>
        </div>
        <button type="button" onClick={() => openMessage(undefined)}>
          {texts.trail.close}
        </button>
      </header>
      {known === undefined ? <p class="quiet">{texts.trail.asking}</p> : <Known known={known} id={id} />}
    </aside>
  );
}

function useTrail(id: string): KnownTrail | undefined {
  const [known, setKnown] = useState<KnownTrail | undefined>(undefined);
  const lastAt = journeys.value.get(id)?.lastAt ?? 0;
  const all = servers.value;
  useEffect(() => {
    let isGone = false;
    const ask = async (): Promise<void> => {
      const found = await askForTrail(all, id);
      if (!isGone) setKnown(found);
    };
    const timer = setTimeout(() => void ask(), known === undefined ? 0 : SETTLE_MS);
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [id, lastAt, all]);
  return known;
}

function Known({ known, id }: { readonly known: KnownTrail; readonly id: string }) {
  const { trail, problems, reports, tracking } = known;
  return (
    <>
      {problems.map(({ server, problem }) => (
        <Notice key={server} tone="bad">
          {server}: {safe(problem.message)}
        </Notice>
      ))}
      {trail === undefined && <Notice tone="info">{texts.trail.unknown}</Notice>}
      {trail && (
        <>
          <p class="trail-who">{fromTo(trail.sender, trail.recipients)}</p>
          <p class="quiet">
            <Code>{trail.messageId}</Code>
            <br />
            <Code>{id}</Code>
          </p>
          <HopBranches hops={[...trail.arrivals, ...trail.departures]} />
          {trail.arrivals.length + trail.departures.length === 0 && <p class="quiet">{texts.trail.noCards}</p>}
        </>
      )}
      {reports.map((report) => (
        <p key={text(report, 'NetworkMessageId')} class="trail-report">
          {say(texts.trail.report, { recipients: safe(textsOf(report, 'Recipients').join(', ')) })}{' '}
          <button type="button" onClick={() => openMessage(text(report, 'NetworkMessageId'))}>
            {safe(text(report, 'MessageSubject'), 120)}
          </button>
        </p>
      ))}
      {tracking.length > 0 && <Tracking records={tracking} />}
    </>
  );
}

/** What was tried again and again with the same end stands there once. */
function Tracking({ records }: { readonly records: readonly ApiRecord[] }) {
  const runs = foldRuns(records, (before, next) =>
    ['EventId', 'ServerHostname', 'Reason', 'Channel'].every((name) => text(before, name) === text(next, name)),
  );
  return (
    <section>
      <h3>{texts.trail.tracking}</h3>
      <RecordTable
        label={texts.trail.tracking}
        none=""
        records={runs}
        keyOf={(_run, index) => String(index)}
        columns={[
          { title: texts.tracking.time, cell: ({ last }) => formatClock(Date.parse(text(last, 'Timestamp'))) },
          {
            title: texts.tracking.event,
            cell: ({ last, length }) => `${safe(text(last, 'EventId'))}${length > 1 ? ` × ${length}` : ''}`,
          },
          {
            title: texts.tracking.peer,
            isLong: true,
            cell: ({ last }) =>
              safe(text(last, text(last, 'EventId') === 'RECEIVE' ? 'ClientHostname' : 'ServerHostname')),
          },
          { title: texts.tracking.status, isLong: true, cell: ({ last }) => safe(joined(last, 'RecipientStatus')) },
        ]}
      />
    </section>
  );
}
