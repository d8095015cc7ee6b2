/**
 * From frames to displacements (analysis.md 2): unwrapping by sums of displacements, the frame of reference, drift, and what makes
 * a trajectory unusable or suspect. O(N) memory; every transport observable starts here.
 */
import { determinant, inverse } from '../cell.js';
import type { Frame } from '../dynamics/frame.js';
import { requireElement, SYMBOLS } from '../elements.js';
import { IonclayError, nearest, StudyError } from '../errors.js';
import type { ReasonCode } from '../estimate.js';
import type { Warning } from '../structure.js';
import { quantity } from '../units.js';

/** `com`: all atoms' centre of mass; `framework:Y,Cl`: mean displacement of these species; `none`: as stored (analysis.md 2.2). */
export type Reference = 'com' | 'none' | `framework:${string}`;

export interface TrajectoryOptions {
  /** Default `com`. */
  readonly reference?: Reference;
  /** First and last time used, fs or text such as `5 ps`; default all. */
  readonly start?: number | string;
  readonly stop?: number | string;
}

export interface Drift {
  /** Largest distance of the centre of mass from its start, A. */
  readonly com_A: number;
  /** Mean displacement of the framework at its largest, A, and the largest displacement of one of its atoms in the chosen frame. */
  readonly framework_A: number | null;
  readonly frameworkLargest_A: number | null;
}

/** A frame interval is unsafe for unwrapping where an atom moved by more than this share of a cell vector (analysis.md 2.1). */
const UNWRAP_LIMIT = 0.45;
/** Frame times are written with rounding; differences below this share of the interval are the same interval. */
const SPACING_TOLERANCE = 1e-4;
const COM_DRIFT_LIMIT = 1;
const FRAMEWORK_LIMIT = 5;

export class TrajectoryPreparation {
  readonly start: number;
  readonly stop: number;
  readonly reference: Reference;
  private readonly frameworkSpecies: number[];
  private previous: { wrapped: Float64Array; step: number; time: number } | null = null;
  private species: Uint8Array | null = null;
  private framework: number[] = [];
  private totalMass = 0;
  private masses = new Float64Array(0);
  /** Unwrapped displacement of every atom from the first frame, laboratory frame. */
  private walked = new Float64Array(0);
  private intervalFs: number | null = null;
  private firstTime = 0;
  private lastTime = 0;
  private frames = 0;
  private duplicates = 0;
  private unsafe: { step: number; atom: number; share: number } | null = null;
  private comDrift = 0;
  private frameworkDrift = 0;
  private frameworkLargest = 0;
  private volumeSum = 0;
  private volumeFrames = 0;

  constructor(options: TrajectoryOptions = {}) {
    this.start = options.start === undefined ? Number.NEGATIVE_INFINITY : quantity(options.start, 'time', 'start');
    this.stop = options.stop === undefined ? Number.POSITIVE_INFINITY : quantity(options.stop, 'time', 'stop');
    if (!(this.start < this.stop)) {
      throw new StudyError('OPTION_VALUE', `stop: ${this.stop} fs is not after start (${this.start} fs)`, { key: 'stop' });
    }
    this.reference = options.reference ?? 'com';
    this.frameworkSpecies = parseReference(this.reference);
  }

  /**
   * Takes the next frame; returns the displacements of all atoms from the first used frame in the chosen frame of reference (3N, A;
   * valid until the next call), or null for a frame that is not used (outside start..stop, or a duplicate).
   */
  add(frame: Frame): Float64Array | null {
    if (frame.time < this.start || frame.time > this.stop) return null;
    if (!this.species) this.begin(frame);
    else this.checkSame(frame);
    if (this.previous) {
      if (frame.step === this.previous.step) {
        this.duplicates += 1;
        return null;
      }
      this.checkSpacing(frame);
      this.unwrap(frame);
    }
    this.previous = { wrapped: frame.positions.slice(), step: frame.step, time: frame.time };
    this.lastTime = frame.time;
    this.frames += 1;
    if (frame.cell) {
      this.volumeSum += frame.volume ?? Math.abs(determinant(frame.cell));
      this.volumeFrames += 1;
    }
    return this.referred();
  }

