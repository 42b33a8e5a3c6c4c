// Texts that came from elsewhere: only ever text nodes, with what could hide or turn them round written out.

import type { ComponentChildren } from 'preact';
import { escapeText } from '../unsafe-text.ts';
import { texts } from './texts.ts';

/** `text` as it may be shown anywhere; a very long one is cut. */
export function safe(text: string, limit = 400): string {
  const escaped = escapeText(text.length > limit ? text.slice(0, limit) : text);
  return text.length > limit ? `${escaped}…` : escaped;
}

/** What stands after a colon elsewhere, as a sentence of its own; of what is not known none. */
export function asSentence(text: string | undefined): string {
  return text === undefined || text === ''
    ? ''
    : `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** A subject to be shown, or that there is none. */
export function safeSubject(subject: string, limit?: number): string {
  return subject === '' ? texts.stage.noSubject : safe(subject, limit);
}

/** Who wrote to whom; the arrow stays with those whom it points to. */
export function fromTo(sender: string, recipients: readonly string[], limit?: number): string {
  return `${sender === '' ? texts.stage.nobody : safe(sender, limit)} →\u00a0${safe(recipients.join(', '), limit)}`;
}

/** An identifier, a thumbprint, a reply: in letters of one width, broken where it has to be. */
export function Code({ children }: { readonly children: string }) {
  return <code class="code">{safe(children)}</code>;
}

export function Notice({
  tone,
  children,
}: {
  readonly tone: 'info' | 'bad' | 'good';
  readonly children: ComponentChildren;
}) {
  return (
    <p class={`notice notice-${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      {children}
    </p>
  );
}
