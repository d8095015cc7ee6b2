/** Conductivity with all correlations, its self and distinct parts, Haven ratio, transference (analysis.md 5). */
import type { Frame } from '../dynamics/frame.js';
import { IonclayError, onlyOptions, StudyError } from '../errors.js';
import type { Estimate, EstimateStatus, ReasonCode } from '../estimate.js';
import type { Warning } from '../structure.js';
import { BOLTZMANN, EINSTEIN_CONDUCTIVITY, quantity } from '../units.js';
import { type CollectiveCurves, chargeMsd, collectiveCurves, collectiveSlopes, pairsOf } from './collective.js';
import {
  type CollectiveEstimator,
  collectiveWindow,
  estimatorWeights,
  partErrors,
  relativeSlopeError,
} from './collective-errors.js';
import { type ConductivityInputs, type ConductivityParts, conductivityParts } from './conductivity-parts.js';
import {
  runReasons,
  TRANSPORT_OPTIONS,
  type TransportOptions,
  type TransportSettings,
  tracerDiffusivity,
  transportSettings,
  windowInLags,
} from './diffusion.js';
import { DisplacementRecord } from './displacement-record.js';
import { chosenLags } from './msd.js';

export interface ConductivityOptions extends TransportOptions {
  /** Formal charge of every species, e (number or text); a species with charge 0 takes no part. */
  readonly charges: Readonly<Record<string, number | string>>;
  /** Thermostat temperature, K or text; never inferred from the frames. */
  readonly temperature: number | string;
  /** `gls` (default), or `ols` for comparison with the literature. */
  readonly estimator?: CollectiveEstimator;
}

/** Estimates in mS/cm, ratios without unit; keys as in results.json. */
export interface ConductivityResult {
  readonly total: Estimate;
  readonly contribution: { readonly self: Record<string, Estimate>; readonly distinct: Record<string, Estimate> };
  readonly paper: {
    readonly self: Record<string, Estimate>;
    readonly distinct_same: Record<string, Estimate>;
    readonly distinct_cross: Record<string, Estimate>;
  };
  readonly nernst_einstein: Estimate;
  readonly haven_ratio: Estimate;
  readonly transference: Record<string, Estimate>;
  /** L_ab, 1/(A fs eV). */
  readonly onsager: Record<string, Estimate>;
}

interface Judgement {
  readonly status: EstimateStatus;
  readonly reasons: readonly ReasonCode[];
  readonly window: readonly [number, number] | null;
  readonly timeNeeded: number | null;
}

export class Conductivity {
  readonly record: DisplacementRecord;
  readonly settings: TransportSettings;
  readonly charges: Readonly<Record<string, number>>;
  readonly temperature: number;
  private readonly estimator: CollectiveEstimator;
  private cached: { frames: number; curves: CollectiveCurves; collective: Record<string, Float64Array[]> } | null = null;

  constructor(private readonly options: ConductivityOptions) {
    this.settings = transportSettings(options);
    this.temperature = requiredTemperature(options.temperature);
    this.charges = checkedCharges(options.charges);
    this.estimator = options.estimator ?? 'gls';
    if (this.estimator !== 'gls' && this.estimator !== 'ols') {
      throw new StudyError('OPTION_VALUE', `estimator: "${this.estimator}" is neither gls nor ols`, { key: 'estimator' });
    }
    this.record = new DisplacementRecord({ ...options, species: undefined });
  }

  add(frame: Frame): void {
    if (!frame.cell) {
      throw new IonclayError('E_CELL_MISSING', 'conductivity needs a cell: its volume is part of the definition', {
        hint: 'give a trajectory with a cell, or ask for diffusion',
      });
    }
    this.record.add(frame);
  }

  /** The species that carry charge, in the order asked for, else of first appearance. */
  carriers(): string[] {
    const present = this.record.species;
    const missing = present.filter((name) => !(name in this.charges));
    if (missing.length > 0) {
      throw new StudyError('CHARGE_MISSING', `charges: no charge is given for ${missing.join(', ')}`, {
        key: 'charges',
        hint: 'formal charges, such as --charges Mg=2,Ga=3,F=-1,Cl=-1; 0 for a neutral species',
      });
    }
    const unknown = Object.keys(this.charges).filter((name) => !present.includes(name));
    if (unknown.length > 0 && present.length > 0) {
      throw new StudyError('SPECIES_MISSING', `charges: the trajectory has no ${unknown.join(', ')}`, { key: 'charges' });
    }
    const order = this.options.species ?? present;
    const all = [...order, ...present.filter((name) => !order.includes(name))];
    return all.filter((name) => this.charges[name] !== 0);
  }

