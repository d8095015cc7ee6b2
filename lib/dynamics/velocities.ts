/** Start velocities (dynamics.md 10.1). */
import { StudyError } from '../errors.js';
import { BOLTZMANN, quantity } from '../units.js';
import { kineticEnergy, removeMomentum } from './kinetic.js';
import { fillNormals, PURPOSE } from './random.js';
import { nonNegative, type Velocities } from './simulation-options.js';
import { missingSeed, type Stage } from './stage.js';
import type { SystemState } from './state.js';

export interface MaxwellOptions {
  /** K. */
  readonly temperature: number;
  readonly seed: bigint;
  /** Global step of the draw: 0 at the start of a study. */
  readonly step?: number;
  /** Scale so that 2K = N_f kT exactly (default); otherwise the temperature is the sampled one. */
  readonly exact?: boolean;
  /**
   * Draw at twice the temperature: a perfect lattice gives half of its kinetic energy to the potential and settles near the
   * temperature asked for. Without it a lattice started at T settles near T/2.
   */
  readonly doubleForLattice?: boolean;
}

/**
 * Maxwell-Boltzmann velocities (3N, A/fs) for masses in eV fs^2/A^2: v = sqrt(kT/m) R, total momentum removed, scaled to the
 * temperature. Frozen atoms get 0 and, as they hold the frame, then no momentum is removed. Throws `ONE_ATOM` where nothing is
 * left to move thermally.
 */
export function maxwellVelocities(masses: Float64Array, frozen: Uint8Array, options: MaxwellOptions): Float64Array {
  const { seed, step = 0, exact = true, doubleForLattice = false } = options;
  const kT = BOLTZMANN * options.temperature * (doubleForLattice ? 2 : 1);
  const natoms = masses.length;
  const mobile = frozen.reduce((count, flag) => count + (flag ? 0 : 1), 0);
  const held = mobile < natoms;
  const freedom = held ? 3 * mobile : 3 * natoms - 3;
  if (freedom <= 0) {
    const what = held ? 'all atoms are fixed' : 'a single atom without its centre-of-mass motion stands still';
    throw new StudyError('ONE_ATOM', `no velocities can be drawn: ${what}`, {
      key: 'velocities',
      hint: "use velocities: 'zero' or those of the file",
    });
  }
  const velocities = new Float64Array(3 * natoms);
  fillNormals({ seed, purpose: PURPOSE.startVelocities, step }, 0, velocities);
  for (let i = 0; i < natoms; i++) {
    const scale = frozen[i] ? 0 : Math.sqrt(kT / masses[i]!);
    for (let axis = 0; axis < 3; axis++) velocities[3 * i + axis] = scale === 0 ? 0 : scale * velocities[3 * i + axis]!;
  }
  if (!held) removeMomentum(masses, velocities);
  if (exact && kT > 0) {
    const scale = Math.sqrt((freedom * kT) / (2 * kineticEnergy(masses, velocities)));
    for (let k = 0; k < velocities.length; k++) velocities[k]! *= scale;
  }
  return velocities;
}

/**
 * Velocities as an option asks for them; undefined means those of the structure, which are in the state already. Left out, they
 * are drawn where the stage has a temperature.
 */
export function velocitiesFor(
  asked: Velocities | undefined,
  stage: Stage,
  seed: bigint | undefined,
  state: SystemState,
  fileHasThem: boolean,
): Float64Array | undefined {
  const bad = (code: string, message: string, hint?: string) =>
    new StudyError(code, `velocities: ${message}`, { key: 'velocities', hint });
  const want = asked ?? 'maxwell';
  if (asked === undefined && !stage.range) {
    throw bad(
      'VELOCITIES_MISSING',
      'missing, and the ensemble has no temperature to draw them at',
      "say velocities: 'file', 'zero' or { temperature: '300 K' }",
    );
  }
  if (want === 'zero') return new Float64Array(3 * state.natoms);
  if (want === 'file') {
    if (!fileHasThem) throw bad('VELOCITIES_MISSING', "'file' was asked for, but the structure has none");
    return undefined;
  }
  if (want !== 'maxwell' && (typeof want !== 'object' || want === null)) {
    throw bad('BAD_VALUE', `${JSON.stringify(want)} is not one of maxwell, file, zero, { temperature }`);
  }
  const { temperature, ...rest } = want === 'maxwell' ? { temperature: stage.range?.[0] } : want;
  if (temperature === undefined) throw bad('VELOCITIES_MISSING', "'maxwell' needs a temperature, and the ensemble has none");
  const kelvin = nonNegative(quantity(temperature, 'temperature', 'velocities.temperature'), 'velocities.temperature');
  if (seed === undefined) throw missingSeed('start velocities are drawn');
  return maxwellVelocities(state.masses, state.frozen, { ...rest, temperature: kelvin, seed, step: stage.globalStep });
}
