/** Radial distribution functions by pair with running coordination numbers (analysis.md 8.1), from exact integer counts. */
import { determinant, perpendicularWidths } from '../cell.js';
import type { Frame } from '../dynamics/frame.js';
import { IonclayError, onlyOptions, StudyError } from '../errors.js';
import type { ReasonCode } from '../estimate.js';
import { native, nativeAddon } from '../native/loader.js';
import type { Warning } from '../structure.js';
import { quantity } from '../units.js';
import { firstShell } from './first-minimum.js';
import { type AtomSet, allPairs, type Membership, membership, overlap, parsePair, type SetPair } from './pair-sets.js';

export interface RdfOptions {
  /** `Mg-Cl`: Cl around Mg. Names of species or of `sets`. Default: all pairs of species. */
  readonly pairs?: readonly string[];
  /** Named index lists (or functions of a frame) that pairs may use. */
  readonly sets?: Readonly<Record<string, AtomSet>>;
  /** A or text; default 8 A. Every image within it counts, however small the cell. */
  readonly cutoff?: number | string;
  /** Bin width, A or text; default 0.02 A. */
  readonly bin?: number | string;
  readonly start?: number | string;
  readonly stop?: number | string;
  /**
   * `pairs`: g -> 1 for an uncorrelated set of any size; `density`: for cut-offs beyond half the smallest width, where a set's own
   * images count. Default: by that rule.
   */
  readonly normalisation?: 'pairs' | 'density';
  /** Threads of the counting loop (default 1); the result does not depend on it. */
  readonly threads?: number;
}

export interface RdfCurve {
  /** Bin centres (k + 1/2) dr. */
  readonly r_A: Float64Array;
  readonly g: Float64Array;
  /** One standard error: scatter of blocks of frames, not below the counting error. */
  readonly error: Float64Array;
  /** Neighbours within (k + 1) dr. */
  readonly running_coordination: Float64Array;
  /** Ordered pairs by bin, summed over frames. */
  readonly counts: Float64Array;
  readonly first_minimum_A: number | null;
  readonly first_minimum_reason: ReasonCode | null;
  readonly first_peak_A: number | null;
  readonly first_peak_height: number | null;
  readonly first_peak_width_A: number | null;
  /** Running coordination at the first minimum. */
  readonly coordination_number: number | null;
  readonly coordination_number_error: number | null;
  readonly normalisation: 'pairs' | 'density';
}

export interface RdfResult {
  readonly frames: number;
  readonly pairs: Record<string, RdfCurve>;
}

/** Blocks of frames are merged two by two when there are this many. */
const MOST_BLOCKS = 32;
const DEFAULT_CUTOFF = 8;
const DEFAULT_BIN = 0.02;

/** Sums over frames of V n/(pairs), V n/(|A||B|), n/|A| and n, by bin. */
class PairSums {
  readonly pairs: Float64Array;
  readonly density: Float64Array;
  readonly coordination: Float64Array;
  readonly counts: Float64Array;
  frames = 0;

  constructor(bins: number) {
    this.pairs = new Float64Array(bins);
    this.density = new Float64Array(bins);
    this.coordination = new Float64Array(bins);
    this.counts = new Float64Array(bins);
  }

  merge(other: PairSums): void {
    for (const key of ['pairs', 'density', 'coordination', 'counts'] as const) {
      for (let k = 0; k < this[key].length; k++) this[key][k]! += other[key][k]!;
    }
    this.frames += other.frames;
  }
}

export class Rdf {
  readonly cutoff: number;
  readonly binWidth: number;
  readonly bins: number;
  private readonly start: number;
  private readonly stop: number;
  private pairs: SetPair[] | null;
  private sets: Membership | null = null;
  private blocks = new Map<string, PairSums[]>();
  private blockLength = 1;
  private beyondHalfWidth = false;
  private manyCells = false;
  private frames = 0;