  curves(): CollectiveCurves {
    if (this.cached?.frames === this.record.frames) return this.cached.curves;
    const collective = Object.fromEntries(this.carriers().map((name) => [name, this.record.collective(name)]));
    const curves = collectiveCurves(this.record, collective);
    this.cached = { frames: this.record.frames, curves, collective };
    return curves;
  }

  /** `lag_fs`, `charge_msd_e2A2`, and the signed parts, which sum to it; the chosen lags only. */
  table(): Record<string, Float64Array> {
    const curves = this.curves();
    const interval = this.record.trajectory.interval ?? 0;
    const lags = chosenLags(this.options.lags, this.record.frames, interval);
    const total = chargeMsd(curves, this.charges);
    const columns: Record<string, Float64Array> = {
      lag_fs: Float64Array.from(lags, (m) => m * interval),
      charge_msd_e2A2: Float64Array.from(lags, (m) => total[m]!),
    };
    for (const name of curves.species) {
      const z2 = this.charges[name]! ** 2;
      columns[`self_${name}_e2A2`] = Float64Array.from(lags, (m) => z2 * curves.self[name]![m]!);
    }
    for (const [a, b] of pairsOf(curves.species)) {
      const pair = curves.pairs[`${a}-${b}`]!;
      const factor = this.charges[a]! * this.charges[b]! * (a === b ? 1 : 2);
      const self = a === b ? curves.self[a]! : null;
      columns[`distinct_${a}-${b}_e2A2`] = Float64Array.from(lags, (m) => factor * (pair[m]! - (self ? self[m]! : 0)));
    }
    return columns;
  }

  result(): ConductivityResult {
    const { record, charges, settings } = this;
    const curves = this.curves();
    const interval = record.trajectory.interval ?? 0;
    const inputs: ConductivityInputs = {
      species: curves.species,
      charges,
      ions: curves.ions,
      volume: record.trajectory.meanVolume ?? Number.NaN,
      temperature: this.temperature,
    };
    const tracers = Object.fromEntries(
      curves.species.map((name) => {
        const msd = curves.self[name]!.map((s) => s / curves.ions[name]!);
        return [name, tracerDiffusivity(record, name, settings, msd)] as const;
      }),
    );
    const judged = this.judge(tracers, interval);
    const extra = [...this.chargeReasons(curves), ...runReasons(record, settings)];
    const common = {
      temperature_K: this.temperature,
      volume_A3: inputs.volume,
      charges_e: charges,
      reference: record.trajectory.reference,
      frames: record.frames,
      interval_fs: interval,
      run_time_fs: record.trajectory.runTime,
      site_distance_A: settings.siteDistance,
      ...(settings.friction > 0 ? { friction_per_fs: settings.friction } : {}),
    };
    if (judged.status === 'not-diffusive' || judged.status === 'insufficient') {
      return refusedResult(tracers, inputs, judged, extra, common);
    }
    return this.measured(curves, inputs, judged, extra, common, tracers);
  }

  warnings(): Warning[] {
    const out = this.record.trajectory.warnings();
    for (const reason of this.record.frames > 0 ? this.chargeReasons(this.curves()) : []) {
      const message =
        reason === 'charged-cell'
          ? 'the charges do not sum to zero: the conductivity depends on the frame of reference'
          : 'a charge is not a whole number: ions carry whole charges over long times';
      out.push({ code: reason, message });
    }
    return out;
  }

  /** Window and status of collective quantities (5.5): lower lag from the mobile species' tracer windows, upper lag a tenth of the run. */
  private judge(tracers: Record<string, Estimate>, interval: number): Judgement {
    const all = Object.values(tracers);
    const mobile = all.filter(({ status }) => status === 'ok' || status === 'marginal');
    const needed = all.map(({ inputs }) => inputs.time_needed_fs as number | null).filter((t) => t !== null);
    const soonest = needed.length > 0 ? Math.min(...needed) : null;
    if (mobile.length === 0) {
      const short = all.length === 0 || all.every(({ status }) => status === 'insufficient');
      const reasons = [...new Set(all.flatMap((estimate) => estimate.reasons))];
      return { status: short ? 'insufficient' : 'not-diffusive', reasons, window: null, timeNeeded: soonest };
    }
    const frames = this.record.frames;
    const user = windowInLags(this.settings.windowFs, interval);
    const lower = Math.max(...mobile.map((estimate) => Math.round(estimate.window![0] / interval)));
    const window = user ?? collectiveWindow(lower, frames);
    if (!window) {
      const lags = Math.max(3 * lower, lower + 10);
      return { status: 'insufficient', reasons: ['collective-too-short'], window: null, timeNeeded: 10 * lags * interval };
    }
    if (mobile.some(({ status }) => status === 'ok')) return { status: 'ok', reasons: [], window, timeNeeded: null };
    return { status: 'marginal', reasons: [...new Set(mobile.flatMap(({ reasons }) => reasons))], window, timeNeeded: soonest };
  }

