/**
 * The observables by name, as `ionclay analyze` and studies ask for them (interface.md 2): what options each takes, what it needs, and
 * how it runs over frames from anywhere.
 */
import type { Frame } from '../dynamics/frame.js';
import { nearest, notAvailable, StudyError, unknownKey } from '../errors.js';
import { type Estimate, estimateToJson } from '../estimate.js';
import type { Warning } from '../structure.js';
import { Conductivity, type ConductivityOptions } from './conductivity.js';
import { Coordination, type CoordinationOptions } from './coordination.js';
import { DEFAULT_SITE_DISTANCE, Diffusion, type TransportOptions } from './diffusion.js';
import { Msd, type MsdCurve, type MsdOptions } from './msd.js';
import { camelCase, type OptionDefinition, type OptionValues, optionValue } from './observable-options.js';
import { Rdf, type RdfCurve, type RdfOptions } from './rdf.js';
import { RdfAtTimes, type RdfAtTimesOptions } from './rdf-at-times.js';

/** One table of data/*.csv; `name` without the stage and the suffix. Columns of equal length. */
export interface ObservableCurve {
  readonly name: string;
  readonly columns: Readonly<Record<string, number[]>>;
}

export interface ObservableDocument {
  readonly observable: string;
  /** Every option with its value. */
  readonly options: Record<string, unknown>;
  readonly result: Record<string, unknown>;
  readonly warnings: string[];
  readonly curves: ObservableCurve[];
}

/** What the source of the frames knows; explicit options win. */
export interface ObservableContext {
  /** K, the thermostat's. */
  readonly temperature?: number;
  readonly charges?: Readonly<Record<string, number>>;
  /** 1/fs, of Langevin dynamics. */
  readonly friction?: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

export interface ObservableDefinition {
  readonly name: string;
  readonly description: string;
  readonly options: Readonly<Record<string, OptionDefinition>>;
  /** What the frames or their source must have. */
  readonly needs: readonly ('times' | 'cell' | 'periodic-cell' | 'temperature' | 'charges')[];
  run(
    frames: AsyncIterable<Frame> | Iterable<Frame>,
    options: Readonly<Record<string, unknown>>,
    context?: ObservableContext,
  ): Promise<ObservableDocument>;
}

interface Streaming {
  add(frame: Frame): void;
  warnings(): Warning[];
}

/** What one observable makes of checked options: the accumulator, and its document once the frames have passed. */
interface Recipe {
  readonly observable: Streaming;
  finish(): { result: Record<string, unknown>; curves: ObservableCurve[] };
}

const SPECIES: OptionDefinition = { kind: 'species-list', description: 'species to measure', default: 'all', echo: 'species' };
const START: OptionDefinition = { kind: 'time', description: 'first time used', default: 'the first frame', echo: 'start_fs' };
const STOP: OptionDefinition = { kind: 'time', description: 'last time used', default: 'the last frame', echo: 'stop_fs' };
const MSD_OPTIONS = {
  species: SPECIES,
  start: START,
  stop: STOP,
  lags: { kind: 'lags', description: 'how many lags are shown, or lag times', default: 'all', echo: 'lags' },
  reference: {
    kind: 'reference',
    description: 'frame of reference: com, none, framework:<species,...>',
    default: 'com',
    echo: 'reference',
  },
} satisfies Record<string, OptionDefinition>;
const TRANSPORT_OPTIONS = {
  ...MSD_OPTIONS,
  window: { kind: 'window', description: 'fitting window in lag time', default: 'by the MSD itself', echo: 'window_fs' },
  'site-distance': { kind: 'length', description: 'hop length', default: `${DEFAULT_SITE_DISTANCE} A`, echo: 'site_distance_A' },
  friction: { kind: 'rate', description: 'friction of Langevin dynamics', default: "the run's", echo: 'friction_per_fs' },
} satisfies Record<string, OptionDefinition>;

const DEFAULTS: OptionValues = { reference: 'com', siteDistance: DEFAULT_SITE_DISTANCE, estimator: 'gls', cutoff: 8, bin: 0.02 };

function define(
  name: string,
  description: string,
  needs: ObservableDefinition['needs'],
  options: Record<string, OptionDefinition>,
  recipe: (values: OptionValues, context: ObservableContext) => Recipe,
): ObservableDefinition {
  return {
    name,
    description,
    options,
    needs,
    async run(frames, given, context = {}) {
      const values = checkObservableOptions(this, given, '', context);
      const { observable, finish } = recipe(values, context);
      const range = new TimeRange(values);
      let breath = performance.now();
      for await (const frame of frames) {
        context.signal?.throwIfAborted();
        observable.add(frame);
        range.add(frame.time);
        // Frames that come without waiting must not starve the event loop.
        if (performance.now() - breath > 50) {
          await new Promise<void>((resolve) => setImmediate(resolve));
          breath = performance.now();
        }
      }
      context.signal?.throwIfAborted();
      range.requireFrames();
      const { result, curves } = finish();
      const echoed = Object.fromEntries(
        Object.entries(options).map(([key, option]) => [option.echo, values[camelCase(key)] ?? null]),
      );
      return { observable: name, options: echoed, result, warnings: observable.warnings().map((w) => w.message), curves };
    },
  };
}

/** Nothing can be measured without a frame between `start` and `stop`: that is a request gone wrong, not an empty result. */
class TimeRange {
  private used = 0;
  private first: number | null = null;
  private last = 0;

