/**
 * The public interface of an integrator. A user's own integrator that implements it gets sampling, checkpoints, progress and
 * cancellation from Simulation.
 */
import type { SystemState } from './state.js';

/** Everything that a checkpoint keeps of an integrator: numbers and typed arrays, bit for bit. */
export type SavedValues = Readonly<Record<string, number | Float64Array>>;

export interface StepContext {
  readonly state: SystemState;
  /** fs. */
  readonly timestep: number;
  /** Number of the step being made, from 1, within the stage. */
  readonly step: number;
  /** The same over all stages of a study: the `step` of random streams. */
  readonly globalStep: number;
  /** Steps of the stage, for ramps. */
  readonly stageSteps: number;
  readonly seed: bigint;
  /** Target temperature (K) at step n of the stage; linear ramps are already in it. Undefined in nve. */
  temperature(step: number): number;
  /** Evaluates forces, virial and energy at the present positions into the state. */
  computeForces(): Promise<void> | void;
  /** N_f: 3N - 3, or 3N for stochastic thermostats (dynamics.md 4), less the frozen atoms. */
  readonly degreesOfFreedom: number;
}

export interface Integrator {
  /** Such as `nose-hoover`; stands in provenance and checkpoints. */
  readonly name: string;
  /** Whether total momentum is conserved (decides N_f). */
  readonly conservesMomentum: boolean;
  /** Called once per stage, with forces known; resets baths. */
  begin(context: StepContext): void;
  /** Moves the state by one step; calls computeForces exactly once. */
  step(context: StepContext): Promise<void> | void;
  /** The conserved quantity of the extended system, eV (U + K + bath), with ramp corrections (dynamics.md 7.6). */
  conserved(context: StepContext): number;
  save(): SavedValues;
  load(saved: SavedValues): void;
}
