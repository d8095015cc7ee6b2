/** Molecular dynamics of one structure under one potential: stages, steps, sampling, checkpoints (architecture of lib/dynamics). */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { determinant } from '../cell.js';
import { StudyError, unknownKey } from '../errors.js';
import type { ForceField, Potential, SelOverflow } from '../potential/potential.js';
import type { Structure, Warning } from '../structure.js';
import { BOLTZMANN, quantity } from '../units.js';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import type { AdvanceOptions, CheckpointSections, Engine, Progress, Thermo } from './engine.js';
import type { Ensemble } from './ensembles.js';
import { failureError } from './failure-report.js';
import type { Frame } from './frame.js';
import type { Integrator } from './integrator.js';
import { kineticEnergy, momentum, removeMomentum, temperatureOf } from './kinetic.js';
import { closedError, Lifecycle, type Status } from './lifecycle.js';
import { seedFrom } from './random.js';
import { bufferedFrames } from './sampling.js';
import {
  checkPotential,
  identityOf,
  restoredEnsemble,
  type SavedSimulation,
  simulationFromSections,
  simulationSections,
} from './saved-state.js';
import { missingSeed, Stage } from './stage.js';
import type { SystemState } from './state.js';
import { type Fixed, frozenAtoms, makeSystem, type System, stopFrozen, structureOf, unwrapped } from './system.js';
import { measureThermo } from './thermo.js';
import { maxwellVelocities } from './velocities.js';
import { type Alarm, DEFAULT_LIMITS, type Moment, Watchdog, type WatchdogLimits } from './watchdog.js';

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

/** Below this a thread hop would cost more than it frees; results are the same either way. */
const SYNC_BELOW_MS = 1;
/** Longest time without a turn of the event loop while evaluations are synchronous. */
const YIELD_AFTER_MS = 5;
const PROGRESS_EVERY_MS = 100;
const DRIFT_CHECK_STEPS = 10_000;
const DRIFT_LIMIT = 1e-8;

export class Simulation implements Engine {
  private readonly potential: Potential;
  private readonly types: Int32Array;
  private readonly system: System;
  private readonly watchdog: Watchdog;
  private readonly lifecycle = new Lifecycle();
  private readonly seed: bigint | undefined;
  private readonly skin: number;
  private readonly options: Pick<SimulationOptions, 'threads' | 'selOverflow' | 'degreesOfFreedom'> & {
    readonly removeDrift: boolean;
  };
  private stage: Stage;
  private field: ForceField | null = null;
  /** Whether the stage has begun: list built, start state evaluated, baths set. */
  private started = false;
  private lastEvaluationMs = Number.POSITIVE_INFINITY;
  private driftEnergy = 0;
  private driftCount = 0;
  private readonly notes: Warning[];
  private broken: { readonly before: Moment; readonly after: Moment } | undefined;

  /** `saved` is for {@link Simulation.restore} alone. */
  constructor(options: SimulationOptions, saved?: SavedSimulation) {
    for (const name of Object.keys(options)) if (!OPTIONS.includes(name)) throw unknownKey(name, name, OPTIONS);
    const { potential, ensemble, threads, selOverflow, removeDrift = true } = options;
    this.potential = potential;
    this.options = { threads, selOverflow, degreesOfFreedom: options.degreesOfFreedom, removeDrift };
    this.skin = nonNegative(quantity(options.skin ?? 1, 'length', 'skin'), 'skin');
    this.seed = options.seed === undefined ? undefined : checkedSeed(options.seed);
    this.types = potential.typesOf(options.structure);
    this.system = saved?.system ?? makeSystem(options.structure, potential, options.fixed);
    this.notes = [...this.system.warnings];
    this.stage = this.makeStage(ensemble, options.timestep ?? 1, options.stageSteps);
    this.watchdog = new Watchdog(this.system.state, { ...DEFAULT_LIMITS, ...options.limits });
    if (!saved) this.setVelocities(this.firstVelocities(options.velocities));
  }

  /** Steps made in this stage. */
  get step(): number {
    return this.stage.step;
  }

  /** Steps made over all stages. */
  get globalStep(): number {
    return this.stage.globalStep;
  }

  /** fs since the start of the stage. */
  get time(): number {
    return this.stage.step * this.stage.timestep;
  }

  get status(): Status {
    return this.lifecycle.status;
  }

