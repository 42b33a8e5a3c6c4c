// The table of preparations, in the order in which a round makes them.

import { prepareCredentials } from './prepare-credentials.ts';
import { prepareStagedCertificate } from './staged-certificate.ts';
import type { SyncPreparation } from './sync-preparation.ts';

export const SYNC_PREPARATIONS: readonly SyncPreparation[] = [prepareStagedCertificate, prepareCredentials];
