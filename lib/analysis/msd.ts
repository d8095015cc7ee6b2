/** Mean squared displacement by species (analysis.md 3), every lag, with the error band of independent walkers. */
import type { Frame } from '../dynamics/frame.js';
import { onlyOptions, StudyError } from '../errors.js';
import type { Warning } from '../structure.js';
import { quantity } from '../units.js';
import {
  addDirectLags,
  type CorrelationSums,
  clampRounding,
  DIRECT_LAGS,
  DisplacementCorrelator,
  needsDirectLags,
  type Spectrum,
} from './displacement-correlation.js';
import { DisplacementRecord } from './displacement-record.js';
import type { TrajectoryOptions } from './trajectory.js';
import { relativeVariance } from './walk-covariance.js';

export interface MsdOptions extends TrajectoryOptions {
  /** Default: every species, in order of first appearance. */
  readonly species?: readonly string[];
  /** A number n: lags 0..n frames; a list of times (fs or text): these and 0. Default: all lags. */
  readonly lags?: number | readonly (number | string)[];
}

export interface MsdCurve {
  readonly lag_fs: Float64Array;
  readonly msd_A2: Float64Array;
  /** One standard error for N independent walkers (analysis.md 3.4); neighbouring lags are strongly correlated. */
  readonly error_A2: Float64Array;
}

export interface MsdResult {
  readonly species: Record<string, MsdCurve>;
}

/** MSD tensor components in the order xx, yy, zz, xy, xz, yz: six curves of lags 0..T-1, A^2. */
export type MsdTensor = readonly [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];

const COMPONENTS: readonly (readonly [number, number])[] = [
  [0, 0],
  [1, 1],
  [2, 2],
  [0, 1],
  [0, 2],
  [1, 2],
];

/** MSD tensor of one species over frames [from, to), averaged over its atoms and all time origins. */
export function msdTensor(record: DisplacementRecord, species: string, from = 0, to = record.frames): MsdTensor {
  const correlator = new DisplacementCorrelator(to - from);
  const sums = COMPONENTS.map(() => correlator.sums());
  let largest = 0;
  const addAtom = (spectra: Spectrum[]) => {
    COMPONENTS.forEach(([p, q], k) => {
      correlator.add(sums[k]!, spectra[p]!, spectra[q]!);
    });
    for (const { series } of spectra) for (const x of series) largest = Math.max(largest, x * x);
  };
  // Two atoms are six real series: three complex transforms.
  let waiting: Float64Array[] | null = null;
  record.visit(species, from, to, (xyz) => {
    if (!waiting) {
      waiting = xyz;
      return;
    }
    const [x1, y1] = correlator.spectra(waiting[0]!, waiting[1]!);
    const [z1, z2] = correlator.spectra(waiting[2]!, xyz[2]);
    const [x2, y2] = correlator.spectra(xyz[0], xyz[1]);
    addAtom([x1, y1, z1]);
    addAtom([x2, y2, z2]);
    waiting = null;
  });
  if (waiting) {
    const [x, y] = correlator.spectra(waiting[0]!, waiting[1]!);
    const [z] = correlator.spectra(waiting[2]!, new Float64Array(to - from));
    addAtom([x, y, z]);
  }
  const ions = record.ions(species);
  const curves = sums.map((sum: CorrelationSums) => correlator.curve(sum).map((x) => x / ions));
  const trace = (m: number) => curves[0]![m]! + curves[1]![m]! + curves[2]![m]!;
  if (to - from > 1 && needsDirectLags(largest, trace(1))) replaceShortLags(curves, record, species, from, to);
  return curves as unknown as MsdTensor;
}

/** A slow atom far from its mean: the transform keeps 1e-16 of x^2, direct differences keep all digits (analysis.md 3.2). */
function replaceShortLags(curves: Float64Array[], record: DisplacementRecord, species: string, from: number, to: number): void {
  const direct = curves.map(() => new Float64Array(to - from));
  record.visit(species, from, to, (xyz) => {
    COMPONENTS.forEach(([p, q], k) => {
      addDirectLags(direct[k]!, xyz[p]!, xyz[q]!);
    });
  });
  curves.forEach((curve, k) => {
    for (let m = 1; m <= Math.min(DIRECT_LAGS, to - from - 1); m++) curve[m] = direct[k]![m]! / record.ions(species);
  });
}