  private measured(
    curves: CollectiveCurves,
    inputs: ConductivityInputs,
    judged: Judgement,
    extra: readonly ReasonCode[],
    common: Record<string, unknown>,
    tracers: Record<string, Estimate>,
  ): ConductivityResult {
    const interval = this.record.trajectory.interval!;
    const frames = this.record.frames;
    const { lags, weights, chi2PerDof } = estimatorWeights(
      this.estimator,
      frames,
      judged.window!,
      chargeMsd(curves, this.charges),
    );
    const perFs = weights.map((w) => w / interval);
    const parts = conductivityParts(collectiveSlopes(curves, lags, perFs), inputs, BOLTZMANN);
    const relative = relativeSlopeError(frames, lags, weights);
    if (!(parts.total > 0)) {
      const negative: Judgement = { ...judged, status: 'not-diffusive', reasons: ['slope-not-significant'] };
      return refusedResult(tracers, inputs, negative, extra, common);
    }
    const errors = partErrors(this.record, this.cached!.collective, inputs, parts, judged.window!, this.estimator, relative);
    errors.set('total', relative * parts.total);
    const reasons = [...judged.reasons];
    let status = judged.status;
    if (relative > 0.5) {
      status = 'marginal';
      if (!reasons.includes('single-run')) reasons.push('single-run');
    }
    if (chi2PerDof > 2) reasons.push('poor-linear-fit');
    if (this.estimator === 'ols') reasons.push('ols-error-meaningless');
    const all = [...new Set([...reasons, ...extra])];
    const method = `slopes of collective displacements by ${this.estimator === 'gls' ? 'generalised' : 'ordinary'} least squares`;
    const window = [judged.window![0] * interval, judged.window![1] * interval] as const;
    const shared = {
      window,
      chi2_per_dof: chi2PerDof,
      relative_error_one_walker: relative,
      error_method: errors.method,
      ...common,
    };
    const estimate = (path: string, value: number, unit: string): Estimate => {
      const error = errors.get(path);
      const finite = Number.isFinite(value);
      return {
        value: finite ? value : null,
        error: finite && error !== undefined && Number.isFinite(error) ? error : null,
        unit,
        method,
        status: finite ? status : 'not-diffusive',
        reasons: all,
        window,
        inputs: path === 'total' ? { ...shared, time_needed_fs: judged.timeNeeded } : shared,
      };
    };
    return assemble(parts, estimate);
  }

  private chargeReasons(curves: CollectiveCurves): ReasonCode[] {
    const out: ReasonCode[] = [];
    const sum = curves.species.reduce((total, name) => total + this.charges[name]! * curves.ions[name]!, 0);
    if (Math.abs(sum) > 1e-6) out.push('charged-cell');
    if (curves.species.some((name) => !Number.isInteger(this.charges[name]!))) out.push('non-integer-charge');
    return out;
  }
}

function assemble(
  parts: ConductivityParts,
  estimate: (path: string, value: number, unit: string) => Estimate,
): ConductivityResult {
  const group = (path: string, values: Record<string, number>, unit = 'mS/cm') =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, estimate(`${path}.${name}`, value, unit)]));
  return {
    total: estimate('total', parts.total, 'mS/cm'),
    contribution: {
      self: group('contribution.self', parts.contribution.self),
      distinct: group('contribution.distinct', parts.contribution.distinct),
    },
    paper: {
      self: group('paper.self', parts.paper.self),
      distinct_same: group('paper.distinctSame', parts.paper.distinctSame),
      distinct_cross: group('paper.distinctCross', parts.paper.distinctCross),
    },
    nernst_einstein: estimate('nernstEinstein', parts.nernstEinstein, 'mS/cm'),
    haven_ratio: estimate('havenRatio', parts.havenRatio, '1'),
    transference: group('transference', parts.transference, '1'),
    onsager: group('onsager', parts.onsager, '1/(A fs eV)'),
  };
}