  /** Atomic numbers, or null before the first frame. */
  get atoms(): Uint8Array | null {
    return this.species;
  }
  /** T, frames used. */
  get count(): number {
    return this.frames;
  }
  /** Frame interval, fs; null with fewer than two frames. */
  get interval(): number | null {
    return this.intervalFs;
  }
  get runTime(): number {
    return this.lastTime - this.firstTime;
  }
  /** Mean volume, A^3; null where no frame had a cell. */
  get meanVolume(): number | null {
    return this.volumeFrames > 0 ? this.volumeSum / this.volumeFrames : null;
  }

  drift(): Drift {
    const has = this.framework.length > 0;
    return {
      com_A: this.comDrift,
      framework_A: has ? this.frameworkDrift : null,
      frameworkLargest_A: has ? this.frameworkLargest : null,
    };
  }

  /** Reason codes for the estimates. */
  reasons(): ReasonCode[] {
    const out: ReasonCode[] = [];
    if (this.unsafe) out.push('unwrap-unsafe');
    if (this.frameworkLargest > FRAMEWORK_LIMIT) out.push('framework-moves');
    return out;
  }

  warnings(): Warning[] {
    const out: Warning[] = [];
    if (this.duplicates > 0) {
      out.push({
        code: 'duplicate-frame',
        message: `${this.duplicates} frame(s) repeat the step of the frame before and were dropped`,
      });
    }
    if (this.unsafe) {
      const { step, atom, share } = this.unsafe;
      out.push({
        code: 'unwrap-unsafe',
        message: `atom ${atom} moved by ${share.toFixed(2)} of a cell vector before step ${step}: the frame interval is too long to unwrap safely`,
      });
    }
    if (this.comDrift > COM_DRIFT_LIMIT && this.reference !== 'com') {
      out.push({
        code: 'drift',
        message: `the centre of mass drifted by ${this.comDrift.toFixed(2)} A; reference is ${this.reference}`,
      });
    } else if (this.comDrift > COM_DRIFT_LIMIT) {
      out.push({
        code: 'drift',
        message: `the centre of mass drifted by ${this.comDrift.toFixed(2)} A (removed from all displacements)`,
      });
    }
    if (this.frameworkLargest > FRAMEWORK_LIMIT) {
      out.push({
        code: 'framework-moves',
        message: `an atom of the framework moved by ${this.frameworkLargest.toFixed(2)} A: it melts or creeps`,
      });
    }
    return out;
  }

  private begin(frame: Frame): void {
    const n = frame.species.length;
    this.species = frame.species.slice();
    this.masses = frame.masses.slice();
    this.totalMass = this.masses.reduce((sum, m) => sum + m, 0);
    if (this.reference === 'com' && !(this.totalMass > 0)) {
      throw new IonclayError('E_MASS', 'the centre of mass needs positive masses', { hint: 'use --reference none' });
    }
    this.framework = [];
    for (const z of this.frameworkSpecies) {
      const found = this.framework.length;
      frame.species.forEach((s, i) => {
        if (s === z) this.framework.push(i);
      });
      if (this.framework.length === found) throw missingSpecies('reference', SYMBOLS[z]!, frame.species);
    }
    this.walked = new Float64Array(3 * n);
    this.firstTime = frame.time;
  }

  private checkSame(frame: Frame): void {
    const species = this.species!;
    const atom = frame.species.length === species.length ? species.findIndex((z, i) => z !== frame.species[i]) : species.length;
    if (atom < 0) return;
    const what = frame.species.length === species.length ? `atom ${atom} changes its species` : 'the number of atoms changes';
    throw new IonclayError('E_FRAME_ATOMS', `${what} at step ${frame.step}: a trajectory keeps its atoms and their order`, {
      atom,
    });
  }

  private checkSpacing(frame: Frame): void {
    const step = frame.time - this.previous!.time;
    const place = `between ${this.previous!.time} fs and ${frame.time} fs`;
    if (!(step > 0)) {
      throw new IonclayError('E_FRAME_TIME', `frame times do not increase ${place}`, {
        hint: 'give the time between frames with --interval, or sort the frames',
      });
    }
    this.intervalFs ??= step;
    if (Math.abs(step - this.intervalFs) > SPACING_TOLERANCE * this.intervalFs) {
      throw new IonclayError(
        'E_FRAME_SPACING',
        `frames are not evenly spaced: ${step} fs ${place}, ${this.intervalFs} fs before`,
        {
          hint: 'analyse a part of even spacing with --start and --stop, or store frames at one interval',
        },
      );
    }
  }

