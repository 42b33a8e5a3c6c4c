// One hop of a trail: the lock, the reason in words, what became of the message, and everything that the card knows.

import { explainReason } from '../trust/reasons.ts';
import type { Hop } from '../shell/trail-facts.ts';
import type { DecisionCard } from '../tracking/decision-card.ts';
import { CaptureLinks } from './capture-links.tsx';
import { describeCard } from './card-words.ts';
import { Code, safe } from './said.tsx';
import { Sign } from './signs.tsx';
import { texts } from './texts.ts';
import { toneOf } from './tones.ts';

export function HopBranch({ hop }: { readonly hop: Hop }) {
  const { card, received, onward } = hop;
  return (
    <li class="hop">
      <HopCard card={card} received={received} />
      {onward.length > 0 && (
        <ol class="hops">
          {onward.map((next) => (
            <HopBranch key={next.card.id} hop={next} />
          ))}
        </ol>
      )}
    </li>
  );
}

interface HopCardProps {
  readonly card: DecisionCard;
  readonly received: DecisionCard | undefined;
}

function HopCard({ card, received }: HopCardProps) {
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
      <p class={`hop-outcome outcome-${card.outcome}`}>
        <strong>{texts.outcomes[card.outcome] ?? card.outcome}</strong>
        {card.detail !== undefined && (
          <>
            {': '}
            <Code>{card.detail}</Code>
          </>
        )}
      </p>
      <Facts card={card} title={texts.trail.seenBy(card.server)} />
      {received !== undefined && (
        <>
          {received.reason !== card.reason && (
            <p>
              {texts.trail.othersReason(received.server, received.reason)} {explainSafely(received)}
            </p>
          )}
          <Facts card={received} title={texts.trail.seenBy(received.server)} />
        </>
      )}
    </article>
  );
}

/** A reason of another version has no sentence here. */
function explainSafely({ reason }: DecisionCard): string {
  const sentence = (explainReason(reason) as string | undefined) ?? '';
  return sentence === '' ? '' : `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
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
