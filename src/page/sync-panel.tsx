// EdgeSync: what is subscribed, whether the Edge is what AD says, the last rounds, and a comparison object by object.

import { useState } from 'preact/hooks';
import type { Answer, ApiRecord } from './api.ts';
import { asProblem, useCmdlet } from './ask.ts';
import { number, text, texts as textsOf, time } from './fields.ts';
import { RecordTable } from './record-table.tsx';
import { Code, Notice, safe } from './said.tsx';
import type { Server } from './server.ts';
import { say, texts } from './texts.ts';
import { formatMoment, formatSpan } from './times.ts';

const words = texts.sync;
const LOOK_MS = 10_000;
const SHOWN_ROUNDS = 12;

export function SyncPanel({ hub }: { readonly hub: Server }) {
  const subscriptions = useCmdlet(hub, 'Get-EdgeSubscription', {}, LOOK_MS);
  const state = useCmdlet(hub, 'Test-EdgeSynchronization', {}, LOOK_MS);
  const problem = subscriptions.problem ?? state.problem;
  return (
    <>
      <section class="card" aria-labelledby="sync-title">
        <h2 id="sync-title">{words.title}</h2>
        {problem && <Notice tone="bad">{safe(problem.message)}</Notice>}
        {subscriptions.answer?.records.length === 0 && <p class="quiet">{words.noSubscription}</p>}
        <div class="pair-columns">
          {(subscriptions.answer?.records ?? []).map((record) => (
            <Subscription
              key={text(record, 'Name')}
              record={record}
              state={state.answer?.records.find((each) => text(each, 'Name') === text(record, 'Name'))}
              now={hub.now()}
            />
          ))}
        </div>
        {!hub.isRecorded && <Actions hub={hub} onDone={state.reload} />}
      </section>
      <section class="card" aria-labelledby="rounds-title">
        <h2 id="rounds-title">{words.rounds}</h2>
        <RecordTable
          label={words.rounds}
          none={words.noRounds}
          records={hub.rounds.value.slice(0, SHOWN_ROUNDS)}
          keyOf={(record, index) => `${text(record, 'StartUTC')}${text(record, 'Type')}${index}`}
          columns={[
            {
              title: words.ended,
              cell: (record) => <span class="nowrap">{formatMoment(time(record, 'EndUTC') ?? 0)}</span>,
            },
            { title: words.edge, cell: (record) => safe(text(record, 'Name')) },
            { title: words.type, cell: (record) => safe(text(record, 'Type')) },
            { title: words.result, isLong: true, cell: (record) => <Result record={record} /> },
            { title: words.added, isNumber: true, cell: (record) => number(record, 'Added') },
            { title: words.updated, isNumber: true, cell: (record) => number(record, 'Updated') },
            { title: words.deleted, isNumber: true, cell: (record) => number(record, 'Deleted') },
          ]}
        />
      </section>
    </>
  );
}

function Result({ record }: { readonly record: ApiRecord }) {
  const result = text(record, 'Result');
  const detail = text(record, 'FailureDetails');
  return (
    <span class={result === 'Success' ? undefined : 'bad'}>
      {safe(result)}
      {detail !== '' && `: ${safe(detail)}`}
    </span>
  );
}

interface SubscriptionProps {
  readonly record: ApiRecord;
  readonly state: ApiRecord | undefined;
  readonly now: number;
}

function Subscription({ record, state, now }: SubscriptionProps) {
  const status = text(state, 'SyncStatus');
  return (
    <div class="subscription">
      <h3>
        {safe(text(record, 'Name'))} <span class="quiet">{safe(text(record, 'Fqdn'))}</span>
      </h3>
      <dl class="pairs">
        <div>
          <dt>{words.status}</dt>
          <dd class={status === 'Normal' || status === '' ? undefined : 'bad'}>
            {state === undefined
              ? words.asking
              : [status, text(state, 'FailureDetail')]
                  .filter((each) => each !== '')
                  .map((each) => safe(each))
                  .join(': ')}
          </dd>
        </div>
        <div>
          <dt>{words.last}</dt>
          <dd>{describeLast(state, now)}</dd>
        </div>
        <div>
          <dt>{words.lease}</dt>
          <dd>{state === undefined ? words.asking : safe(text(state, 'LeaseHolder')) || words.noLease}</dd>
        </div>
        <div>
          <dt>{words.since}</dt>
          <dd>{formatMoment(time(record, 'WhenSubscribed') ?? 0)}</dd>
        </div>
        {textsOf(state, 'CookieRecords').map((cookie) => (
          <div key={cookie}>
            <dt>{words.cookie}</dt>
            <dd>{safe(cookie)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function describeLast(state: ApiRecord | undefined, now: number): string {
  if (state === undefined) return words.asking;
  const last = time(state, 'LastSynchronizedUtc');
  return last === undefined
    ? words.never
    : say(words.ago, { moment: formatMoment(last), span: formatSpan(now - last) });
}

function Actions({ hub, onDone }: { readonly hub: Server; readonly onDone: () => void }) {
  const [answer, setAnswer] = useState<Answer | undefined>(undefined);
  const [failure, setFailure] = useState('');
  const [running, setRunning] = useState('');
  const run = async (cmdlet: string, parameters: Record<string, boolean>): Promise<void> => {
    setRunning(cmdlet);
    setFailure('');
    try {
      const done = await hub.api.call(cmdlet, parameters);
      setAnswer(cmdlet.startsWith('Test-') ? done : undefined);
      setFailure(done.failures.join(' '));
    } catch (error) {
      setFailure(asProblem(error).message);
    }
    setRunning('');
    onDone();
  };
  const differences = (answer?.records ?? []).flatMap((record) => textsOf(record, 'Differences'));
  return (
    <div class="actions">
      <div class="buttons">
        <button
          type="button"
          disabled={running !== ''}
          onClick={() => void run('Test-EdgeSynchronization', { FullCompareMode: true })}
        >
          {words.compare}
        </button>
        <button
          type="button"
          disabled={running !== '' || !hub.mayWrite}
          title={hub.mayWrite ? undefined : texts.token.missing}
          onClick={() => void run('Start-EdgeSynchronization', {})}
        >
          {words.start}
        </button>
      </div>
      <div role="status">
        {running !== '' && <p class="quiet">{words.running}</p>}
        {answer && (
          <p>
            <strong>
              {differences.length === 0 ? words.same : say(words.differences, { number: differences.length })}
            </strong>
          </p>
        )}
      </div>
      {failure !== '' && <Notice tone="bad">{safe(failure)}</Notice>}
      {differences.length > 0 && (
        <ul class="differences">
          {differences.map((difference) => (
            <li key={difference}>
              <Code>{difference}</Code>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
