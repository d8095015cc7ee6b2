/** One stage: an ensemble, its integrator and a time step; the context that the integrator sees. */
import { StudyError } from '../errors.js';
import { type Ensemble, integratorFor, temperatureRange } from './ensembles.js';
import type { Integrator, StepContext } from './integrator.js';
import { degreesOfFreedom } from './kinetic.js';
import type { SystemState } from './state.js';

export interface StageOptions {
  readonly ensemble: Ensemble;
  /** fs. */
  readonly timestep: number;
  /** Length of the stage in steps; needed by ramps alone. */
  readonly stageSteps?: number;
  readonly seed?: bigint;
  /** Overrides N_f, for systems in external fields. */
  readonly degreesOfFreedom?: number;
}

/** Steps are those done; while a step is made, `step` and `globalStep` are its numbers. */
export class Stage implements StepContext {
  step = 0;
  globalStep = 0;
  readonly ensemble: Ensemble;
  readonly integrator: Integrator;
  readonly timestep: number;
  readonly degreesOfFreedom: number;
  /** K at the start and the end. */
  readonly range: readonly [number, number] | undefined;
  /** Calls of computeForces so far. */
  evaluations = 0;
  private length: number | undefined;
  private readonly givenSeed: bigint | undefined;

  constructor(
    readonly state: SystemState,
    options: StageOptions,
    private readonly evaluate: () => Promise<void> | void,
  ) {
    this.ensemble = options.ensemble;
    this.timestep = options.timestep;
    this.integrator = integratorFor(options.ensemble);
    this.range = temperatureRange(options.ensemble);
    this.length = options.stageSteps;
    this.givenSeed = options.seed;
    this.degreesOfFreedom = options.degreesOfFreedom ?? degreesOfFreedom(state.frozen, this.integrator.conservesMomentum);
  }

  get isRamp(): boolean {
    return this.range !== undefined && this.range[0] !== this.range[1];
  }

  /** Steps of the stage; infinite where nobody said and nothing depends on it. */
  get stageSteps(): number {
    return this.length ?? Number.POSITIVE_INFINITY;
  }

  /** The length of a ramp that was not given with the stage is that of its first run. */
  setLength(steps: number): void {
    this.length ??= steps;
  }

  get hasLength(): boolean {
    return this.length !== undefined;
  }

  get seed(): bigint {
    if (this.givenSeed === undefined) throw missingSeed(`the integrator ${this.integrator.name} draws random numbers`);
    return this.givenSeed;
  }

  /** T(n) = T0 + (T1 - T0) n/n_stage (dynamics.md 6.3); a run beyond the ramp stays at its end. */
  temperature(step: number): number {
    if (!this.range) return Number.NaN;
    const [from, to] = this.range;
    return from === to ? from : from + ((to - from) * Math.min(step, this.stageSteps)) / this.stageSteps;
  }

  computeForces(): Promise<void> | void {
    this.evaluations++;
    return this.evaluate();
  }

  conserved(): number {
    return this.integrator.conserved(this);
  }
}

export function missingSeed(why: string): StudyError {
  return new StudyError('SEED_MISSING', `seed: missing, and ${why}`, {
    key: 'seed',
    hint: 'give a whole number, such as seed: 7; the same seed gives the same run',
  });
}
