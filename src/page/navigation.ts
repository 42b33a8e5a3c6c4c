// The route that the address has now.

import { signal } from '@preact/signals';
import { formatRoute, readRoute, type Route } from './route.ts';

export const route = signal<Route>({ view: 'stage', message: undefined });

/** Begins to follow the address; to be called after the tokens were taken out of it. */
export function followAddress(): void {
  const read = (): void => {
    route.value = readRoute(location.hash);
  };
  read();
  addEventListener('hashchange', read);
}

export function openMessage(message: string | undefined): void {
  location.hash = formatRoute({ view: route.peek().view, message });
}
