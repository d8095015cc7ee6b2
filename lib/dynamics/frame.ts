/** One moment of a trajectory: what sampling yields and every observable of lib/analysis takes. */

export interface Frame {
  readonly step: number;
  /** fs, from the start of the stage or file. */
  readonly time: number;
  /** Atomic numbers, N. */
  readonly species: Uint8Array;
  /** amu, N. */
  readonly masses: Float64Array;
  /** 3N, A; wrapped or not: analysis unwraps by displacement (analysis.md 2.1). */
  readonly positions: Float64Array;
  /** 9, rows a, b, c; null for an isolated structure. */
  readonly cell: Float64Array | null;
  readonly pbc: readonly [boolean, boolean, boolean];
  /** 3N, A/fs. */
  readonly velocities?: Float64Array;
  /** eV. */
  readonly potentialEnergy?: number;
  /** Cell volume, A^3. */
  readonly volume?: number;
}
