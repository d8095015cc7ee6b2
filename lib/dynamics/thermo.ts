/** The measured quantities of dynamics.md 4 as a row of thermo.csv (interface.md 3.3). */
import { determinant, lengthsAndAngles } from '../cell.js';
import type { Deviation } from '../potential/potential.js';
import { AMU_PER_A3_IN_G_PER_CM3, EV_PER_A3_IN_GPA } from '../units.js';
import type { Thermo } from './engine.js';
import { kineticTensor, temperatureOf } from './kinetic.js';
import type { Stage } from './stage.js';
import type { SystemState } from './state.js';

/** Columns of thermo.csv in order; `temperature_target_K` follows in ramps, then those of a committee. */
export const THERMO_COLUMNS = [
  'step',
  'time_fs',
  'temperature_K',
  'potential_energy_eV',
  'kinetic_energy_eV',
  'conserved_eV',
  'pressure_GPa',
  'stress_xx_GPa',
  'stress_yy_GPa',
  'stress_zz_GPa',
  'stress_yz_GPa',
  'stress_xz_GPa',
  'stress_xy_GPa',
  'cell_a_A',
  'cell_b_A',
  'cell_c_A',
  'cell_alpha_deg',
  'cell_beta_deg',
  'cell_gamma_deg',
  'volume_A3',
  'density_g_per_cm3',
  'max_force_eV_per_A',
] as const satisfies readonly (keyof Thermo)[];

/** Columns of a committee in order. */
export const DEVIATION_COLUMNS = [
  'deviation_force_max_eV_per_A',
  'deviation_force_min_eV_per_A',
  'deviation_force_mean_eV_per_A',
  'deviation_energy_eV_per_atom',
  'deviation_virial_max_eV_per_atom',
  'deviation_virial_min_eV_per_atom',
  'deviation_virial_mean_eV_per_atom',
] as const satisfies readonly (keyof Thermo)[];

const VOIGT = [0, 4, 8, 5, 2, 1] as const;

/** Stress -(K + W)/V in GPa, Voigt order xx yy zz yz xz xy (tension positive); null without a cell. */
export function stressOf(state: SystemState): Float64Array | null {
  const volume = determinant(state.cell);
  if (volume === 0) return null;
  const kinetic = kineticTensor(state.masses, state.velocities);
  return kinetic.map((k, c) => (-(k + state.virial[VOIGT[c]!]!) / volume) * EV_PER_A3_IN_GPA);
}

/** Largest force on an atom that can move, eV/A. */
export function largestForce({ forces, frozen, natoms }: SystemState): number {
  let largest = 0;
  for (let i = 0; i < natoms; i++) {
    if (frozen[i]) continue;
    const x = forces[3 * i]!;
    const y = forces[3 * i + 1]!;
    const z = forces[3 * i + 2]!;
    const square = x * x + y * y + z * z;
    if (!(square <= largest)) largest = square;
  }
  return Math.sqrt(largest);
}

/** Values for the columns of a committee; none where there is no committee, null where it was not evaluated. */
function deviationColumns(deviation: Deviation | null | undefined): Partial<Thermo> {
  if (deviation === undefined) return {};
  return {
    deviation_force_max_eV_per_A: deviation?.forceMax ?? null,
    deviation_force_min_eV_per_A: deviation?.forceMin ?? null,
    deviation_force_mean_eV_per_A: deviation?.forceMean ?? null,
    deviation_energy_eV_per_atom: deviation?.energy ?? null,
    deviation_virial_max_eV_per_atom: deviation?.virialMax ?? null,
    deviation_virial_min_eV_per_atom: deviation?.virialMin ?? null,
    deviation_virial_mean_eV_per_atom: deviation?.virialMean ?? null,
  };
}

export interface Measured {
  /** eV. */
  readonly kinetic: number;
  /** eV: that of the stage with the energy that drift removal took put back. */
  readonly conserved: number;
  /** Undefined without a committee. */
  readonly deviation?: Deviation | null;
}

export function measureThermo(stage: Stage, masses: Float64Array, { kinetic, conserved, deviation }: Measured): Thermo {
  const { state } = stage;
  const stress = stressOf(state);
  const volume = stress ? determinant(state.cell) : null;
  const shape = stress ? lengthsAndAngles(state.cell) : null;
  return {
    step: stage.step,
    time_fs: stage.step * stage.timestep,
    temperature_K: temperatureOf(kinetic, stage.degreesOfFreedom),
    potential_energy_eV: state.potentialEnergy,
    kinetic_energy_eV: kinetic,
    conserved_eV: conserved,
    pressure_GPa: stress ? -(stress[0]! + stress[1]! + stress[2]!) / 3 : null,
    stress_xx_GPa: stress?.[0] ?? null,
    stress_yy_GPa: stress?.[1] ?? null,
    stress_zz_GPa: stress?.[2] ?? null,
    stress_yz_GPa: stress?.[3] ?? null,
    stress_xz_GPa: stress?.[4] ?? null,
    stress_xy_GPa: stress?.[5] ?? null,
    cell_a_A: shape?.lengths[0] ?? null,
    cell_b_A: shape?.lengths[1] ?? null,
    cell_c_A: shape?.lengths[2] ?? null,
    cell_alpha_deg: shape?.angles[0] ?? null,
    cell_beta_deg: shape?.angles[1] ?? null,
    cell_gamma_deg: shape?.angles[2] ?? null,
    volume_A3: volume,
    density_g_per_cm3: volume === null ? null : (masses.reduce((sum, m) => sum + m, 0) / volume) * AMU_PER_A3_IN_G_PER_CM3,
    max_force_eV_per_A: largestForce(state),
    ...(stage.isRamp ? { temperature_target_K: stage.temperature(stage.step) } : {}),
    ...deviationColumns(deviation),
  };
}

/** Header of the table; `ramp` adds the target temperature, `committee` the deviation. */
export function thermoHeader(ramp: boolean, committee = false): string {
  return [...THERMO_COLUMNS, ...(ramp ? ['temperature_target_K'] : []), ...(committee ? DEVIATION_COLUMNS : [])].join(',');
}

/** One line: the shortest text that reads back to the same double, an empty field for null. */
export function thermoLine(row: Thermo): string {
  const fields: (number | null)[] = THERMO_COLUMNS.map((name) => row[name]);
  if (row.temperature_target_K !== undefined) fields.push(row.temperature_target_K);
  for (const name of DEVIATION_COLUMNS) if (row[name] !== undefined) fields.push(row[name]);
  return fields.map((value) => (value === null ? '' : String(value))).join(',');
}
