// One hop of a trail: the lock, the reason in words, what became of the message, and everything that the card knows.

import { explainReason } from '../trust/reasons.ts';
import { foldAttempts, type Hop, type Run } from '../shell/trail-facts.ts';
import type { DecisionCard } from '../tracking/decision-card.ts';
import { CaptureLinks } from './capture-links.tsx';
import { describeCard } from './card-words.ts';
import { asSentence, Code, safe } from './said.tsx';
import { Sign } from './signs.tsx';
import { say, texts } from './texts.ts';
import { formatMoment } from './times.ts';
import { toneOf } from './tones.ts';

/** Hops side by side; attempts that went the same way are one. */
export function HopBranches({ hops }: { readonly hops: readonly Hop[] }) {
  if (hops.length === 0) return null;
  return (
    <ol class="hops">
      {foldAttempts(hops).map((attempt) => (
        <li class="hop" key={attempt.first.card.id}>
          <HopCard attempt={attempt} />
          <HopBranches hops={attempt.last.onward} />
        </li>
      ))}
    </ol>
  );
}

function HopCard({ attempt: { first, last, length } }: { readonly attempt: Run<Hop> }) {
  const { card, received } = last;
  const tone = toneOf(card.channel, card.reason);
  const peer = safe(card.peer.name ?? card.peer.address, 80);
  const [from, to] = card.side === 'sender' ? [card.server, peer] : [peer, card.server];
  return (
    <article class={`hop-card tone-${tone}`}>
      <h3>
        <Sign tone={tone} />
        <span>
          {safe(from, 80)} → {safe(to, 80)}
        </span>
      </h3>
      <p class="hop-how">
        <span class="badge">{safe(card.reason)}</span> {texts.tones[tone]}
        {card.tls !== undefined && `, ${card.tls.version}`}
      </p>
      <p>{explainSafely(card)}</p>
      {length > 1 && (
        <p>{say(texts.trail.triedOften, { number: length, since: formatMoment(Date.parse(first.card.time)) })}</p>
      )}
      <p class={`hop-outcome outcome-${card.outcome}`}>
        <strong>{texts.outcomes[card.outcome] ?? card.outcome}</strong>
        {card.detail !== undefined && (
          <>
            {': '}
            <Code>{card.detail}</Code>
          </>
        )}
      </p>
      <Facts card={card} title={say(texts.trail.seenBy, { server: card.server })} />
      {received !== undefined && (
        <>
          {received.reason !== card.reason && (
            <p>
              {say(texts.trail.othersReason, { server: received.server, reason: received.reason })}{' '}
              {explainSafely(received)}
            </p>
          )}
          <Facts card={received} title={say(texts.trail.seenBy, { server: received.server })} />
        </>
      )}
    </article>
  );
}

/** A reason of another version has no sentence here. */
function explainSafely({ reason }: DecisionCard): string {
  return asSentence(explainReason(reason));
}

function Facts({ card, title }: { readonly card: DecisionCard; readonly title: string }) {
  return (
    <details class="facts">
      <summary>{title}</summary>
      <dl>
        {describeCard(card).map(({ label, says, isCode, isBad }, index) => (
          <div key={`${label}${index}`} class={isBad === true ? 'bad' : undefined}>
            <dt>{label}</dt>
            <dd>{isCode === true ? <Code>{says}</Code> : safe(says)}</dd>
          </div>
        ))}
      </dl>
      <CaptureLinks card={card} />
    </details>
  );
}
