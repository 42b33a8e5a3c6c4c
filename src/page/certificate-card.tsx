// The certificate of one server: what it shows, what each directory has of it, and for how long all that holds.

import { Sign } from './signs.tsx';
import { safe } from './said.tsx';
import { say, texts } from './texts.ts';
import { formatDay, formatSpan } from './times.ts';
import type { Tone } from './tones.ts';
import {
  type CertificateFacts,
  type DirectoryCopy,
  groupThumbprint,
  judgeOwnership,
  type OnRecord,
  type Ownership,
  placeOn,
  type Span,
  spanOf,
  type Verdict,
} from './trust-facts.ts';

const TONES: Readonly<Record<Verdict, Tone>> = {
  agreed: 'trusted',
  mismatch: 'alarm',
  expired: 'alarm',
  'not-yet-valid': 'alarm',
  'unknown-there': 'clear',
  incomplete: 'stopped',
};

interface CertificateCardProps {
  readonly ownership: Ownership;
  /** Milliseconds, by the servers' clock. */
  readonly now: number;
}

export function CertificateCard({ ownership, now }: CertificateCardProps) {
  const { owner, shown, copies } = ownership;
  const verdict = judgeOwnership(ownership, now);
  const tone = TONES[verdict];
  const span = spanOf([...(shown ? [shown] : []), ...copies.flatMap(({ certificates }) => certificates)], now);
  return (
    <section class="card certificate" aria-label={say(texts.trust.of, { owner })}>
      <header class="certificate-head">
        <h2>{say(texts.trust.of, { owner: safe(owner) })}</h2>
        <p class={`badge tone-${tone}`}>
          <Sign tone={tone} />
          {texts.trust.verdicts[verdict]}
        </p>
      </header>
      <p class="quiet">{say(texts.trust.explained[verdict], { owner: safe(owner) })}</p>
      {shown && (
        <CertificateRow
          who={say(texts.trust.shows, { owner: safe(owner) })}
          certificate={shown}
          matches={undefined}
          note=""
          span={span}
          now={now}
        />
      )}
      {copies.map((copy) => (
        <CopyOf key={copy.server} copy={copy} shown={shown} span={span} now={now} />
      ))}
      <p class="axis" aria-hidden="true">
        <span>{formatDay(span.from)}</span>
        <span>{formatDay(span.to)}</span>
      </p>
    </section>
  );
}

interface CopyOfProps {
  readonly copy: DirectoryCopy;
  readonly shown: CertificateFacts | undefined;
  readonly span: Span;
  readonly now: number;
}

function CopyOf({ copy, shown, span, now }: CopyOfProps) {
  const who = say(texts.trust.has, { directory: copy.directory, server: safe(copy.server) });
  if (copy.certificates.length === 0)
    return (
      <p>
        <strong>{who}</strong> <span class="why">{texts.trust.nothing}</span>
      </p>
    );
  return (
    <>
      {copy.certificates.map((certificate) => (
        <CertificateRow
          key={certificate.sha256 + certificate.part}
          who={who}
          certificate={certificate}
          matches={shown === undefined ? undefined : shown.sha256 === certificate.sha256}
          note={describeOnRecord(certificate)}
          span={span}
          now={now}
        />
      ))}
    </>
  );
}

function describeOnRecord({ part, state }: OnRecord): string {
  return part === 'Current' && state === 'matches' ? '' : `${part}: ${state}`;
}

interface CertificateRowProps {
  readonly who: string;
  readonly certificate: CertificateFacts;
  /** Whether it is what the owner shows. */
  readonly matches: boolean | undefined;
  readonly note: string;
  readonly span: Span;
  readonly now: number;
}

function CertificateRow({ who, certificate, matches, note, span, now }: CertificateRowProps) {
  const { thumbprint, notBefore, notAfter } = certificate;
  const isPast = now > notAfter;
  const isOut = isPast || now < notBefore;
  return (
    <div class={`certificate-row${isOut || matches === false ? ' out' : ''}`}>
      <p class="certificate-who">
        <strong>{who}</strong>
        {matches !== undefined && (
          <span class={`same tone-${matches ? 'trusted' : 'alarm'}`}>
            {matches ? texts.trust.same : texts.trust.other}
          </span>
        )}
        <span class={isOut ? 'days bad' : 'days'}>
          {isPast
            ? say(texts.trust.expiredFor, { span: formatSpan(now - notAfter) })
            : now < notBefore
              ? say(texts.trust.validIn, { span: formatSpan(notBefore - now) })
              : say(texts.trust.left, { span: formatSpan(notAfter - now) })}
        </span>
      </p>
      <p class="thumbprint">
        <code class="code">{safe(groupThumbprint(thumbprint))}</code>
      </p>
      {note !== '' && <p class="quiet">{safe(note)}</p>}
      <TimeLine certificate={certificate} span={span} now={now} />
    </div>
  );
}

/** Drawn as SVG, so that its measures need no style attribute. */
function TimeLine({ certificate, span, now }: Pick<CertificateRowProps, 'certificate' | 'span' | 'now'>) {
  const [from, to, at] = [certificate.notBefore, certificate.notAfter, now].map((each) => placeOn(span, each) * 1000);
  return (
    <svg
      class="time-line"
      viewBox="0 0 1000 24"
      preserveAspectRatio="none"
      role="img"
      aria-label={say(texts.trust.line, {
        from: formatDay(certificate.notBefore),
        to: formatDay(certificate.notAfter),
      })}
    >
      <rect class="time-ground" x="0" y="9" width="1000" height="6" />
      <rect class="time-valid" x={from} y="6" width={Math.max(2, (to ?? 0) - (from ?? 0))} height="12" />
      <rect class="time-now" x={(at ?? 0) - 1.5} y="0" width="3" height="24" />
    </svg>
  );
}
