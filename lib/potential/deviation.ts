/** Disagreement of several models on one configuration (deep-potential.md 3.6), in one pass over the atoms. */
import type { Deviation } from './potential.js';

/** What one model says: eV, eV/A (3N), eV (9). */
export interface Prediction {
  readonly energy: number;
  readonly forces: Float64Array;
  readonly virial: Float64Array;
}

/** Population variance of `value(k)` over k = 0 .. count - 1. */
function variance(count: number, value: (k: number) => number): number {
  let mean = 0;
  for (let k = 0; k < count; k++) mean += value(k);
  mean /= count;
  let sum = 0;
  for (let k = 0; k < count; k++) sum += (value(k) - mean) ** 2;
  return sum / count;
}

/** Of at least two predictions for the same atoms. A number that is not finite in any of them makes the result so. */
export function modelDeviation(models: readonly Prediction[]): Deviation {
  const count = models.length;
  const natoms = models[0]!.forces.length / 3;
  const forces = models.map((model) => model.forces);
  let [largest, smallest, sum] = [0, Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < 3 * natoms; i += 3) {
    let square = 0;
    for (let c = i; c < i + 3; c++) {
      let mean = 0;
      for (let k = 0; k < count; k++) mean += forces[k]![c]!;
      mean /= count;
      for (let k = 0; k < count; k++) {
        const d = forces[k]![c]! - mean;
        square += d * d;
      }
    }
    const deviation = Math.sqrt(square / count);
    largest = Math.max(largest, deviation);
    smallest = Math.min(smallest, deviation);
    sum += deviation;
  }
  let [virialMax, virialMin, squares] = [0, Number.POSITIVE_INFINITY, 0];
  for (let c = 0; c < 9; c++) {
    const square = variance(count, (k) => models[k]!.virial[c]! / natoms);
    virialMax = Math.max(virialMax, Math.sqrt(square));
    virialMin = Math.min(virialMin, Math.sqrt(square));
    squares += square;
  }
  return {
    forceMax: largest,
    forceMin: smallest,
    forceMean: sum / natoms,
    energy: Math.sqrt(variance(count, (k) => models[k]!.energy / natoms)),
    virialMax,
    virialMin,
    virialMean: Math.sqrt(squares / 9),
  };
}

/** Names and units of the contract (interface.md 2). */
export function deviationDocument(deviation: Deviation) {
  return {
    force_max_eV_per_A: deviation.forceMax,
    force_min_eV_per_A: deviation.forceMin,
    force_mean_eV_per_A: deviation.forceMean,
    energy_eV_per_atom: deviation.energy,
    virial_max_eV_per_atom: deviation.virialMax,
    virial_min_eV_per_atom: deviation.virialMin,
    virial_mean_eV_per_atom: deviation.virialMean,
  };
}
