/**
 * Collective displacements of species (analysis.md 5.2): C_ab(m) = <[P_a(k+m)-P_a(k)].[P_b(k+m)-P_b(k)]> with P_a = sum of the
 * displacements of species a, and the self part S_a = N_a MSD_a. All curves from one pass over the stored displacements.
 */
import { addDirectLags, DisplacementCorrelator, needsDirectLags, type Spectrum } from './displacement-correlation.js';
import type { DisplacementRecord } from './displacement-record.js';
import { msdOfTensor, msdTensor } from './msd.js';

export interface CollectiveCurves {
  readonly species: readonly string[];
  readonly ions: Readonly<Record<string, number>>;
  /** S_a by species, lags 0..T-1, A^2. */
  readonly self: Readonly<Record<string, Float64Array>>;
  /** C_ab by pair name `a-b`, a before b in the order of `species`, A^2. */
  readonly pairs: Readonly<Record<string, Float64Array>>;
}

/** Name of a pair in the order of `species`. */
export function pairName(species: readonly string[], a: string, b: string): string {
  return species.indexOf(a) <= species.indexOf(b) ? `${a}-${b}` : `${b}-${a}`;
}

/** All unordered pairs, a <= b in the given order. */
export function pairsOf(species: readonly string[]): [string, string][] {
  return species.flatMap((a, i) => species.slice(i).map((b) => [a, b] as [string, string]));
}

/** Curves over frames [from, to). `collective` holds P_a(t); the self parts are computed from the atoms. */
export function collectiveCurves(
  record: DisplacementRecord,
  collective: Readonly<Record<string, readonly Float64Array[]>>,
  from = 0,
  to = record.frames,
): CollectiveCurves {
  const species = Object.keys(collective);
  const correlator = new DisplacementCorrelator(to - from);
  const series: Record<string, Float64Array[]> = {};
  const spectra: Record<string, Spectrum[]> = {};
  for (const name of species) {
    const xyz = collective[name]!.map((s) => s.slice(from, to));
    const [x, y] = correlator.spectra(xyz[0]!, xyz[1]!);
    const [z] = correlator.spectra(xyz[2]!, new Float64Array(to - from));
    series[name] = xyz;
    spectra[name] = [x, y, z];
  }
  const pairs: Record<string, Float64Array> = {};
  for (const [a, b] of pairsOf(species)) {
    const sums = correlator.sums();
    for (let c = 0; c < 3; c++) correlator.add(sums, spectra[a]![c]!, spectra[b]![c]!);
    const curve = correlator.curve(sums);
    const largest = Math.max(...[...series[a]!, ...series[b]!].map((s) => s.reduce((most, x) => Math.max(most, x * x), 0)));
    if (to - from > 1 && needsDirectLags(largest, curve[1]!)) {
      const direct = new Float64Array(to - from);
      for (let c = 0; c < 3; c++) addDirectLags(direct, series[a]![c]!, series[b]![c]!);
      for (let m = 1; m <= Math.min(32, to - from - 1); m++) curve[m] = direct[m]!;
    }
    pairs[`${a}-${b}`] = curve;
  }
  const ions = Object.fromEntries(species.map((name) => [name, record.ions(name)]));
  // One ion is its own collective: the same numbers, so that its distinct part is exactly zero.
  const self = Object.fromEntries(
    species.map((name) => [
      name,
      ions[name] === 1 ? pairs[`${name}-${name}`]! : msdOfTensor(msdTensor(record, name, from, to)).map((x) => ions[name]! * x),
    ]),
  );
  return { species, ions, self, pairs };
}

/** < |sum_a z_a dP_a|^2 > = sum_ab z_a z_b C_ab, e^2 A^2. */
export function chargeMsd(curves: CollectiveCurves, charges: Readonly<Record<string, number>>): Float64Array {
  const first = Object.values(curves.pairs)[0]!;
  const out = new Float64Array(first.length);
  for (const [a, b] of pairsOf(curves.species)) {
    const factor = charges[a]! * charges[b]! * (a === b ? 1 : 2);
    const curve = curves.pairs[`${a}-${b}`]!;
    for (let m = 0; m < out.length; m++) out[m]! += factor * curve[m]!;
  }
  return out;
}

/** Slopes (per frame) of all curves by one linear estimator, so that sums of curves have the sums of slopes exactly. */
export interface CollectiveSlopes {
  readonly self: Readonly<Record<string, number>>;
  readonly pairs: Readonly<Record<string, number>>;
}

export function collectiveSlopes(
  curves: CollectiveCurves,
  lags: readonly number[],
  weights: readonly number[],
): CollectiveSlopes {
  const slope = (curve: Float64Array) => lags.reduce((sum, m, i) => sum + weights[i]! * curve[m]!, 0);
  const all = (set: Readonly<Record<string, Float64Array>>) =>
    Object.fromEntries(Object.entries(set).map(([k, curve]) => [k, slope(curve)]));
  return { self: all(curves.self), pairs: all(curves.pairs) };
}
