// What waits, where, and why; and what can be done about it.

import type { ApiRecord } from './api.ts';
import { ActionButton } from './action-button.tsx';
import { useCmdlet } from './ask.ts';
import { number, records, text } from './fields.ts';
import { servers } from './pair.ts';
import { QueueMessages } from './queue-messages.tsx';
import { describeError, describeNextHop, describeStatus, describeWaiting } from './queue-words.ts';
import { RecordTable } from './record-table.tsx';
import { Notice, safe } from './said.tsx';
import type { Server } from './server.ts';
import { say, texts } from './texts.ts';

const LOOK_MS = 4000;

export function QueuesView() {
  return (
    <section aria-labelledby="queues-title">
      <h1 id="queues-title">{texts.queues.title}</h1>
      {servers.value.map((server) => (
        <QueuesOf key={server.name} server={server} />
      ))}
    </section>
  );
}

function QueuesOf({ server }: { readonly server: Server }) {
  const messages = useCmdlet(server, 'Get-Message', { ResultSize: 100 }, LOOK_MS);
  const queues = records(server.queues.value, 'Queues');
  const all = messages.answer?.records ?? [];
  const lastErrorOf = (queue: ApiRecord): string =>
    describeError(queue) ||
    text(
      all.find((message) => text(message, 'Queue') === text(queue, 'Identity') && text(message, 'LastError') !== ''),
      'LastError',
    );
  return (
    <section class="card" aria-label={server.name}>
      <h2>
        {safe(server.name)} <span class="quiet">{describeWaiting(number(server.queues.value, 'MessageCount'))}</span>
      </h2>
      {messages.problem && <Notice tone="bad">{safe(messages.problem.message)}</Notice>}
      <RecordTable
        label={say(texts.queues.of, { server: server.name })}
        none={texts.queues.none}
        records={queues}
        keyOf={(record) => text(record, 'Identity')}
        columns={[
          {
            title: texts.queues.queue,
            isLong: true,
            cell: (record) => (
              <>
                <strong>{safe(describeNextHop(record))}</strong>
                <br />
                <span class="quiet">{safe(text(record, 'Identity'))}</span>
              </>
            ),
          },
          { title: texts.queues.messages, isNumber: true, cell: (record) => number(record, 'MessageCount') },
          { title: texts.queues.state, cell: (record) => describeStatus(record, server.now()) },
          {
            title: texts.queues.why,
            isLong: true,
            cell: (record) => <span class="why">{safe(lastErrorOf(record))}</span>,
          },
          ...(server.isRecorded
            ? []
            : [
                {
                  title: texts.queues.do,
                  cell: (record: ApiRecord) => <QueueActions server={server} queue={record} onDone={messages.reload} />,
                },
              ]),
        ]}
      />
      <QueueMessages server={server} messages={all} onDone={messages.reload} />
    </section>
  );
}

interface QueueActionsProps {
  readonly server: Server;
  readonly queue: ApiRecord;
  readonly onDone: () => void;
}

/** Submission and Poison are no queues to a next hop: nothing is sent from them. */
function QueueActions({ server, queue, onDone }: QueueActionsProps) {
  const Identity = text(queue, 'Identity');
  if (/\\(?:Submission|Poison)$/.test(Identity)) return null;
  const { retry, resume, suspend, suspendQueue } = texts.actions;
  const turn =
    text(queue, 'Status') === 'Suspended'
      ? { label: resume, cmdlet: 'Resume-Queue', parameters: { Identity } }
      : {
          label: suspend,
          cmdlet: 'Suspend-Queue',
          parameters: { Identity },
          question: say(suspendQueue, { queue: safe(Identity) }),
        };
  return (
    <div class="buttons">
      <ActionButton
        server={server}
        actions={[{ label: retry, cmdlet: 'Retry-Queue', parameters: { Identity } }]}
        onDone={onDone}
      />
      <ActionButton server={server} actions={[turn]} onDone={onDone} />
    </div>
  );
}