  /** The integrator of the stage, for its own quantities (bath variables, heat). */
  get integrator(): Integrator {
    return this.stage.integrator;
  }

  get degreesOfFreedom(): number {
    return this.stage.degreesOfFreedom;
  }

  /** How often a drift of the centre of mass was removed (dynamics.md 10.2). */
  get driftRemovals(): number {
    return this.driftCount;
  }

  /** Largest |sum of forces| so far, eV/A: rounding for an exact potential. */
  get largestForceSum(): number {
    return this.watchdog.largestForceSum;
  }

  /** Everything that the user should know, each once. */
  warnings(): readonly Warning[] {
    return [...this.notes, ...(this.field?.warnings() ?? [])];
  }

  /** Starts the stage where it has not begun: builds the list, evaluates the start state, sets the baths. */
  async prepare(): Promise<void> {
    await this.guarded('prepare', () => this.begin());
  }

  /** Runs for a time or a number of steps and returns the measured end state. */
  async run(options: RunOptions): Promise<Thermo> {
    const steps = this.stepsOf(options, 'run');
    await this.guarded('run', () => this.makeSteps({ ...options, steps }));
    return this.measure();
  }

  async advance(options: AdvanceOptions): Promise<number> {
    const steps = wholeSteps(options.steps, 'steps');
    return this.guarded('advance', () => this.makeSteps({ ...options, steps }));
  }

  /**
   * Frames every `every`, the start state among them where the stage begins with this call. With a buffer the simulation goes on
   * while the consumer works, so that it may be ahead when the loop is left.
   */
  sample(options: SampleOptions): AsyncIterableIterator<Frame> {
    this.lifecycle.require('sample');
    const steps = this.stepsOf(options, 'sample');
    const every = quantity(options.every, 'time', 'every') / this.stage.timestep;
    const stride = Math.round(every);
    if (!(stride >= 1) || Math.abs(every - stride) > 1e-6 * stride) {
      throw new StudyError('BAD_VALUE', `every: ${options.every} is not a whole number of steps of ${this.stage.timestep} fs`, {
        key: 'every',
      });
    }
    const buffer = options.buffer ?? 2;
    if (!Number.isInteger(buffer) || buffer < 0)
      throw new StudyError('BAD_VALUE', `buffer: ${buffer} is not a whole number from 0`, { key: 'buffer' });
    return buffer === 0
      ? this.sampleInTurn(steps, stride, options.signal)
      : this.sampleAhead(steps, stride, buffer, options.signal);
  }

  measure(): Thermo {
    this.lifecycle.require('measure');
    if (!this.started) {
      throw new StudyError('SIMULATION_NOT_STARTED', 'measure: the start state has not been evaluated yet', {
        hint: 'await prepare() or run() first',
      });
    }
    return measureThermo(this.stage, this.system.masses, this.kinetic(), this.conserved());
  }

  frame(): Frame {
    this.lifecycle.require('frame');
    return this.frameOf(this.system.state, this.stage.step, this.started ? this.system.state.potentialEnergy : undefined);
  }

  /** The frame before the step made last, or before the one that failed; null where none was made in this stage. */
  lastGoodFrame(): Frame | null {
    if (this.lifecycle.status !== 'failed') this.lifecycle.require('lastGoodFrame');
    const { before } = this.watchdog;
    return this.stage.step === 0 ? null : this.frameOf(before, before.step, before.potentialEnergy);
  }

  /** After a failure: the structure before and after the offending step (user's frame); null without one. */
  postMortem(): { readonly before: Structure; readonly after: Structure; readonly step: number } | null {
    if (this.lifecycle.status !== 'failed') this.lifecycle.require('postMortem');
    if (!this.broken) return null;
    const { before, after } = this.broken;
    return { before: structureOf(this.system, before), after: structureOf(this.system, after), step: after.step };
  }

  /** A copy of the arrays of the dynamics (restricted frame), also after a failure. */
  state(): SystemState {
    if (this.lifecycle.status !== 'failed') this.lifecycle.require('state');
    return structuredClone(this.system.state);
  }

  /** The structure as it is now, in the user's frame: positions, velocities, image counts, and forces where they are known. */
  structureNow(): Structure {
    this.lifecycle.require('structureNow');
    const { forces, ...state } = this.system.state;
    return structureOf(this.system, this.started ? { ...state, forces } : state);
  }