  constructor(private readonly values: OptionValues) {}

  add(time: number): void {
    const { start, stop } = this.values as { start?: number; stop?: number };
    this.first ??= time;
    this.last = time;
    if (!(time < (start ?? Number.NEGATIVE_INFINITY)) && !(time > (stop ?? Number.POSITIVE_INFINITY))) this.used += 1;
  }

  requireFrames(): void {
    if (this.used > 0) return;
    if (this.first === null)
      throw new StudyError('NO_FRAMES', 'there is no frame to measure', { hint: 'the trajectory is empty' });
    const key = this.values.start === undefined ? 'stop' : 'start';
    throw new StudyError('NO_FRAMES', `${key}: no frame lies in the time asked for`, {
      key,
      hint: `frames run from ${this.first} to ${this.last} fs`,
    });
  }
}

/**
 * Checks the options of one observable; returns their values under library names, defaults and the run's knowledge filled in. Needs no
 * frames, so that a study is refused before it runs. `prefix` stands before the key in errors (`analyses[0].rdf.`).
 */
export function checkObservableOptions(
  definition: Pick<ObservableDefinition, 'name' | 'options'>,
  given: Readonly<Record<string, unknown>>,
  prefix = '',
  context: ObservableContext = {},
): OptionValues {
  const known = Object.keys(definition.options);
  const values: OptionValues = {};
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const option = Object.hasOwn(definition.options, key) ? definition.options[key] : undefined;
    if (!option) throw unknownKey(`${prefix}${key}`, key, known);
    values[camelCase(key)] = optionValue(option.kind, value, `${prefix}${key}`);
  }
  for (const key of known) {
    const name = camelCase(key);
    if (values[name] !== undefined) continue;
    const fallback = key === 'temperature' || key === 'charges' || key === 'friction' ? context[key] : DEFAULTS[name];
    if (fallback !== undefined) values[name] = fallback;
    else if (definition.options[key]!.default === undefined) {
      throw new StudyError(
        'OPTION_MISSING',
        `${prefix}${key}: ${definition.name} needs it: ${definition.options[key]!.description}`,
        {
          key: `${prefix}${key}`,
          hint: `--${key}, or the key ${key} of the analysis in a study`,
        },
      );
    }
  }
  return values;
}

const plain = (values: ArrayLike<number>): number[] => Array.from(values);

const msdColumns = ({ lag_fs, msd_A2, error_A2 }: MsdCurve) => ({
  lag_fs: plain(lag_fs),
  msd_A2: plain(msd_A2),
  error_A2: plain(error_A2),
});

const byName = (estimates: Readonly<Record<string, Estimate>>) =>
  Object.fromEntries(Object.entries(estimates).map(([name, estimate]) => [name, estimateToJson(estimate)]));

const msdCurves = (curves: Readonly<Record<string, MsdCurve>>): ObservableCurve[] =>
  Object.entries(curves).map(([name, curve]) => ({ name: `msd-${name}`, columns: msdColumns(curve) }));

