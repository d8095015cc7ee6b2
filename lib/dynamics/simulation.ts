/** Molecular dynamics of one structure under one potential: stages, steps, sampling, checkpoints (architecture of lib/dynamics). */
import { determinant } from '../cell.js';
import { StudyError, unknownKey } from '../errors.js';
import type { Structure, Warning } from '../structure.js';
import { quantity } from '../units.js';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import type { AdvanceOptions, CheckpointSections, Engine, Thermo } from './engine.js';
import type { Ensemble } from './ensembles.js';
import type { Frame } from './frame.js';
import type { Integrator } from './integrator.js';
import { Lifecycle, type Status } from './lifecycle.js';
import { bufferedFrames } from './sampling.js';
import {
  checkPotential,
  identityOf,
  restoredEnsemble,
  type SavedSimulation,
  simulationFromSections,
  simulationSections,
} from './saved-state.js';
import {
  checkedSeed,
  checkOptions,
  nonNegative,
  type ResumeOptions,
  type RunOptions,
  type SampleOptions,
  type SimulationOptions,
  type StageChange,
  stepsOf,
  wholeSteps,
} from './simulation-options.js';
import { Stage } from './stage.js';
import type { SystemState } from './state.js';
import { Stepper } from './stepper.js';
import { frozenAtoms, makeSystem, type System, stopFrozen, structureOf, unwrapped } from './system.js';
import { measureThermo } from './thermo.js';
import { velocitiesFor } from './velocities.js';
import { DEFAULT_LIMITS, Watchdog } from './watchdog.js';

export type * from './simulation-options.js';

export class Simulation implements Engine {
  private readonly system: System;
  private readonly stepper: Stepper;
  private readonly lifecycle = new Lifecycle();
  private readonly notes: Warning[];
  private readonly seed: bigint | undefined;
  private readonly givenFreedom: number | undefined;

  /** `saved` is for {@link Simulation.restore} alone. */
  constructor(options: SimulationOptions, saved?: SavedSimulation) {
    checkOptions(options);
    const { structure, threads, selOverflow, removeDrift = true } = options;
    const potential = options.potential.forDynamics?.() ?? options.potential;
    this.seed = options.seed === undefined ? undefined : checkedSeed(options.seed);
    this.givenFreedom = options.degreesOfFreedom;
    this.system = saved?.system ?? makeSystem(structure, potential, options.fixed);
    this.notes = [...this.system.warnings];
    const { state } = this.system;
    const stage = this.makeStage(options.ensemble, options.timestep ?? 1, options.stageSteps);
    const skin = nonNegative(quantity(options.skin ?? 1, 'length', 'skin'), 'skin');
    const watchdog = new Watchdog(state, { ...DEFAULT_LIMITS, ...options.limits });
    const settings = { skin, threads, selOverflow, removeDrift };
    this.stepper = new Stepper(this.system, potential, stage, watchdog, settings, this.lifecycle, this.notes);
    if (saved) return;
    const velocities = velocitiesFor(options.velocities, stage, this.seed, state, structure.velocities !== undefined);
    if (velocities) state.velocities.set(velocities);
    stopFrozen(state);
  }

  /** Steps made in this stage. */
  get step(): number {
    return this.stepper.stage.step;
  }

  /** Steps made over all stages. */
  get globalStep(): number {
    return this.stepper.stage.globalStep;
  }

  /** fs since the start of the stage. */
  get time(): number {
    return this.stepper.stage.step * this.stepper.stage.timestep;
  }

  get status(): Status {
    return this.lifecycle.status;
  }

  /** The integrator of the stage, for its own quantities (bath variables, heat). */
  get integrator(): Integrator {
    return this.stepper.stage.integrator;
  }

  get degreesOfFreedom(): number {
    return this.stepper.stage.degreesOfFreedom;
  }