  /**
   * Begins a new stage (dynamics.md 12): baths and the step of the stage start anew, the list is built at its first step, atoms keep their
   * positions, velocities and images, the global step goes on.
   */
  setEnsemble(ensemble: Ensemble, change: StageChange = {}): void {
    this.lifecycle.require('setEnsemble');
    const known = ['timestep', 'stageSteps', 'velocities', 'fixed'];
    for (const name of Object.keys(change)) if (!known.includes(name)) throw unknownKey(name, name, known);
    const { state, structure } = this.system;
    const frozen = change.fixed === undefined ? state.frozen.slice() : frozenAtoms(structure, change.fixed ?? undefined);
    const previous = state.frozen.slice();
    state.frozen.set(frozen);
    try {
      const stage = this.makeStage(ensemble, change.timestep ?? this.stage.timestep, change.stageSteps);
      stage.globalStep = this.stage.globalStep;
      const drawn = change.velocities === undefined ? undefined : this.drawVelocities(change.velocities, stage);
      this.stage = stage;
      if (drawn) state.velocities.set(drawn);
    } catch (error) {
      state.frozen.set(previous);
      throw error;
    }
    stopFrozen(state);
    this.started = false;
    this.driftEnergy = 0;
    this.lifecycle.renew();
  }

  /** Everything needed to go on bit for bit; a study adds its own sections. */
  save(): CheckpointSections {
    this.lifecycle.require('save');
    const { stage, watchdog } = this;
    const { ensemble } = stage;
    return simulationSections({
      system: this.system,
      integrator: this.started ? stage.integrator.save() : {},
      reference: this.started ? (this.field?.reference() ?? null) : null,
      scalars: {
        step: stage.step,
        globalStep: stage.globalStep,
        timestep: stage.timestep,
        stageSteps: stage.hasLength ? stage.stageSteps : null,
        seed: this.seed === undefined ? null : String(this.seed),
        ensemble: 'integrator' in ensemble ? { custom: ensemble.integrator.name, temperature: ensemble.temperature } : ensemble,
        started: this.started,
        potential: identityOf(this.potential),
        skin: this.skin,
        selOverflow: this.options.selOverflow ?? null,
        limits: watchdog.limits,
        degreesOfFreedom: this.options.degreesOfFreedom ?? null,
        removeDrift: this.options.removeDrift,
        driftRemovals: this.driftCount,
        driftEnergy: this.driftEnergy,
        watchdog: watchdog.save(),
        warnings: this.notes,
      },
    });
  }

  /** Writes a checkpoint file (atomically; the one before becomes `.prev`). */
  async checkpoint(path: string): Promise<void> {
    await writeCheckpoint(path, this.save());
  }

  /** Goes on from saved sections as if nothing had happened: same bits, any number of threads. */
  static restore(sections: CheckpointSections, options: ResumeOptions): Simulation {
    const saved = simulationFromSections(sections);
    const { scalars, system } = saved;
    const warnings = checkPotential(scalars.potential, options.potential);
    const simulation = new Simulation(
      {
        structure: system.structure,
        potential: options.potential,
        ensemble: restoredEnsemble(scalars.ensemble, options.integrator),
        timestep: scalars.timestep,
        seed: scalars.seed === null ? undefined : BigInt(scalars.seed),
        skin: scalars.skin,
        threads: options.threads,
        selOverflow: scalars.selOverflow ?? undefined,
        limits: scalars.limits,
        stageSteps: scalars.stageSteps ?? undefined,
        degreesOfFreedom: scalars.degreesOfFreedom ?? undefined,
        removeDrift: scalars.removeDrift,
      },
      saved,
    );
    simulation.takeUp(saved, warnings);
    return simulation;
  }

  /** Reads a checkpoint file, or the one before it where it is damaged (a warning says so), and goes on. */
  static async resume(path: string, options: ResumeOptions): Promise<Simulation> {
    const { sections, warning } = await readCheckpoint(path);
    const simulation = Simulation.restore(sections, options);
    if (warning) simulation.notes.push({ code: 'CHECKPOINT_FALLBACK', message: warning });
    return simulation;
  }

  /** Frees the native side. A running call comes out with `SIMULATION_CLOSED`; closing twice is harmless. */
  async close(): Promise<void> {
    await this.lifecycle.close(() => this.field?.abort());
    this.field?.dispose();
    this.field = null;
  }