  constructor(private readonly options: RdfOptions = {}) {
    const wantedCutoff = options.cutoff === undefined ? DEFAULT_CUTOFF : quantity(options.cutoff, 'length', 'cutoff');
    this.binWidth = options.bin === undefined ? DEFAULT_BIN : quantity(options.bin, 'length', 'bin');
    if (!(this.binWidth > 0)) throw new StudyError('OPTION_VALUE', `bin: ${this.binWidth} A is not positive`, { key: 'bin' });
    // r_max = K dr: the last whole bin inside the cut-off.
    this.bins = Math.floor(wantedCutoff / this.binWidth + 1e-9);
    if (!(this.bins >= 1) || this.bins > 1e7) {
      throw new StudyError(
        'OPTION_VALUE',
        `cutoff: ${wantedCutoff} A holds ${this.bins} bins of ${this.binWidth} A, expected 1 to 1e7`,
        { key: 'cutoff' },
      );
    }
    this.cutoff = this.bins * this.binWidth;
    this.start = options.start === undefined ? Number.NEGATIVE_INFINITY : quantity(options.start, 'time', 'start');
    this.stop = options.stop === undefined ? Number.POSITIVE_INFINITY : quantity(options.stop, 'time', 'stop');
    if (!(this.start < this.stop)) throw new StudyError('OPTION_VALUE', 'stop: not after start', { key: 'stop' });
    if (options.normalisation !== undefined && options.normalisation !== 'pairs' && options.normalisation !== 'density') {
      throw new StudyError('OPTION_VALUE', `normalisation: "${options.normalisation}" is neither pairs nor density`, {
        key: 'normalisation',
      });
    }
    this.pairs = options.pairs ? options.pairs.map((text, i) => parsePair(text, `pairs[${i}]`)) : null;
  }

  add(frame: Frame): void {
    if (frame.time < this.start || frame.time > this.stop) return;
    if (!frame.cell || frame.pbc.some((p) => !p)) {
      throw new IonclayError(
        'E_CELL_MISSING',
        'g(r) needs a cell that is periodic in three directions: the density is part of its definition',
        {
          hint: 'coordination numbers have no such need: ionclay analyze coordination',
        },
      );
    }
    this.pairs ??= allPairs(frame);
    const moving = Object.values(this.options.sets ?? {}).some((set) => typeof set === 'function');
    if (!this.sets || moving) this.sets = membership(frame, this.pairs, this.options.sets ?? {}, 'pairs');
    const { classes, nclasses, members } = this.sets;
    const counts = new Float64Array(nclasses * nclasses * this.bins);
    native(() =>
      nativeAddon().pairHistogram(
        frame.positions,
        frame.cell!,
        frame.pbc,
        classes,
        Math.max(1, nclasses),
        this.binWidth,
        this.bins,
        nclasses === 0 ? new Float64Array(this.bins) : counts,
        this.options.threads ?? 1,
      ),
    );
    const widths = perpendicularWidths(frame.cell);
    const volume = Math.abs(determinant(frame.cell));
    this.beyondHalfWidth ||= this.cutoff > Math.min(...widths) / 2;
    this.manyCells ||= this.cutoff > 4 * Math.min(...widths);
    for (const pair of this.pairs) {
      const [a, b] = [members.get(pair.a)!, members.get(pair.b)!];
      this.addFrame(pair.name, (sums) => {
        sums.frames += 1;
        if (a.size === 0 || b.size === 0) return;
        const distinct = a.size * b.size - overlap(a.atoms, b.atoms);
        for (let k = 0; k < this.bins; k++) {
          let n = 0;
          for (const ca of a.classes) for (const cb of b.classes) n += counts[(ca * nclasses + cb) * this.bins + k]!;
          if (n === 0) continue;
          sums.counts[k]! += n;
          sums.coordination[k]! += n / a.size;
          sums.density[k]! += (volume * n) / (a.size * b.size);
          if (distinct > 0) sums.pairs[k]! += (volume * n) / distinct;
        }
      });
    }
    this.frames += 1;
    this.mergeBlocks();
  }

  result(): RdfResult {
    return { frames: this.frames, pairs: Object.fromEntries((this.pairs ?? []).map((pair) => [pair.name, this.curve(pair)])) };
  }

  warnings(): Warning[] {
    return this.manyCells
      ? [{ code: 'cutoff-beyond-cell', message: `the cut-off of ${this.cutoff} A is more than four cells: images repeat` }]
      : [];
  }