const rdfColumns = ({ r_A, g, error, running_coordination }: RdfCurve) => ({
  r_A: plain(r_A),
  g: plain(g),
  error: plain(error),
  running_coordination: plain(running_coordination),
});

const rdfPairs = (pairs: Readonly<Record<string, RdfCurve>>) =>
  Object.fromEntries(
    Object.entries(pairs).map(([name, { counts, ...curve }]) => [
      name,
      { ...curve, ...rdfColumns({ counts, ...curve }), counts: plain(counts) },
    ]),
  );

const DEFINITIONS: readonly ObservableDefinition[] = [
  define('msd', 'mean squared displacement by species', ['times'], MSD_OPTIONS, (values) => {
    const observable = new Msd(values as MsdOptions);
    return {
      observable,
      finish() {
        const { species } = observable.result();
        return {
          result: { species: Object.fromEntries(Object.entries(species).map(([name, curve]) => [name, msdColumns(curve)])) },
          curves: msdCurves(species),
        };
      },
    };
  }),
  define('diffusion', 'tracer diffusivity by species, with its right to be quoted', ['times'], TRANSPORT_OPTIONS, (values) => {
    const observable = new Diffusion(values as TransportOptions);
    return {
      observable,
      finish: () => ({ result: { species: byName(observable.result()) }, curves: msdCurves(observable.curves()) }),
    };
  }),
  define(
    'conductivity',
    'ionic conductivity with all correlations, its parts, Haven ratio, transference',
    ['times', 'cell', 'temperature', 'charges'],
    {
      charges: { kind: 'charges', description: 'formal charge of every species, e', echo: 'charges_e' },
      temperature: { kind: 'temperature', description: 'temperature of the thermostat', echo: 'temperature_K' },
      ...TRANSPORT_OPTIONS,
      estimator: {
        kind: 'estimator',
        description: 'gls, or ols for comparison with the literature',
        default: 'gls',
        echo: 'estimator',
      },
    },
    (values) => {
      const observable = new Conductivity(values as unknown as ConductivityOptions);
      return {
        observable,
        finish() {
          const { total, contribution, paper, nernst_einstein, haven_ratio, transference, onsager } = observable.result();
          return {
            result: {
              total: estimateToJson(total),
              contribution: { self: byName(contribution.self), distinct: byName(contribution.distinct) },
              paper: {
                self: byName(paper.self),
                distinct_same: byName(paper.distinct_same),
                distinct_cross: byName(paper.distinct_cross),
              },
              nernst_einstein: estimateToJson(nernst_einstein),
              haven_ratio: estimateToJson(haven_ratio),
              transference: byName(transference),
              onsager: byName(onsager),
            },
            curves: [
              {
                name: 'conductivity',
                columns: Object.fromEntries(Object.entries(observable.table()).map(([key, column]) => [key, plain(column)])),
              },
            ],
          };
        },
      };
    },
  ),
  define(
    'rdf',
    'radial distribution functions by pair, with running coordination',
    ['periodic-cell'],
    {
      pairs: { kind: 'pairs', description: 'pairs such as Mg-Cl (Cl around Mg)', default: 'all pairs of species', echo: 'pairs' },
      cutoff: { kind: 'length', description: 'largest distance', default: '8 A', echo: 'cutoff_A' },
      bin: { kind: 'length', description: 'bin width', default: '0.02 A', echo: 'bin_A' },
      start: START,
      stop: STOP,
      at: { kind: 'times', description: 'times of several curves', default: 'one curve over all frames', echo: 'at_fs' },
      window: { kind: 'time', description: 'width of the average around each time of `at`', default: '1 ps', echo: 'window_fs' },
      normalisation: {
        kind: 'normalisation',
        description: 'pairs, or density for images beyond half a cell',
        default: 'by the cut-off',
        echo: 'normalisation',
      },
    },
    (values, context) => {
      const settings = { ...values, threads: context.threads };
      if (values.at !== undefined) {
        if (values.start !== undefined || values.stop !== undefined) {
          throw new StudyError('OPTION_VALUE', 'at: does not go together with start and stop', {
            key: 'at',
            hint: 'give times, or a range',
          });
        }
        const observable = new RdfAtTimes(settings as unknown as RdfAtTimesOptions);
        values.window ??= observable.window;
        return {
          observable,
          finish() {
            const moments = observable.result();
            return {
              result: { at: moments.map(({ at_fs, frames, pairs }) => ({ at_fs, frames, pairs: rdfPairs(pairs) })) },
              curves: moments.flatMap(({ at_fs, pairs }) =>
                Object.entries(pairs).map(([name, curve]) => ({ name: `rdf-${name}-at-${at_fs}fs`, columns: rdfColumns(curve) })),
              ),
            };
          },
        };
      }
      if (values.window !== undefined) {
        throw new StudyError('OPTION_VALUE', 'window: is the width around the times of `at`', {
          key: 'window',
          hint: 'give at, such as 1 ps,50 ps',
        });
      }
      const observable = new Rdf(settings as RdfOptions);
      return {
        observable,
        finish() {
          const { frames, pairs } = observable.result();
          return {
            result: { frames, pairs: rdfPairs(pairs) },
            curves: Object.entries(pairs).map(([name, curve]) => ({ name: `rdf-${name}`, columns: rdfColumns(curve) })),
          };
        },
      };
    },
  ),
  define(
    'coordination',
    'coordination numbers against time',
    ['times'],
    {
      cutoffs: { kind: 'cutoffs', description: 'cut-off by pair, A, or first-minimum', echo: 'cutoffs_A' },
      start: START,
      stop: STOP,
    },
    (values, context) => {
      const observable = new Coordination({ ...(values as unknown as CoordinationOptions), threads: context.threads });
      return {
        observable,
        finish() {
          const { time_fs, pairs, total } = observable.result();
          const series = Object.fromEntries(Object.entries(pairs).map(([name, pair]) => [name, plain(pair.mean_per_frame)]));
          return {
            result: {
              time_fs: plain(time_fs),
              pairs: Object.fromEntries(
                Object.entries(pairs).map(([name, pair]) => [
                  name,
                  { ...pair, mean_per_frame: plain(pair.mean_per_frame), mean: estimateToJson(pair.mean) },
                ]),
              ),
              total: Object.fromEntries(
                Object.entries(total).map(([name, sum]) => [
                  name,
                  { mean_per_frame: plain(sum.mean_per_frame), mean: estimateToJson(sum.mean) },
                ]),
              ),
            },
            curves: [{ name: 'coordination', columns: { time_fs: plain(time_fs), ...series } }],
          };
        },
      };
    },
  ),
];

