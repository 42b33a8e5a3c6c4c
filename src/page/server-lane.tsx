// A server in the picture: what it is called, its clock, how much comes and goes, and the mail that waits in it with the reason.

import type { ApiRecord } from './api.ts';
import { useCmdlet } from './ask.ts';
import { number, records, text, texts as textsOf } from './fields.ts';
import { openMessage } from './navigation.ts';
import { describeError, describeNextHop, describeStatus, isSameReply } from './queue-words.ts';
import { safe, safeSubject } from './said.tsx';
import type { Role } from '../config.ts';
import type { Server } from './server.ts';
import { say, texts } from './texts.ts';
import { useTicking } from './ticking.ts';
import { formatMoment } from './times.ts';

const MAX_QUEUES = 4;
const MAX_MESSAGES = 4;
const LOOK_MS = 4000;

export function ServerLane({ role, server }: { readonly role: Role; readonly server: Server | undefined }) {
  if (server === undefined)
    return (
      <section class={`lane lane-${role} lane-absent`} aria-label={texts.roles[role]}>
        <p class="eyebrow">{texts.roles[role]}</p>
        <p class="quiet">{texts.stage.absent}</p>
      </section>
    );
  return (
    <section class={`lane lane-${role}`} aria-labelledby={`lane-${role}`}>
      <p class="eyebrow">{texts.roles[role]}</p>
      <h2 id={`lane-${role}`}>{safe(server.name)}</h2>
      <LaneClock server={server} />
      <Rates server={server} />
      <Waiting server={server} />
    </section>
  );
}

function LaneClock({ server }: { readonly server: Server }) {
  const now = useTicking(() => server.now());
  const offset = text(server.clock.value, 'Offset');
  return (
    <p class="lane-clock">
      <time>{formatMoment(now)}</time>
      {offset !== '' && <span class="moved">{safe(offset)}</span>}
    </p>
  );
}

function Rates({ server }: { readonly server: Server }) {
  const last = server.load.value.at(-1);
  return (
    <dl class="lane-rates">
      <div>
        <dt>{texts.stage.in}</dt>
        <dd>{(last?.received ?? 0).toLocaleString('en-GB')}</dd>
      </div>
      <div>
        <dt>{texts.stage.out}</dt>
        <dd>{(last?.sent ?? 0).toLocaleString('en-GB')}</dd>
      </div>
      <div>
        <dt>{texts.stage.waiting}</dt>
        <dd>{number(server.queues.value, 'MessageCount').toLocaleString('en-GB')}</dd>
      </div>
    </dl>
  );
}

function Waiting({ server }: { readonly server: Server }) {
  const queues = records(server.queues.value, 'Queues').filter(
    (queue) => number(queue, 'MessageCount') > 0 || text(queue, 'Status') === 'Suspended',
  );
  const waits = number(server.queues.value, 'MessageCount') > 0;
  const { answer } = useCmdlet(waits ? server : undefined, 'Get-Message', { ResultSize: 20 }, LOOK_MS);
  if (queues.length === 0) return <p class="lane-nothing quiet">{texts.stage.nothingWaits}</p>;
  return (
    <ul class="waiting">
      {queues.slice(0, MAX_QUEUES).map((queue) => (
        <WaitingQueue
          key={text(queue, 'Identity')}
          queue={queue}
          now={server.now()}
          messages={(waits ? (answer?.records ?? []) : []).filter(
            (message) => text(message, 'Queue') === text(queue, 'Identity'),
          )}
        />
      ))}
      {queues.length > MAX_QUEUES && (
        <li class="quiet">{say(texts.stage.moreQueues, { number: queues.length - MAX_QUEUES })}</li>
      )}
    </ul>
  );
}

interface WaitingQueueProps {
  readonly queue: ApiRecord;
  readonly now: number;
  readonly messages: readonly ApiRecord[];
}

function WaitingQueue({ queue, now, messages }: WaitingQueueProps) {
  const error = describeError(queue);
  const count = number(queue, 'MessageCount');
  return (
    <li class="waiting-queue">
      <p class="waiting-head">
        <strong>{say(texts.stage.waitingIn, { number: count, where: safe(describeNextHop(queue), 60) })}</strong>
        <span class="quiet">{describeStatus(queue, now)}</span>
      </p>
      {error !== '' && <p class="why">{safe(error, 160)}</p>}
      <ul>
        {messages.slice(0, MAX_MESSAGES).map((message) => (
          <li key={text(message, 'Identity')}>
            <WaitingMessage message={message} isExplained={isSameReply(error, text(message, 'LastError'))} />
          </li>
        ))}
      </ul>
      {count > MAX_MESSAGES && messages.length > 0 && (
        <p class="quiet">{say(texts.stage.moreMessages, { number: count - MAX_MESSAGES })}</p>
      )}
    </li>
  );
}

function WaitingMessage({ message, isExplained }: { readonly message: ApiRecord; readonly isExplained: boolean }) {
  const subject = text(message, 'Subject');
  const why = text(message, 'LastError');
  return (
    <button type="button" class="parked" onClick={() => openMessage(text(message, 'NetworkMessageId'))}>
      <span class="parked-subject">{safeSubject(subject, 60)}</span>
      <span class="quiet">{safe(textsOf(message, 'Recipients').join(', '), 60)}</span>
      {why !== '' && !isExplained && <span class="why">{safe(why, 120)}</span>}
    </button>
  );
}