  private addFrame(name: string, add: (sums: PairSums) => void): void {
    const blocks = this.blocks.get(name) ?? [];
    this.blocks.set(name, blocks);
    if (blocks.length === 0 || blocks.at(-1)!.frames === this.blockLength) blocks.push(new PairSums(this.bins));
    add(blocks.at(-1)!);
  }

  private mergeBlocks(): void {
    const full = [...this.blocks.values()].every(
      (blocks) => blocks.length === MOST_BLOCKS && blocks.at(-1)!.frames === this.blockLength,
    );
    if (!full || this.blocks.size === 0) return;
    for (const [name, blocks] of this.blocks) {
      const merged: PairSums[] = [];
      for (let i = 0; i < MOST_BLOCKS; i += 2) {
        blocks[i]!.merge(blocks[i + 1]!);
        merged.push(blocks[i]!);
      }
      this.blocks.set(name, merged);
    }
    this.blockLength *= 2;
  }

  private curve(pair: SetPair): RdfCurve {
    const blocks = this.blocks.get(pair.name) ?? [];
    const total = new PairSums(this.bins);
    for (const block of blocks) total.merge(block);
    const normalisation = this.options.normalisation ?? (this.beyondHalfWidth ? 'density' : 'pairs');
    const dr = this.binWidth;
    const shell = Float64Array.from({ length: this.bins }, (_, k) => ((4 * Math.PI) / 3) * dr ** 3 * ((k + 1) ** 3 - k ** 3));
    const g = total[normalisation].map((sum, k) => sum / (total.frames * shell[k]!) || 0);
    // Only full blocks compare; a set with itself counts every pair twice, so half its counts are independent.
    const whole = blocks.filter((block) => block.frames === this.blockLength);
    const twice = pair.a === pair.b ? 2 : 1;
    const error = g.map((value, k) => {
      const floor = total.counts[k]! > 0 ? value * Math.sqrt(twice / total.counts[k]!) : 0;
      return Math.max(floor, scatter(whole.map((block) => block[normalisation][k]! / (block.frames * shell[k]!))));
    });
    const running = cumulative(total.coordination, total.frames);
    const { minimum, reason, peak } = firstShell(g, dr);
    const bin = minimum === null ? -1 : Math.min(this.bins - 1, Math.floor(minimum / dr));
    const inside = whole.map((block) => cumulative(block.coordination, block.frames)[bin] ?? 0);
    return {
      r_A: Float64Array.from({ length: this.bins }, (_, k) => (k + 0.5) * dr),
      g,
      error,
      running_coordination: running,
      counts: total.counts,
      first_minimum_A: minimum,
      first_minimum_reason: reason,
      first_peak_A: peak?.position ?? null,
      first_peak_height: peak?.height ?? null,
      first_peak_width_A: peak?.width ?? null,
      coordination_number: bin < 0 ? null : running[bin]!,
      coordination_number_error: bin < 0 || whole.length < 2 ? null : scatter(inside),
      normalisation,
    };
  }
}

function cumulative(sums: Float64Array, frames: number): Float64Array {
  const out = new Float64Array(sums.length);
  let sum = 0;
  for (let k = 0; k < sums.length; k++) {
    sum += sums[k]!;
    out[k] = frames > 0 ? sum / frames : 0;
  }
  return out;
}

/** Standard error of the mean of block values; 0 with fewer than two. */
function scatter(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1) / values.length);
}

const OPTIONS = [
  'pairs',
  'sets',
  'cutoff',
  'bin',
  'start',
  'stop',
  'normalisation',
  'threads',
] as const satisfies readonly (keyof RdfOptions)[];

/** `rdf(options)` gives a streaming observable, `rdf(frames, options)` the result of an array. */
export function rdf(options?: RdfOptions): Rdf;
export function rdf(frames: readonly Frame[], options?: RdfOptions): RdfResult;
export function rdf(first?: readonly Frame[] | RdfOptions, options: RdfOptions = {}): Rdf | RdfResult {
  const frames = Array.isArray(first) ? (first as readonly Frame[]) : null;
  const given = (frames ? options : first) ?? {};
  onlyOptions('rdf', given, OPTIONS);
  const observable = new Rdf(given as RdfOptions);
  if (!frames) return observable;
  for (const frame of frames) observable.add(frame);
  return observable.result();
}