export const OBSERVABLES: ReadonlyMap<string, ObservableDefinition> = new Map(
  DEFINITIONS.map((definition) => [definition.name, definition]),
);

/** Named by the specification, not built yet: refused by name, never ignored. */
export const LATER_OBSERVABLES: readonly string[] = [
  'angles',
  'arrhenius',
  'bond-order',
  'current-correlation',
  'd2min',
  'density-map',
  'displacement-histogram',
  'doas',
  'elastic',
  'exchange',
  'glass-transition',
  'green-kubo',
  'heterogeneity',
  'hops',
  'molecules',
  'percolation',
  'pulses',
  'residence',
  'scattering',
  'shear-bands',
  'sites',
  'stress-strain',
  'structure-factor',
  'superionic',
  'thermal-conductivity',
  'vacf',
  'van-hove',
  'vibrational-density',
  'viscosity',
  'xrd',
];

/** The observable of that name. Throws NOT_AVAILABLE for a later one, UNKNOWN_OBSERVABLE with the nearest name otherwise. */
export function findObservable(name: string, key = 'observable'): ObservableDefinition {
  const found = OBSERVABLES.get(name);
  if (found) return found;
  if (LATER_OBSERVABLES.includes(name))
    throw notAvailable(key, `the observable ${name}`, `there are ${[...OBSERVABLES.keys()].join(', ')}`);
  const guess = nearest(name, [...OBSERVABLES.keys(), ...LATER_OBSERVABLES]);
  throw new StudyError('UNKNOWN_OBSERVABLE', `${key}: there is no observable "${name}"`, {
    key,
    hint: guess ? `did you mean "${guess}"?` : `there are ${[...OBSERVABLES.keys()].join(', ')}`,
  });
}
