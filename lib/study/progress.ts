/** Where a run is: counted over the whole study, for status.json and for whoever watches. */
import { type StudyPlan, totalSteps } from './plan.js';
import type { RunState, RunStatus } from './run-directory.js';

export interface RunProgress {
  readonly stage: string;
  /** From 1, of `stages`; absent where only the name is known. */
  readonly stageNumber?: number;
  readonly stages?: number;
  /** Over the whole study. */
  readonly step: number;
  readonly steps: number;
  readonly stepsPerSecond: number | null;
  readonly secondsLeft: number | null;
}

/** Time over which the speed is averaged, ms: long enough for a calm figure, short enough to follow a busy machine. */
const WINDOW = 20_000;

export class ProgressClock {
  private readonly marks: { time: number; step: number }[] = [];
  private readonly total: number;
  private step: number;
  checkpointStep: number;

  constructor(
    private readonly plan: StudyPlan,
    readonly resumedFrom: number,
  ) {
    this.total = totalSteps(plan);
    this.step = resumedFrom;
    this.checkpointStep = resumedFrom;
  }

  /** `step` steps of the study are done at `time` (ms). */
  at(step: number, time = Date.now()): void {
    this.step = step;
    this.marks.push({ time, step });
    while (this.marks.length > 2 && time - this.marks[1]!.time > WINDOW) this.marks.shift();
  }

  private get speed(): number | null {
    const first = this.marks[0];
    const last = this.marks.at(-1);
    if (!first || !last || last.time === first.time || last.step === first.step) return null;
    return (1000 * (last.step - first.step)) / (last.time - first.time);
  }

  progress(stage: number): RunProgress {
    const speed = this.speed;
    const index = Math.min(stage, this.plan.stages.length - 1);
    return {
      stage: this.plan.stages[index]!.name,
      stageNumber: index + 1,
      stages: this.plan.stages.length,
      step: this.step,
      steps: this.total,
      stepsPerSecond: speed,
      secondsLeft: speed === null ? null : (this.total - this.step) / speed,
    };
  }

  status(state: RunState, stage: number, error: unknown = null): RunStatus {
    const { stage: name, stepsPerSecond, secondsLeft } = this.progress(stage);
    const rounded = (x: number | null) => (x === null ? null : Number(x.toPrecision(4)));
    return {
      state,
      stage: name,
      step: this.step,
      steps: this.total,
      percent: Number(((100 * this.step) / this.total).toFixed(2)),
      steps_per_s: rounded(stepsPerSecond),
      seconds_left: state === 'running' ? rounded(secondsLeft) : null,
      checkpoint_step: this.checkpointStep,
      resumed_from_step: this.resumedFrom,
      error,
    };
  }
}
