/** Options of a simulation and of its calls, with the checks of single values. */
import { onlyOptions, StudyError, typeName } from '../errors.js';
import type { Potential, SelOverflow } from '../potential/potential.js';
import type { Structure } from '../structure.js';
import { quantity } from '../units.js';
import type { Progress } from './engine.js';
import type { Ensemble } from './ensembles.js';
import type { Integrator } from './integrator.js';
import { seedFrom } from './random.js';
import type { Fixed } from './system.js';
import type { WatchdogLimits } from './watchdog.js';

/**
 * Where velocities come from: `maxwell` draws them at the first temperature of the stage, `file` takes those of the structure;
 * options as in {@link maxwellVelocities}.
 */
export type Velocities =
  | 'maxwell'
  | 'file'
  | 'zero'
  | { readonly temperature: number | string; readonly exact?: boolean; readonly doubleForLattice?: boolean };

export interface SimulationOptions {
  readonly structure: Structure;
  readonly potential: Potential;
  readonly ensemble: Ensemble;
  /** Default 1 fs. */
  readonly timestep?: number | string;
  /** Whole number from 0 to 2^64 - 1; required where random numbers are drawn. */
  readonly seed?: number | bigint;
  /** Default `maxwell` where the ensemble has a temperature; otherwise it must be said. */
  readonly velocities?: Velocities;
  readonly fixed?: Fixed;
  /** Of the neighbour list, default 1 A. */
  readonly skin?: number | string;
  readonly threads?: number;
  /** Default: `grow` where that is exact, else `stop`. */
  readonly selOverflow?: SelOverflow;
  /** Limits of the watchdog that differ from {@link DEFAULT_LIMITS}. */
  readonly limits?: Partial<WatchdogLimits>;
  /** Steps of the first stage, for ramps; a ramp without it lasts as long as its first run. */
  readonly stageSteps?: number;
  /** Overrides N_f, for potentials with external fields. */
  readonly degreesOfFreedom?: number;
  /** Rule of dynamics.md 10.2: every 10,000 steps a drift of the centre of mass above rounding is removed and counted. Default true. */
  readonly removeDrift?: boolean;
}

export interface StageChange {
  readonly timestep?: number | string;
  readonly stageSteps?: number;
  /** Velocities are kept unless this asks for others. */
  readonly velocities?: Exclude<Velocities, 'file'>;
  /** Null frees all atoms but those that the file holds; left out, nothing changes. */
  readonly fixed?: Fixed | null;
}

export interface Duration {
  readonly time?: number | string;
  readonly steps?: number;
}

export interface RunOptions extends Duration {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface SampleOptions extends Duration {
  /** Time between frames, a whole number of steps. */
  readonly every: number | string;
  /** Frames that the simulation may be ahead of the consumer (default 2); 0 lets it rest while the consumer works. */
  readonly buffer?: number;
  readonly signal?: AbortSignal;
}

export interface ResumeOptions {
  readonly potential: Potential;
  readonly threads?: number;
  /** The user's own integrator, where the run has one. */
  readonly integrator?: Integrator;
}

/** Known names, for messages. */
const OPTIONS = [
  'structure',
  'potential',
  'ensemble',
  'timestep',
  'seed',
  'velocities',
  'fixed',
  'skin',
  'threads',
  'selOverflow',
  'limits',
  'stageSteps',
  'degreesOfFreedom',
  'removeDrift',
];

/** Refuses options of the wrong kind before anything is made of them; the usual one is a promise that nobody awaited. */
export function checkOptions(options: SimulationOptions): void {
  onlyOptions('Simulation', options, OPTIONS);
  const wrong = (key: string, expected: string) =>
    new StudyError('WRONG_TYPE', `${key}: expected ${expected}, got ${typeName(options[key as keyof SimulationOptions])}`, {
      key,
    });
  if (!(options.structure?.species && options.structure.positions)) {
    throw wrong('structure', 'a structure, such as that of readStructure or crystal');
  }
  if (typeof options.potential?.typesOf !== 'function') {
    throw wrong('potential', 'a potential, such as that of loadPotential or pairPotential');
  }
  if (typeof options.ensemble !== 'object' || options.ensemble === null) {
    throw wrong('ensemble', 'one made with nve(), nvt({...}) or { integrator }');
  }
}

/** Steps of a duration given as a time or a number of steps; a time is rounded to the nearest step. */
export function stepsOf(duration: Duration, timestep: number, method: string): number {
  onlyOptions(method, duration, ['time', 'steps', 'every', 'buffer', 'signal', 'onProgress']);
  if ((duration.time === undefined) === (duration.steps === undefined)) {
    throw new StudyError('BAD_VALUE', `${method}: expected one of time, steps`, { key: method });
  }
  if (duration.steps !== undefined) return wholeSteps(duration.steps, 'steps');
  return Math.round(nonNegative(quantity(duration.time, 'time', 'time'), 'time') / timestep);
}

export function checkedSeed(value: number | bigint): bigint {
  const seed = seedFrom(value);
  if (seed !== undefined) return seed;
  throw new StudyError('BAD_VALUE', `seed: ${value} is not a whole number from 0 to 2^64 - 1 (a bigint above 2^53)`, {
    key: 'seed',
  });
}

export function wholeSteps(value: number, key: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new StudyError('BAD_VALUE', `${key}: ${value} is not a whole number of steps`, { key });
}

export function nonNegative(value: number, key: string): number {
  if (value >= 0) return value;
  throw new StudyError('BAD_VALUE', `${key}: ${value} must not be negative`, { key });
}
