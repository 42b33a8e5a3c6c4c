// One attempt at handing a message to a hop, and what came of it for each recipient.

import type { HopFacts, RecipientOutcome } from './hop.ts';
import type { Delivery } from './delivery.ts';

export interface Attempt {
  readonly delivery: Delivery;
  readonly facts: HopFacts;
  readonly outcomes: readonly RecipientOutcome[];
  readonly nextAttemptAt: Date;
  readonly queueName: string;
}
