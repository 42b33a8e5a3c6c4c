// The table of types of data, in the order in which a round carries them.

import { configurationType } from './configuration-type.ts';
import { recipientsType } from './recipients-type.ts';
import type { SyncType } from './sync-type.ts';

export const SYNC_TYPES: readonly SyncType[] = [configurationType, recipientsType];
