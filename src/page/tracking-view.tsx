// Message tracking, searched on the servers and shown page by page.

import { useState } from 'preact/hooks';
import type { ApiRecord } from './api.ts';
import { useCmdlet } from './ask.ts';
import { joined, number, text, texts as textsOf } from './fields.ts';
import { openMessage } from './navigation.ts';
import { servers } from './pair.ts';
import { isRecorded } from './player.ts';
import { RecordTable } from './record-table.tsx';
import { Notice, fromTo, safe, safeSubject } from './said.tsx';
import type { Server } from './server.ts';
import { Sign } from './signs.tsx';
import { say, texts } from './texts.ts';
import { formatSize, writeInstant } from './times.ts';
import { channelOf, toneOf } from './tones.ts';
import { pageOf, type SearchFields, searchParameters } from './tracking-search.ts';

const words = texts.tracking;
const EVENT_IDS = ['RECEIVE', 'SEND', 'DELIVER', 'DEFER', 'FAIL', 'DSN', 'RESUBMIT', 'BADMAIL', 'POISONMESSAGE'];
const FIELDS = [
  ['Sender', words.sender, 'text'],
  ['Recipients', words.recipient, 'text'],
  ['MessageSubject', words.subject, 'text'],
  ['MessageId', words.messageId, 'text'],
  ['Start', words.from, 'datetime-local'],
  ['End', words.until, 'datetime-local'],
] as const;

export function TrackingView() {
  const [fields, setFields] = useState<SearchFields>({});
  return (
    <section aria-labelledby="tracking-title">
      <h1 id="tracking-title">{words.title}</h1>
      {!isRecorded.value && <SearchForm onSearch={setFields} />}
      {servers.value.map((server) => (
        <Found key={server.name + JSON.stringify(fields)} server={server} fields={fields} />
      ))}
    </section>
  );
}

function SearchForm({ onSearch }: { readonly onSearch: (fields: SearchFields) => void }) {
  const search = (form: HTMLFormElement): void => {
    const given = [...new FormData(form)].filter((field): field is [string, string] => typeof field[1] === 'string');
    onSearch(Object.fromEntries(given));
  };
  return (
    <form
      class="filters card"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        search(event.currentTarget);
      }}
    >
      {FIELDS.map(([name, label, type]) => (
        <label key={name}>
          <span>{label}</span>
          {type === 'text' ? (
            <input name={name} autoComplete="off" spellcheck={false} />
          ) : (
            <input name={name} type={type} autoComplete="off" />
          )}
        </label>
      ))}
      <label>
        <span>{words.kind}</span>
        <select name="EventId">
          <option value="">{words.anyKind}</option>
          {EVENT_IDS.map((id) => (
            <option key={id}>{id}</option>
          ))}
        </select>
      </label>
      <button type="submit" class="primary">
        {words.search}
      </button>
    </form>
  );
}

/** The pages of one server; a new search begins with a new one of these. */
function Found({ server, fields }: { readonly server: Server; readonly fields: SearchFields }) {
  const [turned, setTurned] = useState<{ readonly until: string; readonly before: readonly ApiRecord[] }>();
  const { answer, problem, isLoading } = useCmdlet(
    server,
    'Get-MessageTrackingLog',
    searchParameters(fields, turned?.until),
  );
  const { shown, next } = pageOf(answer?.records ?? [], turned?.before ?? []);
  return (
    <section class="card" aria-label={server.name}>
      <h2>
        {safe(server.name)} <span class="quiet">{isLoading ? '' : say(words.found, { number: shown.length })}</span>
      </h2>
      {problem && <Notice tone="bad">{safe(problem.message)}</Notice>}
      <RecordTable
        label={`${words.title}, ${server.name}`}
        none={words.none}
        records={shown}
        keyOf={(record, index) => `${text(record, 'Timestamp')}${index}`}
        columns={[
          {
            title: words.time,
            cell: (record) => <span class="nowrap">{writeInstant(safe(text(record, 'Timestamp')))}</span>,
          },
          { title: words.event, cell: (record) => <span class="nowrap">{safe(text(record, 'EventId'))}</span> },
          {
            title: texts.queues.message,
            isLong: true,
            cell: (record) => (
              <button type="button" class="link" onClick={() => openMessage(text(record, 'NetworkMessageId'))}>
                {safeSubject(text(record, 'MessageSubject'), 80)}
              </button>
            ),
          },
          {
            title: words.to,
            isLong: true,
            cell: (record) => fromTo(text(record, 'Sender'), textsOf(record, 'Recipients')),
          },
          { title: words.how, cell: (record) => <How record={record} /> },
          { title: words.size, isNumber: true, cell: (record) => formatSize(number(record, 'TotalBytes')) },
          {
            title: words.status,
            isLong: true,
            cell: (record) => safe(joined(record, 'RecipientStatus'), 160),
          },
        ]}
      />
      {!server.isRecorded && (next !== undefined || turned !== undefined) && (
        <div class="buttons">
          <button type="button" disabled={turned === undefined} onClick={() => setTurned(undefined)}>
            {words.newest}
          </button>
          <button
            type="button"
            disabled={next === undefined || isLoading}
            onClick={() => next !== undefined && setTurned({ until: next, before: shown })}
          >
            {words.older}
          </button>
        </div>
      )}
    </section>
  );
}

function How({ record }: { readonly record: ApiRecord }) {
  const reason = text(record, 'Reason');
  if (reason === '') return null;
  const tone = toneOf(channelOf(text(record, 'Channel')), reason);
  return (
    <span class={`badge tone-${tone}`}>
      <Sign tone={tone} label={texts.tones[tone]} />
      {safe(reason)}
    </span>
  );
}