  /** How often a drift of the centre of mass was removed (dynamics.md 10.2). */
  get driftRemovals(): number {
    return this.stepper.driftCount;
  }

  /** Largest |sum of forces| so far, eV/A: rounding for an exact potential. */
  get largestForceSum(): number {
    return this.stepper.watchdog.largestForceSum;
  }

  /** Everything that the user should know, each once. */
  warnings(): readonly Warning[] {
    return [...this.notes, ...(this.stepper.field?.warnings() ?? [])];
  }

  /** Starts the stage where it has not begun: builds the list, evaluates the start state, sets the baths. */
  async prepare(): Promise<void> {
    await this.guarded('prepare', () => this.stepper.makeSteps({ steps: 0 }));
  }

  /** Runs for a time or a number of steps and returns the measured end state. */
  async run(options: RunOptions): Promise<Thermo> {
    const steps = stepsOf(options, this.stepper.stage.timestep, 'run');
    await this.guarded('run', () => this.stepper.makeSteps({ ...options, steps, reportEnd: true }));
    return this.measure();
  }

  async advance(options: AdvanceOptions): Promise<number> {
    const steps = wholeSteps(options.steps, 'steps');
    return this.guarded('advance', () => this.stepper.makeSteps({ ...options, steps }));
  }

  /**
   * Frames every `every`, the start state among them where the stage begins with this call. With a buffer the simulation goes on
   * while the consumer works, so that it may be ahead when the loop is left.
   */
  sample(options: SampleOptions): AsyncIterableIterator<Frame> {
    this.lifecycle.require('sample');
    const steps = stepsOf(options, this.stepper.stage.timestep, 'sample');
    const every = quantity(options.every, 'time', 'every') / this.stepper.stage.timestep;
    const stride = Math.round(every);
    if (!(stride >= 1) || Math.abs(every - stride) > 1e-6 * stride) {
      throw new StudyError(
        'BAD_VALUE',
        `every: ${options.every} is not a whole number of steps of ${this.stepper.stage.timestep} fs`,
        {
          key: 'every',
        },
      );
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
    if (!this.stepper.started) {
      throw new StudyError('SIMULATION_NOT_STARTED', 'measure: the start state has not been evaluated yet', {
        hint: 'await prepare() or run() first',
      });
    }
    const { stage, committee, field } = this.stepper;
    return measureThermo(stage, this.system.masses, {
      kinetic: this.stepper.kinetic(),
      conserved: this.stepper.conserved(),
      deviation: committee ? (field?.deviation?.() ?? null) : undefined,
    });
  }

  frame(): Frame {
    this.lifecycle.require('frame');
    return this.frameOf(
      this.system.state,
      this.stepper.stage.step,
      this.stepper.started ? this.system.state.potentialEnergy : undefined,
    );
  }

  /** The frame before the step made last, or before the one that failed; null where none was made in this stage. */
  lastGoodFrame(): Frame | null {
    if (this.lifecycle.status !== 'failed') this.lifecycle.require('lastGoodFrame');
    const { before } = this.stepper.watchdog;
    return this.stepper.stage.step === 0 ? null : this.frameOf(before, before.step, before.potentialEnergy);
  }

  /** After a failure: the structure before and after the offending step (user's frame); null without one. */
  postMortem(): { readonly before: Structure; readonly after: Structure; readonly step: number } | null {
    if (this.lifecycle.status !== 'failed') this.lifecycle.require('postMortem');
    if (!this.stepper.broken) return null;
    const { before, after } = this.stepper.broken;
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
    return structureOf(this.system, this.stepper.started ? { ...state, forces } : state);
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
      const stage = this.makeStage(ensemble, change.timestep ?? this.stepper.stage.timestep, change.stageSteps);
      stage.globalStep = this.stepper.stage.globalStep;
      const asked = change.velocities;
      const drawn = asked === undefined ? undefined : velocitiesFor(asked, stage, this.seed, state, false);
      this.stepper.renew(stage);
      if (drawn) state.velocities.set(drawn);
    } catch (error) {
      state.frozen.set(previous);
      throw error;
    }
    stopFrozen(state);
    this.lifecycle.renew();
  }

