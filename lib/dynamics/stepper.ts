/** Makes the steps of a stage: forces, watchdog, drift rule, turns of the event loop; what the public class wraps. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StudyError } from '../errors.js';
import { dynamicsOverflow, type ForceField, type Potential, type SelOverflow } from '../potential/potential.js';
import type { Warning } from '../structure.js';
import { BOLTZMANN } from '../units.js';
import type { AdvanceOptions } from './engine.js';
import { failureError } from './failure-report.js';
import { kineticEnergy, momentum, removeMomentum, temperatureOf } from './kinetic.js';
import { closedError, type Lifecycle } from './lifecycle.js';
import { identityOf } from './saved-state.js';
import type { Stage } from './stage.js';
import type { System } from './system.js';
import type { Alarm, Moment, Watchdog } from './watchdog.js';

/** Below this a thread hop would cost more than it frees; results are the same either way. */
const SYNC_BELOW_MS = 1;
/** Longest time without a turn of the event loop while evaluations are synchronous. */
const YIELD_AFTER_MS = 5;
const PROGRESS_EVERY_MS = 100;
const DRIFT_CHECK_STEPS = 10_000;
const DRIFT_LIMIT = 1e-8;

export interface StepOptions extends AdvanceOptions {
  /** Ends at the next step boundary once it gives true. */
  readonly stopped?: () => boolean;
  /** Reports the last step too, however short the call. */
  readonly reportEnd?: boolean;
}

export interface StepperSettings {
  /** A. */
  readonly skin: number;
  readonly threads: number | undefined;
  readonly selOverflow: SelOverflow | undefined;
  readonly removeDrift: boolean;
}

export class Stepper {
  field: ForceField | null = null;
  /** Whether the stage has begun: list built, start state evaluated, baths set. */
  started = false;
  /** Energy (eV) taken out of the stage by drift removals, and their number in all stages. */
  driftEnergy = 0;
  driftCount = 0;
  /** The states around a step that failed. */
  broken: { readonly before: Moment; readonly after: Moment } | undefined;
  /** Whether the next evaluation is of all members of a committee. */
  private members = true;
  private lastEvaluationMs = Number.POSITIVE_INFINITY;
  private lastReport = 0;
  private current: Promise<unknown> = Promise.resolve();
  private readonly types: Int32Array;
  /** Whether the potential is several models, of which the first drives. */
  readonly committee: boolean;

  constructor(
    readonly system: System,
    readonly potential: Potential,
    public stage: Stage,
    readonly watchdog: Watchdog,
    readonly settings: StepperSettings,
    private readonly lifecycle: Lifecycle,
    private readonly notes: Warning[],
  ) {
    this.types = potential.typesOf(system.structure);
    this.committee = potential.info().members !== undefined;
  }

  /** Another stage: nothing of its start state is known. */
  renew(stage: Stage): void {
    this.stage = stage;
    this.started = false;
    this.driftEnergy = 0;
  }

  /** Starts the stage: list, start state, baths. */
  private async begin(): Promise<void> {
    if (this.started) return;
    this.watchdog.remember(0);
    this.field?.dispose();
    this.field = this.bind();
    this.members = true;
    try {
      await this.evaluate();
    } catch (error) {
      if (this.lifecycle.closing) throw closedError('prepare');
      throw this.failed(error);
    }
    const alarm = this.watchdog.inspectAtoms(this.stage.timestep);
    this.watchdog.begin(0);
    if (alarm) throw this.failed(this.alarmError(alarm));
    this.stage.integrator.begin(this.stage);
    this.started = true;
    this.watchdog.begin(this.conserved());
  }

  /** Makes up to `steps` steps; aborts and errors of the caller come between steps and leave the state whole. */
  makeSteps(options: StepOptions): Promise<number> {
    const steps = this.stepOn(options);
    this.current = steps.catch(() => undefined);
    return steps;
  }

