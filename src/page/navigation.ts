// The route that the address has now.

import { signal } from '@preact/signals';
import { formatRoute, readRoute, type Route } from './route.ts';
import { texts } from './texts.ts';

export const route = signal<Route>({ view: 'stage', message: undefined });

/** Begins to follow the address; to be called after the tokens were taken out of it. */
export function followAddress(): void {
  const read = (): void => {
    const { view } = route.peek();
    route.value = readRoute(location.hash);
    document.title = `${texts.views[route.peek().view]} · ${texts.name}`;
    // Another view begins at its top, and not where the last one was left.
    if (view !== route.peek().view) scrollTo({ top: 0, behavior: 'instant' });
  };
  read();
  addEventListener('hashchange', read);
}

export function openMessage(message: string | undefined): void {
  location.hash = formatRoute({ view: route.peek().view, message });
}
