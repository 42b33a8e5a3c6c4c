// Which view is shown, and of which message the trail: both stand in the address after "#", so that Back works and a view can be
// linked to. `#/stage`, `#/stage/NETWORK-MESSAGE-ID`.

export const VIEWS = ['stage', 'trust', 'queues', 'tracking', 'events', 'lab'] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  readonly view: View;
  /** The NetworkMessageId of the message whose trail is open. */
  readonly message: string | undefined;
}

/** Anything unknown is the stage. */
export function readRoute(hash: string): Route {
  const [, name, message] = /^#\/([a-z]+)(?:\/([0-9a-f-]{36}))?$/i.exec(hash) ?? [];
  return { view: VIEWS.find((view) => view === name) ?? 'stage', message };
}

export function formatRoute({ view, message }: Route): string {
  return message === undefined ? `#/${view}` : `#/${view}/${message}`;
}
