// Tells how far the proof is, cell by cell, and can be stopped between two.

import type { Cell } from './matrix.ts';

export interface Progress {
  /** A sentence about what is being prepared. */
  readonly say: (text: string) => void;
  /** A cell is done. */
  readonly cell: (matrix: string, cell: Cell) => void;
}