/** No total: self parts and their sum, the Nernst-Einstein conductivity, from the tracer diffusivities with their own status (5.5). */
function refusedResult(
  tracers: Record<string, Estimate>,
  inputs: ConductivityInputs,
  judged: Judgement,
  extra: readonly ReasonCode[],
  common: Record<string, unknown>,
): ConductivityResult {
  const { species, charges, ions, volume, temperature } = inputs;
  const refused = (unit: string): Estimate => ({
    value: null,
    error: null,
    unit,
    method: 'slopes of collective displacements',
    status: judged.status,
    reasons: [...new Set([...judged.reasons, ...extra])],
    inputs: { ...common, time_needed_fs: judged.timeNeeded },
  });
  // cm2/s to A2/fs is 10; D = slope/6.
  const perDiffusivity = (name: string) =>
    (EINSTEIN_CONDUCTIVITY / (volume * temperature)) * charges[name]! ** 2 * ions[name]! * 60;
  const self = Object.fromEntries(
    species.map((name) => {
      const d = tracers[name]!;
      const factor = perDiffusivity(name);
      const estimate: Estimate = {
        ...d,
        value: d.value === null ? null : d.value * factor,
        error: d.error === null ? null : d.error * factor,
        unit: 'mS/cm',
        method: `Nernst-Einstein from the tracer diffusivity; ${d.method}`,
        ...(d.upperBound === undefined ? {} : { upperBound: d.upperBound * factor }),
        ...(d.interval68 ? { interval68: [d.interval68[0] * factor, d.interval68[1] * factor] as const } : {}),
        inputs: { ...d.inputs, ...common },
      };
      return [name, estimate];
    }),
  );
  const mobile = species.filter((name) => self[name]!.value !== null);
  const worst = mobile.some((name) => self[name]!.status === 'marginal') ? 'marginal' : 'ok';
  const bounds = species.map((name) => self[name]!.upperBound ?? self[name]!.value);
  const nernstEinstein: Estimate =
    mobile.length > 0
      ? {
          value: mobile.reduce((sum, name) => sum + self[name]!.value!, 0),
          error: Math.hypot(...mobile.map((name) => self[name]!.error!)),
          unit: 'mS/cm',
          method: 'sum of the self conductivities of the mobile species',
          status: worst,
          reasons: [...new Set([...mobile.flatMap((name) => self[name]!.reasons), ...extra])],
          inputs: { ...common, mobile, immobile: species.filter((name) => !mobile.includes(name)) },
        }
      : {
          ...refused('mS/cm'),
          ...(bounds.every((b) => b !== null && b !== undefined) && bounds.length > 0
            ? { upperBound: bounds.reduce<number>((sum, b) => sum + b!, 0) }
            : {}),
        };
  const none = (names: readonly string[], unit = 'mS/cm') => Object.fromEntries(names.map((name) => [name, refused(unit)]));
  const pairs = pairsOf(species).map(([a, b]) => `${a}-${b}`);
  const cross = pairsOf(species)
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => `${a}-${b}`);
  return {
    total: refused('mS/cm'),
    contribution: { self, distinct: none(pairs) },
    paper: { self, distinct_same: none(species), distinct_cross: none(cross) },
    nernst_einstein: nernstEinstein,
    haven_ratio: refused('1'),
    transference: none(species, '1'),
    onsager: none(pairs, '1/(A fs eV)'),
  };
}

function requiredTemperature(given: number | string | undefined): number {
  if (given === undefined) {
    throw new StudyError('OPTION_MISSING', 'temperature: conductivity needs the thermostat temperature', {
      key: 'temperature',
      hint: '--temperature 900 K; it is never inferred from velocities',
    });
  }
  const temperature = quantity(given, 'temperature', 'temperature');
  if (!(temperature > 0))
    throw new StudyError('OPTION_VALUE', `temperature: ${temperature} K is not positive`, { key: 'temperature' });
  return temperature;
}

function checkedCharges(given: Readonly<Record<string, number | string>> | undefined): Record<string, number> {
  if (!given || Object.keys(given).length === 0) {
    throw new StudyError('OPTION_MISSING', 'charges: conductivity needs the formal charge of every species', {
      key: 'charges',
      hint: 'such as --charges Mg=2,Ga=3,F=-1,Cl=-1',
    });
  }
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, quantity(value, 'charge', `charges.${name}`)]));
}

const OPTIONS = [
  'charges',
  'temperature',
  ...TRANSPORT_OPTIONS,
  'estimator',
] as const satisfies readonly (keyof ConductivityOptions)[];

/** `conductivity(options)` gives a streaming observable, `conductivity(frames, options)` the result of an array. */
export function conductivity(options: ConductivityOptions): Conductivity;
export function conductivity(frames: readonly Frame[], options: ConductivityOptions): ConductivityResult;
export function conductivity(
  first: readonly Frame[] | ConductivityOptions,
  options?: ConductivityOptions,
): Conductivity | ConductivityResult {
  const frames = Array.isArray(first) ? (first as readonly Frame[]) : null;
  const given = (frames ? options : first) as ConductivityOptions;
  onlyOptions('conductivity', given, OPTIONS);
  const observable = new Conductivity(given);
  if (!frames) return observable;
  for (const frame of frames) observable.add(frame);
  return observable.result();
}
