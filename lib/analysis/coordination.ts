/** Coordination numbers against time (analysis.md 8.3): neighbours within a cut-off, images counted. */
import type { Frame } from '../dynamics/frame.js';
import { onlyOptions, StudyError } from '../errors.js';
import type { Estimate } from '../estimate.js';
import { native, nativeAddon } from '../native/loader.js';
import type { Warning } from '../structure.js';
import { quantity } from '../units.js';
import { meanEstimate } from './blocking.js';
import { type AtomSet, membership, parsePair, type SetPair } from './pair-sets.js';
import { rdf } from './rdf.js';

export interface CoordinationOptions {
  /** Cut-off by pair, A or text, or `first-minimum` of g(r) over the first frames (needs a periodic cell). `Mg-Cl`: Cl around Mg. */
  readonly cutoffs: Readonly<Record<string, number | string>>;
  readonly sets?: Readonly<Record<string, AtomSet>>;
  readonly start?: number | string;
  readonly stop?: number | string;
  readonly threads?: number;
}

export interface CoordinationOfPair {
  readonly cutoff_A: number;
  /** Mean over the central atoms, by frame. */
  readonly mean_per_frame: Float64Array;
  /** Time mean with the error of 7.1. */
  readonly mean: Estimate;
  /** histogram[n] = how often an atom had n neighbours, over atoms and frames. */
  readonly histogram: number[];
}

export interface CoordinationResult {
  readonly time_fs: Float64Array;
  readonly pairs: Record<string, CoordinationOfPair>;
  /** Sum over the pairs of one centre (total anion coordination where the neighbours are the anions). */
  readonly total: Record<string, { readonly mean_per_frame: Float64Array; readonly mean: Estimate }>;
}

/** Frames that a first-minimum cut-off is taken from: they are kept, counted once it is known. */
const FRAMES_FOR_MINIMUM = 20;

interface Sums {
  readonly pair: SetPair;
  cutoff: number;
  means: number[];
  histogram: number[];
}

export class Coordination {
  private readonly start: number;
  private readonly stop: number;
  private readonly sums: Sums[];
  private readonly automatic: Set<string>;
  private waiting: Frame[] = [];
  private times: number[] = [];

  constructor(private readonly options: CoordinationOptions) {
    const entries = Object.entries(options.cutoffs ?? {});
    if (entries.length === 0) {
      throw new StudyError('OPTION_MISSING', 'cutoffs: expected a cut-off by pair', {
        key: 'cutoffs',
        hint: 'such as --cutoffs Ga-F=2.4,Ga-Cl=2.8, or Ga-F=first-minimum',
      });
    }
    this.automatic = new Set();
    this.sums = entries.map(([text, value]) => {
      const pair = parsePair(text, 'cutoffs');
      const automatic = value === 'first-minimum';
      if (automatic) this.automatic.add(pair.name);
      const cutoff = automatic ? 0 : quantity(value, 'length', `cutoffs.${pair.name}`);
      if (!automatic && !(cutoff > 0)) {
        throw new StudyError('OPTION_VALUE', `cutoffs.${pair.name}: ${cutoff} A is not positive`, {
          key: `cutoffs.${pair.name}`,
        });
      }
      return { pair, cutoff, means: [], histogram: [] };
    });
    this.start = options.start === undefined ? Number.NEGATIVE_INFINITY : quantity(options.start, 'time', 'start');
    this.stop = options.stop === undefined ? Number.POSITIVE_INFINITY : quantity(options.stop, 'time', 'stop');
  }

  add(frame: Frame): void {
    if (frame.time < this.start || frame.time > this.stop) return;
    if (this.automatic.size === 0) {
      this.count(frame);
      return;
    }
    this.waiting.push({ ...frame, positions: frame.positions.slice() });
    if (this.waiting.length === FRAMES_FOR_MINIMUM) this.findCutoffs();
  }

