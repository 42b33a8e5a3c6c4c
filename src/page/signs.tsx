// A sign for each tone: what it is can be seen without colour. Drawn as one path each, so that the picture of a message on its
// way can be made of it too.

import type { Tone } from './tones.ts';

/** Closed lock with a tick, closed lock, open lock, open lock with a bolt through, cross, house. In a box of 24 by 24. */
export const SIGN_PATHS: Readonly<Record<Tone, string>> = {
  trusted: 'M7 10V7.500a5 5 0 0 1 10 0V10M5 10h14v10.500H5zM8.800 15.200l2.300 2.300 4.200-4.400',
  sealed: 'M7 10V7.500a5 5 0 0 1 10 0V10M5 10h14v10.500H5zM12 14v2.600',
  clear: 'M7 10V7a5 5 0 0 1 9.700-1.700M5 10h14v10.500H5z',
  alarm: 'M7 10V7a5 5 0 0 1 9.700-1.700M5 10h14v10.500H5zM12 12.500v3M12 17.800v.2',
  stopped: 'M6 6l12 12M18 6L6 18',
  local: 'M4 11.500L12 5l8 6.500M6.500 10v9.500h11V10M10 19.500v-5h4v5',
};

interface SignProps {
  readonly tone: Tone;
  /** What a screen reader says; nothing where words stand beside it. */
  readonly label?: string;
}

export function Sign({ tone, label }: SignProps) {
  return (
    <svg
      class={`sign tone-${tone}`}
      viewBox="0 0 24 24"
      {...(label === undefined ? { 'aria-hidden': 'true' } : { role: 'img', 'aria-label': label })}
    >
      <path d={SIGN_PATHS[tone]} />
    </svg>
  );
}