  /** Resolves when no step is being made. */
  async atRest(): Promise<void> {
    await this.current;
  }

  private async stepOn(options: StepOptions): Promise<number> {
    const { steps, signal, deadline, onProgress, stopped, reportEnd, members = true } = options;
    signal?.throwIfAborted();
    this.requireRampLength(steps);
    await this.begin();
    const start = performance.now();
    let lastTurn = start;
    let made = 0;
    const report = (now: number) => {
      const perMs = made / Math.max(1e-9, now - start);
      const secondsLeft = made > 0 ? (steps - made) / perMs / 1000 : Number.POSITIVE_INFINITY;
      onProgress?.({ step: made, steps, fraction: steps > 0 ? made / steps : 1, stepsPerSecond: perMs * 1000, secondsLeft });
      this.lastReport = now;
    };
    while (made < steps) {
      signal?.throwIfAborted();
      if (stopped?.() || (deadline !== undefined && Date.now() >= deadline)) break;
      if (this.lifecycle.closing) throw closedError('run');
      this.members = members && made + 1 === steps;
      await this.makeStep();
      made++;
      const now = performance.now();
      if (onProgress && now - this.lastReport >= PROGRESS_EVERY_MS && made < steps) report(now);
      if (now - lastTurn >= YIELD_AFTER_MS) {
        await nextTurn();
        lastTurn = performance.now();
      }
    }
    if (onProgress && reportEnd) report(performance.now());
    return made;
  }

  /** A ramp without a length lasts as long as its first run. */
  requireRampLength(steps: number): void {
    if (!this.stage.isRamp || this.stage.hasLength || steps === 0) return;
    this.stage.setLength(steps);
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
      skin: this.settings.skin,
    });
    if (alarm) throw this.failed(this.alarmError(alarm));
    const message = watchdog.driftWarning(conserved);
    if (message) this.notes.push({ code: 'CONSERVATION', message: `step ${stage.step}: ${message}` });
  }

  /** Forces, virial and energy at the present positions, into the state. */
  evaluate(): Promise<void> | void {
    const field = this.field!;
    const start = performance.now();
    const done = () => {
      this.system.state.potentialEnergy = field.energy;
      this.lastEvaluationMs = performance.now() - start;
    };
    if (this.lastEvaluationMs >= SYNC_BELOW_MS) return field.compute(this.members).then(done);
    field.computeSync(this.members);
    done();
  }

  bind(): ForceField {
    const { positions, images, cell, forces, atomEnergies, virial, pbc } = this.system.state;
    const arrays = { positions, images: pbc.some(Boolean) ? images : null, cell, forces, atomEnergies, virial };
    const { skin, threads, selOverflow } = this.settings;
    const rule = selOverflow ?? dynamicsOverflow(this.potential);
    return this.potential.bind(this.types, pbc, arrays, { skin, threads, selOverflow: rule });
  }

  kinetic(): number {
    return kineticEnergy(this.system.state.masses, this.system.state.velocities);
  }

  /** Of the stage, with the energy that drift removal took put back. */
  conserved(): number {
    return this.stage.conserved() + this.driftEnergy;
  }

  private removeDrift(): void {
    const { stage } = this;
    const { state } = this.system;
    if (!this.settings.removeDrift || stage.step % DRIFT_CHECK_STEPS !== 0) return;
    if (!stage.integrator.conservesMomentum || state.frozen.includes(1)) return;
    const { total, mass } = momentum(state.masses, state.velocities);
    const before = this.kinetic();
    const kT = BOLTZMANN * (temperatureOf(before, stage.degreesOfFreedom) ?? 0);
    if (!(Math.hypot(...total) > DRIFT_LIMIT * Math.sqrt(mass * kT))) return;
    removeMomentum(state.masses, state.velocities);
    this.driftEnergy += before - this.kinetic();
    this.driftCount++;
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
      skin_A: this.settings.skin,
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
