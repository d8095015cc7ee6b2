/** Tracer diffusivity D* by species, with its error and its right to be quoted (analysis.md 4). */
import type { Frame } from '../dynamics/frame.js';
import { onlyOptions, StudyError } from '../errors.js';
import type { Estimate, EstimateStatus, ReasonCode } from '../estimate.js';
import type { Warning } from '../structure.js';
import { A2_PER_FS_IN_CM2_PER_S, quantity } from '../units.js';
import { type DiffusionFit, fitDiffusion, fitSlope } from './diffusion-fit.js';
import { DisplacementRecord } from './displacement-record.js';
import { chosenLags, MSD_OPTIONS, type MsdCurve, type MsdOptions, msdCurve, msdOfTensor, msdTensor } from './msd.js';
import { positivePosterior } from './normal-distribution.js';
import { timeNeeded } from './time-needed.js';

export interface TransportOptions extends MsdOptions {
  /** a of analysis.md 4.2, A or text; default 3 A, echoed in the result. */
  readonly siteDistance?: number | string;
  /** Fitting window in lag time, fs or text; default by the rule of 4.2. */
  readonly window?: readonly [number | string, number | string];
  /** Friction of Langevin dynamics that made the frames, 1/fs or text; above 0.1 /ps transport is damped and the result says so. */
  readonly friction?: number | string;
  /** Whether the covariance of the fit has the hop term (default true; analysis.md 4.3). */
  readonly hops?: boolean;
}

export const DEFAULT_SITE_DISTANCE = 3;
const DIMENSIONS = 3;
const BLOCKS = 5;
/** dynamics.md 8.1: above it the thermostat, not the crystal, decides how far an ion flies. 0.1 /ps in 1/fs. */
const FRICTION_LIMIT = 1e-4;

/** What the options of diffusion and conductivity share, checked. */
export interface TransportSettings {
  readonly siteDistance: number;
  readonly windowFs: readonly [number, number] | null;
  readonly friction: number;
  readonly hops: boolean;
}

export function transportSettings(options: TransportOptions): TransportSettings {
  const siteDistance =
    options.siteDistance === undefined ? DEFAULT_SITE_DISTANCE : quantity(options.siteDistance, 'length', 'site-distance');
  if (!(siteDistance > 0))
    throw new StudyError('OPTION_VALUE', `site-distance: ${siteDistance} A is not positive`, { key: 'site-distance' });
  const friction = options.friction === undefined ? 0 : quantity(options.friction, 'rate', 'friction');
  if (!(friction >= 0)) throw new StudyError('OPTION_VALUE', `friction: ${friction} /fs is negative`, { key: 'friction' });
  let windowFs: [number, number] | null = null;
  if (options.window !== undefined) {
    if (options.window.length !== 2) {
      throw new StudyError('OPTION_VALUE', 'window: expected two lag times, such as 10 ps,50 ps', { key: 'window' });
    }
    windowFs = [quantity(options.window[0], 'time', 'window[0]'), quantity(options.window[1], 'time', 'window[1]')];
    if (!(windowFs[0] > 0 && windowFs[1] > windowFs[0])) {
      throw new StudyError(
        'OPTION_VALUE',
        `window: ${windowFs[0]} to ${windowFs[1]} fs is not an increasing pair of positive lag times`,
        {
          key: 'window',
        },
      );
    }
  }
  return { siteDistance, windowFs, friction, hops: options.hops ?? true };
}

/** The user's window in frames. Throws OPTION_VALUE where it holds fewer than four lags: no line and its error fit to those. */
export function windowInLags(
  windowFs: readonly [number, number] | null,
  interval: number | null,
): readonly [number, number] | undefined {
  if (!windowFs || interval === null) return undefined;
  const lo = Math.max(1, Math.round(windowFs[0] / interval));
  const hi = Math.round(windowFs[1] / interval);
  if (hi - lo < 3) {
    throw new StudyError(
      'OPTION_VALUE',
      `window: ${windowFs[0]} to ${windowFs[1]} fs holds fewer than four lags of ${interval} fs`,
      {
        key: 'window',
        hint: 'widen the window, or store frames more often',
      },
    );
  }
  return [lo, hi];
}