  private takeUp(saved: SavedSimulation, warnings: readonly Warning[]): void {
    const { scalars, integrator, reference } = saved;
    this.stage.step = scalars.step;
    this.stage.globalStep = scalars.globalStep;
    this.driftCount = scalars.driftRemovals;
    this.driftEnergy = scalars.driftEnergy;
    this.notes.push(...scalars.warnings, ...warnings);
    this.watchdog.load(scalars.watchdog);
    if (!scalars.started) return;
    this.field = this.bind();
    if (reference) this.field.restore(reference);
    this.stage.integrator.load(integrator);
    this.started = true;
    this.lifecycle.enter('restore');
    this.lifecycle.leave('ready');
  }

  /** Runs `work` as the one thing that happens; failures of the work end the simulation, aborts do not. */
  private async guarded<T>(method: string, work: () => Promise<T>): Promise<T> {
    this.lifecycle.enter(method);
    try {
      const result = await work();
      this.lifecycle.leave('ready');
      return result;
    } catch (error) {
      // A step that failed has already marked the simulation; anything else came between steps and left it whole.
      this.lifecycle.leave('aborted');
      throw error;
    }
  }

  private async begin(): Promise<void> {
    if (this.started) return;
    this.watchdog.remember(0);
    this.field?.dispose();
    this.field = this.bind();
    try {
      await this.evaluate();
    } catch (error) {
      throw this.failed(error);
    }
    const alarm = this.watchdog.inspectAtoms(this.stage.timestep);
    this.watchdog.begin(0);
    if (alarm) throw this.failed(this.alarmError(alarm));
    this.stage.integrator.begin(this.stage);
    this.started = true;
    this.watchdog.begin(this.conserved());
  }

  private async makeSteps(options: AdvanceOptions & { readonly stopped?: () => boolean }): Promise<number> {
    const { steps, signal, deadline, onProgress, stopped } = options;
    signal?.throwIfAborted();
    this.requireRampLength(steps);
    await this.begin();
    const start = performance.now();
    let lastTurn = start;
    let lastReport = start;
    let made = 0;
    const report = (now: number) => {
      const perMs = made / Math.max(1e-9, now - start);
      const secondsLeft = made > 0 ? (steps - made) / perMs / 1000 : Number.POSITIVE_INFINITY;
      onProgress?.({ step: made, steps, fraction: steps > 0 ? made / steps : 1, stepsPerSecond: perMs * 1000, secondsLeft });
      lastReport = now;
    };
    while (made < steps) {
      signal?.throwIfAborted();
      if (stopped?.() || (deadline !== undefined && Date.now() >= deadline)) break;
      if (this.lifecycle.closing) throw closedError('run');
      await this.makeStep();
      made++;
      const now = performance.now();
      if (onProgress && now - lastReport >= PROGRESS_EVERY_MS && made < steps) report(now);
      if (now - lastTurn >= YIELD_AFTER_MS) {
        await nextTurn();
        lastTurn = performance.now();
      }
    }
    if (onProgress) report(performance.now());
    return made;
  }

  private async makeStep(): Promise<void> {
    const { stage, watchdog } = this;
    watchdog.remember(stage.step);
    const evaluations = stage.evaluations;
    stage.step++;
    stage.globalStep++;
    try {
      await stage.integrator.step(stage);
      if (stage.evaluations !== evaluations + 1) {
        const times = stage.evaluations - evaluations;
        throw new StudyError(
          'INTEGRATOR_EVALUATIONS',
          `the integrator ${stage.integrator.name} called computeForces ${times} times in a step, expected once`,
        );
      }
    } catch (cause) {
      if (this.lifecycle.closing) throw closedError('run');
      // A potential may give up on atoms that have run away: then say where they went.
      const alarm = watchdog.inspectAtoms(stage.timestep);
      throw this.failed(alarm ? this.alarmError(alarm, cause) : cause);
    }
    this.removeDrift();
    const kinetic = this.kinetic();
    const conserved = this.conserved();
    const alarm = watchdog.check({
      step: stage.step,
      timestep: stage.timestep,
      temperature: temperatureOf(kinetic, stage.degreesOfFreedom),
      target: stage.range && stage.temperature(stage.step),
      kinetic,
      conserved,
      rebuilt: this.field!.rebuilt,
      skin: this.skin,
    });
    if (alarm) throw this.failed(this.alarmError(alarm));
    const message = watchdog.driftWarning(conserved);
    if (message) this.notes.push({ code: 'CONSERVATION', message: `step ${stage.step}: ${message}` });
  }