/** MSD of lags 0..T-1, A^2: the trace of the tensor. */
export function msdOfTensor(tensor: MsdTensor): Float64Array {
  return clampRounding(tensor[0].map((x, m) => x + tensor[1][m]! + tensor[2][m]!));
}

/** Standard error of every lag for `ions` independent walkers (analysis.md 3.4). */
export function msdErrors(msd: Float64Array, ions: number): Float64Array {
  return msd.map((x, m) => (m === 0 ? 0 : x * Math.sqrt(Math.max(0, relativeVariance(msd.length, m)) / ions)));
}

/** The lags (frames) that a result shows. Throws OPTION_VALUE for lags that are no multiple of the frame interval. */
export function chosenLags(lags: MsdOptions['lags'], frames: number, interval: number | null): number[] {
  const all = (last: number) => Array.from({ length: Math.min(last + 1, frames) }, (_, m) => m);
  if (lags === undefined) return all(frames - 1);
  if (typeof lags === 'number') {
    if (!Number.isInteger(lags) || lags < 1) {
      throw new StudyError('OPTION_VALUE', `lags: ${lags} is not a positive whole number of frames`, { key: 'lags' });
    }
    return all(lags);
  }
  const chosen = lags.map((lag, i) => {
    const time = quantity(lag, 'time', `lags[${i}]`);
    const m = interval === null ? 0 : Math.round(time / interval);
    if (!(time >= 0) || (interval !== null && Math.abs(time - m * interval) > 1e-3 * interval)) {
      throw new StudyError('OPTION_VALUE', `lags[${i}]: ${time} fs is not a multiple of the frame interval (${interval} fs)`, {
        key: 'lags',
      });
    }
    if (m > frames - 1) {
      throw new StudyError(
        'OPTION_VALUE',
        `lags[${i}]: ${time} fs is longer than the trajectory (${(frames - 1) * (interval ?? 0)} fs)`,
        {
          key: 'lags',
        },
      );
    }
    return m;
  });
  return [...new Set(chosen)].sort((a, b) => a - b);
}

export const MSD_OPTIONS = ['species', 'start', 'stop', 'lags', 'reference'] as const satisfies readonly (keyof MsdOptions)[];

export class Msd {
  readonly record: DisplacementRecord;

  constructor(private readonly options: MsdOptions = {}) {
    // A wrong count should not wait for the end of the trajectory.
    if (typeof options.lags === 'number') chosenLags(options.lags, 2, null);
    this.record = new DisplacementRecord(options);
  }

  add(frame: Frame): void {
    this.record.add(frame);
  }

  result(): MsdResult {
    const species: Record<string, MsdCurve> = {};
    const interval = this.record.trajectory.interval;
    const lags = chosenLags(this.options.lags, this.record.frames, interval);
    for (const name of this.record.species) {
      const msd = msdOfTensor(msdTensor(this.record, name));
      species[name] = msdCurve(msd, this.record.ions(name), interval ?? 0, lags);
    }
    return { species };
  }

  warnings(): Warning[] {
    return this.record.trajectory.warnings();
  }
}

export function msdCurve(msd: Float64Array, ions: number, interval: number, lags: readonly number[]): MsdCurve {
  const errors = msdErrors(msd, ions);
  return {
    lag_fs: Float64Array.from(lags, (m) => m * interval),
    msd_A2: Float64Array.from(lags, (m) => msd[m]!),
    error_A2: Float64Array.from(lags, (m) => errors[m]!),
  };
}

/** `msd(options)` gives a streaming observable, `msd(frames, options)` the result of an array. */
export function msd(options?: MsdOptions): Msd;
export function msd(frames: readonly Frame[], options?: MsdOptions): MsdResult;
export function msd(first?: readonly Frame[] | MsdOptions, options: MsdOptions = {}): Msd | MsdResult {
  const frames = Array.isArray(first) ? (first as readonly Frame[]) : null;
  const given = (frames ? options : first) ?? {};
  onlyOptions('msd', given, MSD_OPTIONS);
  const observable = new Msd(given as MsdOptions);
  if (!frames) return observable;
  for (const frame of frames) observable.add(frame);
  return observable.result();
}
