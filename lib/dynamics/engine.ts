/** What a Simulation offers to the code that drives it (studies, scripts); implemented in simulation.ts. */
import type { Frame } from './frame.js';

/** One row of thermo.csv (interface.md 3.3), keys as its columns. */
export interface Thermo {
  step: number;
  time_fs: number;
  temperature_K: number;
  potential_energy_eV: number;
  kinetic_energy_eV: number;
  conserved_eV: number;
  pressure_GPa: number;
  stress_xx_GPa: number;
  stress_yy_GPa: number;
  stress_zz_GPa: number;
  stress_yz_GPa: number;
  stress_xz_GPa: number;
  stress_xy_GPa: number;
  cell_a_A: number;
  cell_b_A: number;
  cell_c_A: number;
  cell_alpha_deg: number;
  cell_beta_deg: number;
  cell_gamma_deg: number;
  volume_A3: number;
  density_g_per_cm3: number;
  max_force_eV_per_A: number;
  temperature_target_K?: number;
}

export interface Progress {
  /** Steps made in this call, and asked for. */
  readonly step: number;
  readonly steps: number;
  readonly fraction: number;
  readonly stepsPerSecond: number;
  readonly secondsLeft: number;
}

export interface AdvanceOptions {
  readonly steps: number;
  readonly signal?: AbortSignal;
  /** Clock time (Date.now() ms) after which it returns at the next step boundary. */
  readonly deadline?: number;
  /** At most about ten times a second. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Named sections of a checkpoint: typed arrays are stored raw, everything else as JSON (dynamics.md 14). */
export type CheckpointSections = Record<string, Float64Array | Int32Array | Uint8Array | Uint32Array | object | string | number | null>;

export interface Engine {
  /** Steps made in this stage, and over all stages. */
  readonly step: number;
  readonly globalStep: number;
  /** Makes up to `steps` steps; returns how many. Aborting finishes the current step, then rejects with the signal's reason. */
  advance(options: AdvanceOptions): Promise<number>;
  /** Measured quantities of the present state (interface.md 3.3). */
  measure(): Thermo;
  /** A copy of the present state for analysis (restricted frame, unwrapped coordinates x + nH). */
  frame(): Frame;
  /** Everything needed to go on bit for bit. */
  save(): CheckpointSections;
}