/** Reasons that concern every transport quantity of a run, whatever the numbers say. */
export function runReasons(record: DisplacementRecord, settings: TransportSettings): ReasonCode[] {
  return [...record.trajectory.reasons(), ...(settings.friction > FRICTION_LIMIT ? (['langevin-dynamics'] as const) : [])];
}

export const TRANSPORT_OPTIONS = [
  ...MSD_OPTIONS,
  'siteDistance',
  'window',
  'friction',
  'hops',
] as const satisfies readonly (keyof TransportOptions)[];

export class Diffusion {
  readonly record: DisplacementRecord;
  readonly settings: TransportSettings;

  constructor(private readonly options: TransportOptions = {}) {
    this.settings = transportSettings(options);
    if (typeof options.lags === 'number') chosenLags(options.lags, 2, null);
    this.record = new DisplacementRecord(options);
  }

  add(frame: Frame): void {
    this.record.add(frame);
  }

  /** One estimate in cm2/s per species. */
  result(): Record<string, Estimate> {
    return Object.fromEntries(this.record.species.map((name) => [name, tracerDiffusivity(this.record, name, this.settings)]));
  }

  /** The MSD curves that were fitted. */
  curves(): Record<string, MsdCurve> {
    const interval = this.record.trajectory.interval;
    const lags = chosenLags(this.options.lags, this.record.frames, interval);
    return Object.fromEntries(
      this.record.species.map((name) => [
        name,
        msdCurve(msdOfTensor(msdTensor(this.record, name)), this.record.ions(name), interval ?? 0, lags),
      ]),
    );
  }

  warnings(): Warning[] {
    return this.record.trajectory.warnings();
  }
}

/** D* of one species. `msd` saves the transform where the caller has the curve already. */
export function tracerDiffusivity(
  record: DisplacementRecord,
  species: string,
  settings: TransportSettings,
  msd?: Float64Array,
): Estimate {
  const curve = msd ?? msdOfTensor(msdTensor(record, species));
  const ions = record.ions(species);
  const interval = record.trajectory.interval;
  const window = windowInLags(settings.windowFs, interval);
  const fit = fitDiffusion(curve, { ions, siteDistance: settings.siteDistance, hops: settings.hops, window });
  const block = fit.fit && fit.window ? blockError(record, species, fit, settings) : null;
  return toEstimate(
    curve,
    fit,
    block,
    { ions, interval: interval ?? 0, runTime: record.trajectory.runTime },
    settings,
    runReasons(record, settings),
  );
}

/**
 * Standard error of the slope from B = 5 blocks of the run with the same lags (up to half a block): s.d./sqrt(B), A^2 per frame;
 * null where the blocks hold fewer than ten hops each or too few lags (analysis.md 4.4).
 */
function blockError(record: DisplacementRecord, species: string, fit: DiffusionFit, settings: TransportSettings): number | null {
  if (!((fit.hopCount ?? 0) / BLOCKS >= 10)) return null;
  const length = Math.floor((record.frames - 1) / BLOCKS);
  const lo = fit.window![0];
  const hi = Math.min(fit.window![1], Math.floor(0.5 * length));
  if (hi - lo < 3) return null;
  const slopes = Array.from({ length: BLOCKS }, (_, b) => {
    const msd = msdOfTensor(msdTensor(record, species, b * length, (b + 1) * length + 1));
    return fitSlope(msd, [lo, hi], record.ions(species), settings.hops ? settings.siteDistance : 0).slope;
  });
  const mean = slopes.reduce((sum, s) => sum + s, 0) / BLOCKS;
  return Math.sqrt(slopes.reduce((sum, s) => sum + (s - mean) ** 2, 0) / (BLOCKS - 1) / BLOCKS);
}