  private evaluate(): Promise<void> | void {
    const field = this.field!;
    const start = performance.now();
    const done = () => {
      this.system.state.potentialEnergy = field.energy;
      this.lastEvaluationMs = performance.now() - start;
    };
    if (this.lastEvaluationMs >= SYNC_BELOW_MS) return field.compute().then(done);
    field.computeSync();
    done();
  }

  private bind(): ForceField {
    const { positions, images, cell, forces, atomEnergies, virial, pbc } = this.system.state;
    const arrays = { positions, images: pbc.some(Boolean) ? images : null, cell, forces, atomEnergies, virial };
    const { threads, selOverflow } = this.options;
    return this.potential.bind(this.types, pbc, arrays, { skin: this.skin, threads, selOverflow });
  }

  private makeStage(ensemble: Ensemble, timestep: number | string, stageSteps: number | undefined): Stage {
    const dt = quantity(timestep, 'time', 'timestep');
    if (!(dt > 0)) throw new StudyError('BAD_VALUE', `timestep: ${timestep} must be above zero`, { key: 'timestep' });
    const steps = stageSteps === undefined ? undefined : wholeSteps(stageSteps, 'stageSteps');
    const { degreesOfFreedom } = this.options;
    const options = { ensemble, timestep: dt, stageSteps: steps, seed: this.seed, degreesOfFreedom };
    return new Stage(this.system.state, options, () => this.evaluate());
  }

  private requireRampLength(steps: number): void {
    if (!this.stage.isRamp || this.stage.hasLength || steps === 0) return;
    this.stage.setLength(steps);
  }

  private kinetic(): number {
    return kineticEnergy(this.system.state.masses, this.system.state.velocities);
  }

  private conserved(): number {
    return this.stage.conserved() + this.driftEnergy;
  }

  private removeDrift(): void {
    const { stage } = this;
    const { state } = this.system;
    if (!this.options.removeDrift || stage.step % DRIFT_CHECK_STEPS !== 0) return;
    if (!stage.integrator.conservesMomentum || state.frozen.includes(1)) return;
    const { total, mass } = momentum(state.masses, state.velocities);
    const before = this.kinetic();
    const kT = BOLTZMANN * (temperatureOf(before, stage.degreesOfFreedom) ?? 0);
    if (!(Math.hypot(...total) > DRIFT_LIMIT * Math.sqrt(mass * kT))) return;
    removeMomentum(state.masses, state.velocities);
    this.driftEnergy += before - this.kinetic();
    this.driftCount++;
  }

  private firstVelocities(asked: Velocities | undefined): Float64Array {
    const { stage } = this;
    if (asked === undefined && !stage.range) {
      throw new StudyError('VELOCITIES_MISSING', 'velocities: missing, and the ensemble has no temperature to draw them at', {
        key: 'velocities',
        hint: "say velocities: 'file', 'zero' or { temperature: '300 K' }",
      });
    }
    if (asked !== 'file') return this.drawVelocities(asked ?? 'maxwell', stage);
    if (!this.system.structure.velocities) {
      throw new StudyError('VELOCITIES_MISSING', "velocities: 'file' was asked for, but the structure has none", {
        key: 'velocities',
      });
    }
    return this.system.state.velocities;
  }

  private drawVelocities(asked: Exclude<Velocities, 'file'>, stage: Stage): Float64Array {
    const { state } = this.system;
    if (asked === 'zero') return new Float64Array(3 * state.natoms);
    if (asked !== 'maxwell' && (typeof asked !== 'object' || asked === null)) {
      throw new StudyError(
        'BAD_VALUE',
        `velocities: ${JSON.stringify(asked)} is not one of maxwell, file, zero, { temperature }`,
        { key: 'velocities' },
      );
    }
    const { temperature, ...rest } = asked === 'maxwell' ? { temperature: stage.range?.[0] } : asked;
    if (temperature === undefined) {
      throw new StudyError('VELOCITIES_MISSING', "velocities: 'maxwell' needs a temperature, and the ensemble has none", {
        key: 'velocities',
      });
    }
    const kelvin = nonNegative(quantity(temperature, 'temperature', 'velocities.temperature'), 'velocities.temperature');
    if (this.seed === undefined) throw missingSeed('start velocities are drawn');
    return maxwellVelocities(state.masses, state.frozen, {
      ...rest,
      temperature: kelvin,
      seed: this.seed,
      step: stage.globalStep,
    });
  }

