/** What a Simulation offers to the code that drives it (studies, scripts); implemented in simulation.ts. */
import type { Frame } from './frame.js';

/**
 * One row of thermo.csv (interface.md 3.3), keys as its columns. Null (an empty field of the table) stands where a quantity does not
 * exist: everything of the cell for a structure without one, the temperature where nothing can move thermally.
 */
export interface Thermo {
  step: number;
  time_fs: number;
  temperature_K: number | null;
  potential_energy_eV: number;
  kinetic_energy_eV: number;
  conserved_eV: number;
  pressure_GPa: number | null;
  stress_xx_GPa: number | null;
  stress_yy_GPa: number | null;
  stress_zz_GPa: number | null;
  stress_yz_GPa: number | null;
  stress_xz_GPa: number | null;
  stress_xy_GPa: number | null;
  cell_a_A: number | null;
  cell_b_A: number | null;
  cell_c_A: number | null;
  cell_alpha_deg: number | null;
  cell_beta_deg: number | null;
  cell_gamma_deg: number | null;
  volume_A3: number | null;
  density_g_per_cm3: number | null;
  max_force_eV_per_A: number;
  temperature_target_K?: number;
  /** Of a committee (interface.md 3.3); null where the last evaluation was of the driving model alone. */
  deviation_force_max_eV_per_A?: number | null;
  deviation_force_min_eV_per_A?: number | null;
  deviation_force_mean_eV_per_A?: number | null;
  deviation_energy_eV_per_atom?: number | null;
  deviation_virial_max_eV_per_atom?: number | null;
  deviation_virial_min_eV_per_atom?: number | null;
  deviation_virial_mean_eV_per_atom?: number | null;
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
  /**
   * Whether the members of a committee are evaluated at the last of the steps (default true), so that `measure` knows their deviation;
   * what moves does not depend on it.
   */
  readonly members?: boolean;
  /** At most about ten times a second. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Named sections of a checkpoint: typed arrays are stored raw, everything else as JSON (dynamics.md 14). */
export type CheckpointSections = Record<
  string,
  Float64Array | Int32Array | Uint8Array | Uint32Array | object | string | number | null
>;

export interface Engine {
  /** Steps made in this stage, and over all stages. */
  readonly step: number;
  readonly globalStep: number;
  /** Starts the stage where it has not begun: builds the neighbour list and evaluates the start state, so that `measure` works. */
  prepare(): Promise<void>;
  /** Makes up to `steps` steps; returns how many. Aborting finishes the current step, then rejects with the signal's reason. */
  advance(options: AdvanceOptions): Promise<number>;
  /** Measured quantities of the present state (interface.md 3.3); `SIMULATION_NOT_STARTED` before `prepare` or the first step. */
  measure(): Thermo;
  /** A copy of the present state for analysis (restricted frame, unwrapped coordinates x + nH). */
  frame(): Frame;
  /** Everything needed to go on bit for bit. */
  save(): CheckpointSections;
}