function toEstimate(
  msd: Float64Array,
  fit: DiffusionFit,
  block: number | null,
  run: { ions: number; interval: number; runTime: number },
  settings: TransportSettings,
  reasonsOfRun: readonly ReasonCode[],
): Estimate {
  const { interval } = run;
  const perFrame = interval > 0 ? A2_PER_FS_IN_CM2_PER_S / (2 * DIMENSIONS * interval) : 0;
  const line = fit.fit;
  const slopeError = line ? Math.max(line.slopeError, block ?? 0) : null;
  let status: EstimateStatus = fit.status;
  const reasons = [...fit.reasons];
  if (line && status === 'ok' && slopeError! > 0.5 * line.slope) {
    status = 'marginal';
    reasons.push('single-run');
  }
  const quoted = status === 'ok' || status === 'marginal';
  const weak = line && slopeError! > 0 && line.slope < 3 * slopeError!;
  const posterior = weak ? positivePosterior(line.slope, slopeError!) : null;
  return {
    value: quoted ? line!.slope * perFrame : null,
    error: quoted ? slopeError! * perFrame : null,
    unit: 'cm2/s',
    method: `slope of the MSD by generalised least squares, covariance of walk${settings.hops ? ' and hops' : ''}`,
    status,
    reasons: [...reasons, ...reasonsOfRun.filter((reason) => !reasons.includes(reason))],
    ...(quoted || fit.slopeBound === null ? {} : { upperBound: fit.slopeBound * perFrame }),
    ...(posterior ? { interval68: [posterior.interval68[0] * perFrame, posterior.interval68[1] * perFrame] as const } : {}),
    ...(fit.hopCount !== null && fit.hopCount > 0 ? { nIndependent: fit.hopCount } : {}),
    ...(fit.window ? { window: [fit.window[0] * interval, fit.window[1] * interval] as const } : {}),
    inputs: {
      slope_A2_per_fs: line && interval > 0 ? line.slope / interval : null,
      slope_error_A2_per_fs: line && interval > 0 ? line.slopeError / interval : null,
      block_error_A2_per_fs: block !== null && interval > 0 ? block / interval : null,
      intercept_A2: line?.intercept ?? null,
      intercept_error_A2: line?.interceptError ?? null,
      slope_intercept_covariance: line && interval > 0 ? line.covariance / interval : null,
      posterior_median_cm2_per_s: posterior ? posterior.median * perFrame : null,
      window: fit.window ? [fit.window[0] * interval, fit.window[1] * interval] : null,
      n_hop: fit.hopCount,
      n_eff_he2018: fit.effectiveHops,
      rsd_he2018: fit.rsdHe2018,
      exponent: fit.scan?.exponent ?? null,
      exponent_error: fit.scan?.error ?? null,
      delta_chi2_at_1: fit.scan?.deltaChi2 ?? null,
      chi2_per_dof: line?.chi2PerDof ?? null,
      site_distance_A: settings.siteDistance,
      ions: run.ions,
      frames: msd.length,
      interval_fs: interval,
      run_time_fs: run.runTime,
      time_needed_fs: timeNeeded(msd, fit, settings.siteDistance, run),
      dimensions: DIMENSIONS,
      ...(settings.friction > 0 ? { friction_per_fs: settings.friction } : {}),
    },
  };
}

/** `diffusion(options)` gives a streaming observable, `diffusion(frames, options)` the estimates of an array, by species. */
export function diffusion(options?: TransportOptions): Diffusion;
export function diffusion(frames: readonly Frame[], options?: TransportOptions): Record<string, Estimate>;
export function diffusion(
  first?: readonly Frame[] | TransportOptions,
  options: TransportOptions = {},
): Diffusion | Record<string, Estimate> {
  const frames = Array.isArray(first) ? (first as readonly Frame[]) : null;
  const given = (frames ? options : first) ?? {};
  onlyOptions('diffusion', given, TRANSPORT_OPTIONS);
  const observable = new Diffusion(given as TransportOptions);
  if (!frames) return observable;
  for (const frame of frames) observable.add(frame);
  return observable.result();
}