  private setVelocities(velocities: Float64Array): void {
    this.system.state.velocities.set(velocities);
    stopFrozen(this.system.state);
  }

  private stepsOf(duration: Duration, method: string): number {
    if ((duration.time === undefined) === (duration.steps === undefined)) {
      throw new StudyError('BAD_VALUE', `${method}: expected one of time, steps`, { key: method });
    }
    if (duration.steps !== undefined) return wholeSteps(duration.steps, 'steps');
    return Math.round(nonNegative(quantity(duration.time, 'time', 'time'), 'time') / this.stage.timestep);
  }

  private async *sampleInTurn(steps: number, stride: number, signal?: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    if (this.step === 0) {
      await this.guarded('sample', () => this.makeSteps({ steps: 0, signal }));
      yield this.frame();
    }
    this.requireRampLength(steps);
    for (let left = steps; left > 0; left -= stride) {
      await this.guarded('sample', () => this.makeSteps({ steps: Math.min(stride, left), signal }));
      if (left >= stride) yield this.frame();
    }
  }

  private async *sampleAhead(
    steps: number,
    stride: number,
    buffer: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Frame, void, undefined> {
    this.lifecycle.enter('sample');
    this.requireRampLength(steps);
    let left = steps;
    let first = this.step === 0;
    const next = async (stopped: () => boolean): Promise<Frame | undefined> => {
      const count = first ? 0 : Math.min(stride, left);
      if (!first && count === 0) return undefined;
      const made = await this.makeSteps({ steps: count, signal, stopped });
      if (made < count) return undefined;
      left -= count;
      const whole = first || count === stride;
      first = false;
      return whole ? this.frameOf(this.system.state, this.step, this.system.state.potentialEnergy) : undefined;
    };
    try {
      yield* bufferedFrames({ next }, buffer);
    } catch (error) {
      this.lifecycle.leave('aborted');
      throw error;
    } finally {
      this.lifecycle.leave('ready');
    }
  }

  private frameOf(
    at: Pick<SystemState, 'positions' | 'images' | 'velocities'>,
    step: number,
    potentialEnergy: number | undefined,
  ): Frame {
    const { structure, state, masses } = this.system;
    return {
      step,
      time: step * this.stage.timestep,
      species: structure.species,
      masses,
      positions: unwrapped({ ...at, cell: state.cell }),
      cell: structure.cell ? state.cell.slice() : null,
      pbc: state.pbc,
      velocities: at.velocities.slice(),
      potentialEnergy,
      volume: structure.cell ? determinant(state.cell) : undefined,
    };
  }

  private alarmError(alarm: Alarm, cause?: unknown): Error {
    const { stage, system, watchdog } = this;
    const { name, precision, isa } = identityOf(this.potential);
    const settings = {
      timestep_fs: stage.timestep,
      integrator: stage.integrator.name,
      ensemble: 'integrator' in stage.ensemble ? stage.integrator.name : stage.ensemble,
      potential: name,
      precision,
      isa,
      skin_A: this.skin,
    };
    const kinetic = this.kinetic();
    return failureError({ alarm, system, stage, before: watchdog.before, rows: [...watchdog.rows], kinetic, settings, cause });
  }

  /** Marks the simulation as failed and keeps what a post-mortem needs. */
  private failed(error: unknown): unknown {
    const { before } = this.watchdog;
    const { positions, velocities, images, potentialEnergy } = this.system.state;
    this.broken = {
      before: structuredClone(before),
      after: structuredClone({ step: this.stage.step, positions, velocities, images, potentialEnergy }),
    };
    this.lifecycle.fail(error);
    return error;
  }
}

function checkedSeed(value: number | bigint): bigint {
  const seed = seedFrom(value);
  if (seed !== undefined) return seed;
  throw new StudyError('BAD_VALUE', `seed: ${value} is not a whole number from 0 to 2^64 - 1 (a bigint above 2^53)`, {
    key: 'seed',
  });
}

function wholeSteps(value: number, key: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new StudyError('BAD_VALUE', `${key}: ${value} is not a whole number of steps`, { key });
}

function nonNegative(value: number, key: string): number {
  if (value >= 0) return value;
  throw new StudyError('BAD_VALUE', `${key}: ${value} must not be negative`, { key });
}
