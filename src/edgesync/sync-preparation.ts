// The kind: what a round does in AD before any type plans, knowing the Edge's own object as it was just read. Making
// credentials is one; taking over a certificate that the Edge announced is another. Each writes AD and nothing else, is
// harmless when repeated, and is listed in sync-preparations.ts.

import type { SyncScene } from './sync-type.ts';

export interface SyncPreparation {
  /** For the log. */
  readonly name: string;
  /** Throws Problem for what must stop the round. `scene.edge` is AD as the preparation before left it. */
  prepare(scene: SyncScene): Promise<void>;
}
