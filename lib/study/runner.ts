/**
 * Runs the stages of a plan in a run directory. A run that is killed at any instant and goes on writes the bytes of one that was never
 * killed: every file is cut back to the lengths of the checkpoint, and nothing is computed anew that the first run did not compute.
 */
import { mkdir, rm } from 'node:fs/promises';
import { readCheckpoint, writeCheckpoint } from '../dynamics/checkpoint.js';
import type { CheckpointSections, Thermo } from '../dynamics/engine.js';
import type { Simulation } from '../dynamics/simulation.js';
import { StudyError } from '../errors.js';
import { formatExtxyz, parseExtxyz } from '../io/extxyz.js';
import type { Potential } from '../potential/potential.js';
import type { StagePlan, StudyPlan } from './plan.js';
import { enterStage, simulationFrom } from './prepare.js';
import { ProgressClock, type RunProgress } from './progress.js';
import type { RunDirectory } from './run-directory.js';
import { runError } from './run-error.js';
import { END, StageFiles, type StageLengths, TRAJECTORY } from './stage-files.js';
import { type StoppedStage, skippedSentence, skippedStages, stoppedKeys, stoppedSentence } from './stopped-stages.js';

/** Where a checkpoint stands: in a stage, or at its start with the simulation at the end of the stage before. */
export interface RunPosition {
  readonly stage: number;
  readonly begun: boolean;
  readonly lengths: StageLengths;
  /** Stages that the deviation of the models has ended so far, the present one among them from its last row on. */
  readonly stopped?: readonly StoppedStage[];
}

export interface StudySection {
  readonly format: 1;
  readonly plan: StudyPlan;
  readonly position: RunPosition;
}

export const NOT_BEGUN: StageLengths = { thermoBytes: 0, frames: 0 };

/** The sections of a checkpoint of a study. */
export function studySections(plan: StudyPlan, position: RunPosition, simulation: Simulation): CheckpointSections {
  const section: StudySection = { format: 1, plan, position };
  return { study: section, ...simulation.save() };
}

export interface StoredRun {
  readonly section: StudySection;
  readonly sections: CheckpointSections;
  readonly warning?: string;
}

/** The checkpoint of a run directory, or the one before it where it is damaged. */
export async function readStoredRun(directory: RunDirectory): Promise<StoredRun> {
  const { sections, warning } = await readCheckpoint(directory.checkpoint);
  const section = sections.study as StudySection | undefined;
  if (section?.format !== 1) {
    throw new StudyError('RUN_DAMAGED', `${directory.checkpoint}: this checkpoint belongs to no study`, {
      file: directory.checkpoint,
      hint: 'it was written by a script: go on with Simulation.resume',
    });
  }
  return { section, sections, warning };
}

export interface RunnerOptions {
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RunProgress) => void;
}

const STATUS_INTERVAL = 1000;

export class StudyRunner {
  private readonly clock: ProgressClock;
  private files: StageFiles | null = null;
  private position: RunPosition;
  private lastStatus = 0;
  private deadline = 0;
  /** Step of the stage whose row and frame are written. */
  private sampled = -1;

  constructor(
    private readonly directory: RunDirectory,
    private readonly plan: StudyPlan,
    private readonly potential: Potential,
    private simulation: Simulation,
    position: RunPosition,
    private readonly options: RunnerOptions,
  ) {
    this.position = position;
    this.clock = new ProgressClock(plan, this.globalStep);
  }

  /** Steps of the study that are done, by the order of the list. */
  private get globalStep(): number {
    const { stage, begun } = this.position;
    const next = this.plan.stages[stage];
    if (!next) return this.plan.stages.reduce((sum, one) => sum + one.steps, 0);
    return next.firstStep + (begun ? this.simulation.step : 0);
  }

  get resumedFrom(): number {
    return this.clock.resumedFrom;
  }

  get stoppedStages(): readonly StoppedStage[] {
    return this.position.stopped ?? [];
  }

  /** Warnings of the dynamics so far. */
  warnings(): string[] {
    const { status } = this.simulation;
    const own = status === 'closed' || status === 'failed' ? [] : this.simulation.warnings().map((warning) => warning.message);
    const stopped = this.stoppedStages;
    return [...own, ...stopped.map(stoppedSentence), ...skippedStages(this.plan, stopped).map(skippedSentence)];
  }

