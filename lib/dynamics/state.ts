/** The state that integrators move: one set of typed arrays, shared with the native side without copying. */

export interface SystemState {
  readonly natoms: number;
  /** 3N, A: wrapped at the last list build plus motion since (dynamics.md 2.5). */
  readonly positions: Float64Array;
  /** 3N, A/fs. */
  readonly velocities: Float64Array;
  /** 3N, eV/A. */
  readonly forces: Float64Array;
  /** 3N: unwrapped = positions + images * cell. */
  readonly images: Int32Array;
  /** 3N, A: accumulated dt * v, never touched by wrapping (D of dynamics.md 2.5). */
  readonly drift: Float64Array;
  /** 9, A, restricted form (dynamics.md 2.2); zeros for an isolated structure. */
  readonly cell: Float64Array;
  readonly pbc: readonly [boolean, boolean, boolean];
  /** N, eV fs^2/A^2. */
  readonly masses: Float64Array;
  /** N, 1 = does not move. */
  readonly frozen: Uint8Array;
  /** N, eV. */
  readonly atomEnergies: Float64Array;
  /** 9, eV. */
  readonly virial: Float64Array;
  /** eV. */
  potentialEnergy: number;
}
