/** Radial distribution functions at several moments of one run, each averaged over a window around its time. */
import type { Frame } from '../dynamics/frame.js';
import { StudyError } from '../errors.js';
import type { Warning } from '../structure.js';
import { quantity } from '../units.js';
import { Rdf, type RdfOptions, type RdfResult } from './rdf.js';

export interface RdfAtTimesOptions extends Omit<RdfOptions, 'start' | 'stop'> {
  /** Times, fs or text such as `50 ps`. */
  readonly at: readonly (number | string)[];
  /** Width of the window around each time (default 1 ps), cut at the ends of the run. */
  readonly window?: number | string;
}

export interface RdfAtTime extends RdfResult {
  readonly at_fs: number;
}

/** fs: width of the average around each time where none is given. */
export const DEFAULT_AT_WINDOW = 1000;

export class RdfAtTimes {
  readonly window: number;
  private readonly moments: { at: number; rdf: Rdf; frames: number }[];
  private first: number | null = null;
  private last = 0;

  constructor(options: RdfAtTimesOptions) {
    const { at, window, ...rest } = options;
    this.window = window === undefined ? DEFAULT_AT_WINDOW : quantity(window, 'time', 'window');
    if (!(this.window >= 0)) throw new StudyError('OPTION_VALUE', `window: ${this.window} fs is negative`, { key: 'window' });
    if (at.length === 0) throw new StudyError('OPTION_VALUE', 'at: expected at least one time, such as 1 ps', { key: 'at' });
    this.moments = at.map((time, i) => ({ at: quantity(time, 'time', `at[${i}]`), rdf: new Rdf(rest), frames: 0 }));
  }

  add(frame: Frame): void {
    this.first ??= frame.time;
    this.last = frame.time;
    for (const moment of this.moments) {
      // Frame times are sums of rounded steps: half a millionth of the window decides nothing.
      if (Math.abs(frame.time - moment.at) > this.window / 2 + 1e-6 * Math.max(1, this.window)) continue;
      moment.rdf.add(frame);
      moment.frames += 1;
    }
  }

  /** One result a time. Throws OPTION_VALUE for a time whose window holds no frame. */
  result(): RdfAtTime[] {
    return this.moments.map(({ at, rdf, frames }, i) => {
      if (frames === 0) {
        throw new StudyError('OPTION_VALUE', `at[${i}]: no frame within ${this.window / 2} fs of ${at} fs`, {
          key: 'at',
          hint:
            this.first === null
              ? 'the trajectory is empty'
              : `frames run from ${this.first} to ${this.last} fs; or widen the window`,
        });
      }
      return { at_fs: at, ...rdf.result() };
    });
  }

  warnings(): Warning[] {
    return this.moments[0]!.rdf.warnings();
  }
}