  /** Everything needed to go on bit for bit; a study adds its own sections. */
  save(): CheckpointSections {
    this.lifecycle.require('save');
    const { stage, watchdog, settings, field, started } = this.stepper;
    const { ensemble } = stage;
    return simulationSections({
      system: this.system,
      integrator: started ? stage.integrator.save() : {},
      reference: started ? (field?.reference() ?? null) : null,
      scalars: {
        step: stage.step,
        globalStep: stage.globalStep,
        timestep: stage.timestep,
        stageSteps: stage.hasLength ? stage.stageSteps : null,
        seed: this.seed === undefined ? null : String(this.seed),
        ensemble: 'integrator' in ensemble ? { custom: ensemble.integrator.name, temperature: ensemble.temperature } : ensemble,
        started,
        potential: identityOf(this.stepper.potential),
        skin: settings.skin,
        selOverflow: settings.selOverflow ?? null,
        limits: watchdog.limits,
        degreesOfFreedom: this.givenFreedom ?? null,
        removeDrift: settings.removeDrift,
        driftRemovals: this.stepper.driftCount,
        driftEnergy: this.stepper.driftEnergy,
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
    const warnings = checkPotential(scalars.potential, options.potential.forDynamics?.() ?? options.potential);
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
    this.lifecycle.close();
    if (this.stepper.field) this.stepper.field.abort();
    await this.stepper.atRest();
    this.stepper.field?.dispose();
    this.stepper.field = null;
  }

  private takeUp(saved: SavedSimulation, warnings: readonly Warning[]): void {
    const { scalars, integrator, reference } = saved;
    this.stepper.stage.step = scalars.step;
    this.stepper.stage.globalStep = scalars.globalStep;
    this.stepper.driftCount = scalars.driftRemovals;
    this.stepper.driftEnergy = scalars.driftEnergy;
    this.notes.push(...scalars.warnings, ...warnings);
    this.stepper.watchdog.load(scalars.watchdog);
    if (!scalars.started) return;
    this.stepper.field = this.stepper.bind();
    if (reference) this.stepper.field.restore(reference);
    this.stepper.stage.integrator.load(integrator);
    this.stepper.started = true;
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

  private makeStage(ensemble: Ensemble, timestep: number | string, stageSteps: number | undefined): Stage {
    const dt = quantity(timestep, 'time', 'timestep');
    if (!(dt > 0)) throw new StudyError('BAD_VALUE', `timestep: ${timestep} must be above zero`, { key: 'timestep' });
    const steps = stageSteps === undefined ? undefined : wholeSteps(stageSteps, 'stageSteps');
    const options = { ensemble, timestep: dt, stageSteps: steps, seed: this.seed, degreesOfFreedom: this.givenFreedom };
    return new Stage(this.system.state, options, () => this.stepper.evaluate());
  }

  private async *sampleInTurn(steps: number, stride: number, signal?: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    if (this.step === 0) {
      await this.guarded('sample', () => this.stepper.makeSteps({ steps: 0, signal }));
      yield this.frame();
    }
    this.stepper.requireRampLength(steps);
    for (let left = steps; left > 0; left -= stride) {
      await this.guarded('sample', () => this.stepper.makeSteps({ steps: Math.min(stride, left), signal }));
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
    this.stepper.requireRampLength(steps);
    let left = steps;
    let first = this.step === 0;
    const next = async (stopped: () => boolean): Promise<Frame | undefined> => {
      const count = first ? 0 : Math.min(stride, left);
      if (!first && count === 0) return undefined;
      const made = await this.stepper.makeSteps({ steps: count, signal, stopped });
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
      time: step * this.stepper.stage.timestep,
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
}