  /** Runs all stages that are left. */
  async run(): Promise<void> {
    try {
      this.renewDeadline();
      while (this.position.stage < this.plan.stages.length) {
        const stage = this.plan.stages[this.position.stage]!;
        if (skippedStages(this.plan, this.stoppedStages).includes(stage.name)) await this.skip(stage);
        else await this.runStage(stage);
      }
    } catch (error) {
      throw await this.stopped(error);
    } finally {
      await this.files?.close().catch(() => undefined);
      this.files = null;
    }
  }

  writeStatus(state: 'running' | 'done' | 'failed' | 'interrupted', error: unknown = null): void {
    const status = this.clock.status(state, this.position.stage, error);
    this.directory.writeStatus({ ...status, ...stoppedKeys(this.plan, this.stoppedStages) });
  }

  async close(): Promise<void> {
    await this.simulation.close();
  }

  private async runStage(stage: StagePlan): Promise<void> {
    if (this.position.begun) await this.takeUp(stage);
    else await this.begin(stage);
    const { simulation } = this;
    const { signal } = this.options;
    while (simulation.step < stage.steps && !this.isStopped(stage)) {
      const next = this.nextSample(stage, simulation.step);
      // A deadline that passed while files were written must not keep the run from moving.
      const late = Date.now() >= this.deadline;
      const before = simulation.step;
      const steps = late ? 1 : next - before;
      await simulation.advance({
        steps,
        members: this.rowIsDue(stage, before + steps),
        deadline: late ? undefined : this.deadline,
        signal,
        onProgress: ({ step }) => this.tick(before + step, stage),
      });
      if (simulation.step === next) await this.sample(stage);
      this.tick(simulation.step, stage);
      if (Date.now() >= this.deadline) await this.checkpoint();
    }
    await this.end(stage);
  }

  private isStopped({ name }: StagePlan): boolean {
    return this.stoppedStages.some(({ stage }) => stage === name);
  }

  /** Nothing is computed: the stage would start from a state that the models disagree about. */
  private async skip(stage: StagePlan): Promise<void> {
    await rm(this.directory.at('stages', stage.folder), { recursive: true, force: true });
    this.directory.event(skippedSentence(stage.name));
    this.position = { ...this.position, stage: this.position.stage + 1, begun: false, lengths: NOT_BEGUN };
    this.clock.at(this.globalStep);
    await this.checkpoint();
  }

  private async begin(stage: StagePlan): Promise<void> {
    const { directory, plan, potential } = this;
    const index = this.position.stage;
    if (index > 0) {
      if (stage.from === plan.stages[index - 1]!.name) enterStage(this.simulation, stage);
      else {
        const start = plan.stages.find((one) => one.name === stage.from)!;
        const name = `stages/${start.folder}/${END}`;
        const text = directory.read(name);
        if (text === null)
          throw new StudyError('RUN_DAMAGED', `${directory.at(name)}: the start of stage ${stage.name} is missing`, {
            file: directory.at(name),
          });
        await this.simulation.close();
        const structure = parseExtxyz(text, { file: directory.at(name) })[0]!;
        this.simulation = simulationFrom(structure, stage, { plan, potential, threads: this.options.threads });
      }
    }
    await rm(directory.at('stages', stage.folder), { recursive: true, force: true });
    await mkdir(directory.at('stages', stage.folder), { recursive: true });
    const {
      structure: { natoms },
    } = plan;
    const committee = plan.identity.members !== undefined;
    const shape = { study: plan.study, natoms, hasCell: this.simulation.frame().cell !== null, committee };
    this.files = await StageFiles.create(directory.at('stages', stage.folder), stage, shape);
    directory.event(`stage ${stage.name} begins`);
    await this.simulation.prepare();
    this.position = { ...this.position, stage: index, begun: true, lengths: NOT_BEGUN };
    await this.sample(stage);
    this.tick(0, stage);
  }

  private async takeUp(stage: StagePlan): Promise<void> {
    this.files = await StageFiles.reopen(this.directory.at('stages', stage.folder), stage, this.position.lengths);
    await rm(this.directory.at('stages', stage.folder, END), { force: true });
    this.sampled = this.simulation.step;
  }

  /** The next step at which something is written: rows and frames at their multiples, the last step always. */
  private nextSample({ sample, steps }: StagePlan, step: number): number {
    const after = (every: number) => (Math.floor(step / every) + 1) * every;
    return Math.min(steps, after(sample.thermo), sample.trajectory === null ? steps : after(sample.trajectory));
  }

  private rowIsDue({ sample, steps }: StagePlan, step: number): boolean {
    return step % sample.thermo === 0 || step === steps;
  }