  /** d = w(t) - w(t-1); n = floor(d H(t)^-1 + 1/2); walked += d - n H(t) (analysis.md 2.1; right at changing cell too). */
  private unwrap(frame: Frame): void {
    const { positions, cell, pbc } = frame;
    const last = this.previous!.wrapped;
    const walked = this.walked;
    const inv = cell ? inverse(cell) : null;
    for (let i = 0; i < positions.length; i += 3) {
      const d = [positions[i]! - last[i]!, positions[i + 1]! - last[i + 1]!, positions[i + 2]! - last[i + 2]!];
      if (cell && inv) {
        const dx = d[0]!;
        const dy = d[1]!;
        const dz = d[2]!;
        for (let k = 0; k < 3; k++) {
          if (!pbc[k]) continue;
          const s = dx * inv[k]! + dy * inv[3 + k]! + dz * inv[6 + k]!;
          const n = Math.floor(s + 0.5);
          const share = Math.abs(s - n);
          if (share >= UNWRAP_LIMIT && share > (this.unsafe?.share ?? 0)) this.unsafe = { step: frame.step, atom: i / 3, share };
          if (n !== 0) for (let c = 0; c < 3; c++) d[c]! -= n * cell[3 * k + c]!;
        }
      }
      for (let c = 0; c < 3; c++) {
        if (!Number.isFinite(d[c]!)) {
          throw new IonclayError('E_NUMBER', `atom ${i / 3} has a coordinate that is not a finite number at step ${frame.step}`, {
            atom: i / 3,
          });
        }
        walked[i + c]! += d[c]!;
      }
    }
  }

  private referred(): Float64Array {
    const walked = this.walked;
    const com = [0, 0, 0];
    for (let i = 0; i < this.masses.length; i++) {
      for (let c = 0; c < 3; c++) com[c]! += (this.masses[i]! * walked[3 * i + c]!) / (this.totalMass || 1);
    }
    this.comDrift = Math.max(this.comDrift, Math.hypot(...com));
    const mean = [0, 0, 0];
    for (const i of this.framework) for (let c = 0; c < 3; c++) mean[c]! += walked[3 * i + c]! / this.framework.length;
    const shift = this.reference === 'com' ? com : this.reference === 'none' ? [0, 0, 0] : mean;
    const out = new Float64Array(walked.length);
    for (let i = 0; i < walked.length; i++) out[i] = walked[i]! - shift[i % 3]!;
    if (this.framework.length > 0) {
      this.frameworkDrift = Math.max(this.frameworkDrift, Math.hypot(...mean));
      for (const i of this.framework) {
        this.frameworkLargest = Math.max(this.frameworkLargest, Math.hypot(out[3 * i]!, out[3 * i + 1]!, out[3 * i + 2]!));
      }
    }
    return out;
  }
}

/** Atomic numbers of the framework; empty for `com` and `none`. Throws OPTION_VALUE for anything else. */
function parseReference(reference: string): number[] {
  if (reference === 'com' || reference === 'none') return [];
  const match = /^framework:(.+)$/.exec(reference);
  if (!match) {
    const guess = nearest(reference, ['com', 'none', 'framework:']);
    throw new StudyError('OPTION_VALUE', `reference: "${reference}" is not a frame of reference`, {
      key: 'reference',
      hint: guess ? `did you mean "${guess}"?` : 'com, none, or framework:<species,...> such as framework:Y,Cl',
    });
  }
  return match[1]!.split(',').map((symbol) => requireElement(symbol.trim(), 'reference'));
}

/** Error for a species that the trajectory has not: it is wrong input, not a result (analysis.md 3.5). */
export function missingSpecies(key: string, symbol: string, species: Uint8Array): StudyError {
  const present = [...new Set(species)].map((z) => SYMBOLS[z]!);
  return new StudyError('SPECIES_MISSING', `${key}: the trajectory has no ${symbol}`, {
    key,
    hint: `it has ${present.join(', ')}`,
  });
}
