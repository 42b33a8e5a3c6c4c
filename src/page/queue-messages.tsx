// The messages that wait in the queues of a server.

import { ActionButton } from './action-button.tsx';
import type { ApiRecord } from './api.ts';
import { number, text, texts as textsOf } from './fields.ts';
import { openMessage } from './navigation.ts';
import { RecordTable } from './record-table.tsx';
import { fromTo, safe, safeSubject } from './said.tsx';
import type { Server } from './server.ts';
import { say, texts } from './texts.ts';
import { formatSize } from './times.ts';

interface QueueMessagesProps {
  readonly server: Server;
  readonly messages: readonly ApiRecord[];
  readonly onDone: () => void;
}

export function QueueMessages({ server, messages, onDone }: QueueMessagesProps) {
  if (messages.length === 0) return null;
  return (
    <details class="queue-messages" open>
      <summary>{texts.queues.waitingMessages}</summary>
      <RecordTable
        label={texts.queues.waitingMessages}
        none=""
        records={messages}
        keyOf={(record) => text(record, 'Identity')}
        columns={[
          {
            title: texts.queues.message,
            isLong: true,
            cell: (record) => (
              <button type="button" class="link" onClick={() => openMessage(text(record, 'NetworkMessageId'))}>
                {safeSubject(text(record, 'Subject'), 80)}
              </button>
            ),
          },
          {
            title: texts.tracking.to,
            isLong: true,
            cell: (record) => fromTo(text(record, 'FromAddress'), textsOf(record, 'Recipients')),
          },
          {
            title: texts.queues.for,
            cell: (record) => <span class="nowrap">{safe(text(record, 'MessageLatency'))}</span>,
          },
          { title: texts.tracking.size, isNumber: true, cell: (record) => formatSize(number(record, 'Size')) },
          {
            title: texts.queues.why,
            isLong: true,
            cell: (record) => (
              <span class="why">{safe(text(record, 'LastError')) || safe(text(record, 'Status'))}</span>
            ),
          },
          ...(server.isRecorded
            ? []
            : [
                {
                  title: texts.queues.do,
                  cell: (record: ApiRecord) => <MessageActions server={server} message={record} onDone={onDone} />,
                },
              ]),
        ]}
      />
    </details>
  );
}

interface MessageActionsProps {
  readonly server: Server;
  readonly message: ApiRecord;
  readonly onDone: () => void;
}

function MessageActions({ server, message, onDone }: MessageActionsProps) {
  const Identity = text(message, 'Identity');
  const words = texts.actions;
  const question = say(words.removeMessage, { subject: safe(text(message, 'Subject'), 80) });
  const turn =
    text(message, 'Status') === 'Suspended'
      ? { label: words.resume, cmdlet: 'Resume-Message', parameters: { Identity } }
      : { label: words.suspend, cmdlet: 'Suspend-Message', parameters: { Identity } };
  return (
    <div class="buttons">
      <ActionButton server={server} actions={[turn]} onDone={onDone} />
      <ActionButton
        server={server}
        label={words.removeFirst}
        actions={[
          { label: words.remove, cmdlet: 'Remove-Message', parameters: { Identity, WithNDR: true }, question },
          { label: words.removeSilently, cmdlet: 'Remove-Message', parameters: { Identity, WithNDR: false }, question },
        ]}
        onDone={onDone}
      />
    </div>
  );
}
