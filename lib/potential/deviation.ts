/** Disagreement of several models on one configuration (deep-potential.md 3.6). */
import type { Evaluation } from './potential.js';

export interface ModelDeviation {
  /** eV/A: population standard deviation of each atom's force vector over the models; largest, smallest and mean over the atoms. */
  readonly forceMax: number;
  readonly forceMin: number;
  readonly forceMean: number;
  /** eV/atom: standard deviation of the energy per atom. */
  readonly energy: number;
  /** eV/atom: standard deviations of the nine components of W/n; largest, smallest, root mean square. */
  readonly virialMax: number;
  readonly virialMin: number;
  readonly virialMean: number;
}

function spread(values: readonly number[]): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
}

/** Of at least two evaluations of the same atoms. */
export function modelDeviation(evaluations: readonly Pick<Evaluation, 'energy' | 'forces' | 'virial'>[]): ModelDeviation {
  const natoms = evaluations[0]!.forces.length / 3;
  let [forceMax, forceMin, forceSum] = [0, Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < natoms; i++) {
    let square = 0;
    for (let c = 0; c < 3; c++) square += spread(evaluations.map((e) => e.forces[3 * i + c]!)) ** 2;
    const deviation = Math.sqrt(square);
    forceMax = Math.max(forceMax, deviation);
    forceMin = Math.min(forceMin, deviation);
    forceSum += deviation;
  }
  const virial = Array.from({ length: 9 }, (_, k) => spread(evaluations.map((e) => e.virial[k]! / natoms)));
  return {
    forceMax,
    forceMin,
    forceMean: forceSum / natoms,
    energy: spread(evaluations.map((e) => e.energy / natoms)),
    virialMax: Math.max(...virial),
    virialMin: Math.min(...virial),
    virialMean: Math.sqrt(virial.reduce((sum, x) => sum + x * x, 0) / 9),
  };
}