  private async sample(stage: StagePlan): Promise<void> {
    const { sample } = stage;
    const { step } = this.simulation;
    if (this.sampled === step) return;
    if (this.rowIsDue(stage, step)) {
      const row = this.simulation.measure();
      this.files!.row(row);
      this.stopAbove(stage, row);
    }
    if (sample.trajectory !== null && step % sample.trajectory === 0) await this.files!.frame(this.simulation.frame());
    this.sampled = step;
  }

  /** Ends the stage at this row where the models deviate too much; the position knows it from now on, also after a kill. */
  private stopAbove(stage: StagePlan, row: Thermo): void {
    const { stopAbove: limit } = stage;
    const deviation = row.deviation_force_max_eV_per_A;
    if (limit === undefined || limit === null || deviation === undefined || deviation === null || deviation <= limit) return;
    const stopped: StoppedStage = {
      stage: stage.name,
      step: row.step,
      time_fs: row.time_fs,
      deviation_force_max_eV_per_A: deviation,
      stop_above_eV_per_A: limit,
    };
    this.position = { ...this.position, stopped: [...this.stoppedStages, stopped] };
    this.directory.event(stoppedSentence(stopped));
  }

  private async checkpoint(): Promise<void> {
    if (this.files) this.position = { ...this.position, lengths: await this.files.sync() };
    await writeCheckpoint(this.directory.checkpoint, studySections(this.plan, this.position, this.simulation));
    this.clock.checkpointStep = this.globalStep;
    this.renewDeadline();
  }

  private renewDeadline(): void {
    this.deadline = Date.now() + 1000 * this.plan.checkpointSeconds;
  }

  private async end(stage: StagePlan): Promise<void> {
    const { directory } = this;
    await this.files!.sync();
    await this.files!.close();
    this.files = null;
    directory.write(`stages/${stage.folder}/${END}`, formatExtxyz(this.simulation.structureNow()));
    this.position = { ...this.position, stage: this.position.stage + 1, begun: false, lengths: NOT_BEGUN };
    this.sampled = -1;
    if (this.isStopped(stage)) this.clock.at(this.globalStep);
    await this.checkpoint();
    directory.event(`stage ${stage.name} ends`);
    this.writeStatus('running');
  }

  /** Status once a second, progress as often as the dynamics reports it. */
  private tick(step: number, stage: StagePlan): void {
    const now = Date.now();
    this.clock.at(stage.firstStep + step, now);
    this.options.onProgress?.(this.clock.progress(this.position.stage));
    if (now - this.lastStatus < STATUS_INTERVAL) return;
    this.lastStatus = now;
    this.writeStatus('running');
    // Fails later, in sync, where it can be reported.
    void this.files?.publish().catch(() => undefined);
  }

  /** After an interruption a checkpoint, after a failure a post-mortem; returns the error to throw. */
  private async stopped(error: unknown): Promise<unknown> {
    const { signal } = this.options;
    const { directory } = this;
    const stage = this.plan.stages[this.position.stage];
    if (signal?.aborted && error === signal.reason) {
      try {
        if (stage && this.position.begun && this.files) {
          const { step } = this.simulation;
          const due = this.rowIsDue(stage, step) || (stage.sample.trajectory !== null && step % stage.sample.trajectory === 0);
          if (due) await this.sample(stage);
          await this.checkpoint();
        }
        directory.event(`interrupted at step ${this.globalStep}`);
        this.clock.at(this.globalStep);
        this.writeStatus('interrupted');
        return error;
      } catch (second) {
        return this.failed(second, stage);
      }
    }
    return this.failed(error, stage);
  }

  private failed(error: unknown, stage: StagePlan | undefined): unknown {
    const { directory } = this;
    const more: Record<string, unknown> = { stage: stage?.name, last_good_checkpoint: directory.checkpoint };
    const dead = this.simulation.status === 'failed' ? this.simulation.postMortem() : null;
    if (dead) {
      try {
        directory.write('post-mortem.extxyz', formatExtxyz([dead.before, dead.after]));
        more.post_mortem = directory.at('post-mortem.extxyz');
      } catch {
        // Non-finite numbers or a full disk: the error itself says more.
      }
    }
    const told = runError(error, more, directory.path);
    directory.event(`failed: ${told.code}: ${told.message}`);
    try {
      this.writeStatus('failed', told.toJSON());
    } catch {
      // The disk may be what failed.
    }
    return told;
  }
}

/** Locks of writers that were killed lie beside finished trajectories; they are no output. */
export async function removeStaleLocks(directory: RunDirectory, plan: StudyPlan): Promise<void> {
  for (const stage of plan.stages) await rm(directory.at('stages', stage.folder, `${TRAJECTORY}.lock`), { force: true });
}