  result(): CoordinationResult {
    this.findCutoffs();
    const pairs: Record<string, CoordinationOfPair> = {};
    const totals = new Map<string, Float64Array>();
    for (const { pair, cutoff, means, histogram } of this.sums) {
      const values = Float64Array.from(means);
      pairs[pair.name] = {
        cutoff_A: cutoff,
        mean_per_frame: values,
        mean: meanEstimate(values, '1', { cutoff_A: cutoff }),
        histogram: Array.from(histogram, (n) => n ?? 0),
      };
      const before = totals.get(pair.a);
      totals.set(
        pair.a,
        values.map((x, t) => x + (before?.[t] ?? 0)),
      );
    }
    const total = Object.fromEntries(
      [...totals].map(([name, values]) => [name, { mean_per_frame: values, mean: meanEstimate(values, '1') }] as const),
    );
    return { time_fs: Float64Array.from(this.times), pairs, total };
  }

  warnings(): Warning[] {
    return [];
  }

  /** First minima of g(r) of the frames that wait; throws NO_FIRST_MINIMUM with the pair: the user must give it then (8.2). */
  private findCutoffs(): void {
    if (this.waiting.length === 0) return;
    const frames = this.waiting;
    this.waiting = [];
    const names = [...this.automatic];
    this.automatic.clear();
    const curves = rdf(frames, { pairs: names, sets: this.options.sets, threads: this.options.threads }).pairs;
    for (const sums of this.sums) {
      if (!names.includes(sums.pair.name)) continue;
      const minimum = curves[sums.pair.name]!.first_minimum_A;
      if (minimum === null) {
        throw new StudyError('NO_FIRST_MINIMUM', `cutoffs.${sums.pair.name}: g(r) has no first minimum within 8 A`, {
          key: `cutoffs.${sums.pair.name}`,
          hint: `give a number, such as ${sums.pair.name}=2.8`,
        });
      }
      sums.cutoff = minimum;
    }
    for (const frame of frames) this.count(frame);
  }

  private count(frame: Frame): void {
    const largest = Math.max(...this.sums.map((sums) => sums.cutoff));
    const cell = frame.cell ?? new Float64Array(9);
    const { offsets, neighbours, shifts } = native(() =>
      nativeAddon().neighbourList(frame.positions, cell, frame.pbc, largest, this.options.threads ?? 1),
    );
    const { members } = membership(
      frame,
      this.sums.map(({ pair }) => pair),
      this.options.sets ?? {},
      'cutoffs',
    );
    const x = frame.positions;
    for (const sums of this.sums) {
      const centres = members.get(sums.pair.a)!.atoms;
      const around = members.get(sums.pair.b)!.atoms;
      const limit = sums.cutoff * sums.cutoff;
      let all = 0;
      for (const i of centres) {
        let mine = 0;
        for (let k = offsets[i]!; k < offsets[i + 1]!; k++) {
          const j = neighbours[k]!;
          if (!around.has(j)) continue;
          let r2 = 0;
          for (let c = 0; c < 3; c++) {
            const shift = shifts[3 * k]! * cell[c]! + shifts[3 * k + 1]! * cell[3 + c]! + shifts[3 * k + 2]! * cell[6 + c]!;
            r2 += (x[3 * j + c]! - x[3 * i + c]! + shift) ** 2;
          }
          if (r2 < limit) mine += 1;
        }
        all += mine;
        sums.histogram[mine] = (sums.histogram[mine] ?? 0) + 1;
      }
      sums.means.push(centres.size > 0 ? all / centres.size : 0);
    }
    this.times.push(frame.time);
  }
}

const OPTIONS = ['cutoffs', 'sets', 'start', 'stop', 'threads'] as const satisfies readonly (keyof CoordinationOptions)[];

/** `coordination(options)` gives a streaming observable, `coordination(frames, options)` the result of an array. */
export function coordination(options: CoordinationOptions): Coordination;
export function coordination(frames: readonly Frame[], options: CoordinationOptions): CoordinationResult;
export function coordination(
  first: readonly Frame[] | CoordinationOptions,
  options?: CoordinationOptions,
): Coordination | CoordinationResult {
  const frames = Array.isArray(first) ? (first as readonly Frame[]) : null;
  const given = (frames ? options : first) as CoordinationOptions;
  onlyOptions('coordination', given, OPTIONS);
  const observable = new Coordination(given);
  if (!frames) return observable;
  for (const frame of frames) observable.add(frame);
  return observable.result();
}
