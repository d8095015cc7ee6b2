/** Stages that `stop-above` ended (interface.md 3.1), and those that are not run because they would start from where the models disagree. */
import type { StudyPlan } from './plan.js';

/** As it stands in status.json and results.json. */
export interface StoppedStage {
  readonly stage: string;
  /** Of the stage. */
  readonly step: number;
  readonly time_fs: number;
  readonly deviation_force_max_eV_per_A: number;
  readonly stop_above_eV_per_A: number;
}

/** Names of the stages that start, directly or not, from the end of a stopped one. */
export function skippedStages(plan: Pick<StudyPlan, 'stages'>, stopped: readonly StoppedStage[]): string[] {
  const tainted = new Set(stopped.map(({ stage }) => stage));
  const skipped: string[] = [];
  for (const { name, from } of plan.stages) {
    if (from === null || !tainted.has(from)) continue;
    tainted.add(name);
    skipped.push(name);
  }
  return skipped;
}

/** Keys that results.json and status.json carry where a stage was stopped. */
export function stoppedKeys(
  plan: Pick<StudyPlan, 'stages'>,
  stopped: readonly StoppedStage[],
): { stopped?: readonly StoppedStage[]; skipped?: readonly string[] } {
  if (stopped.length === 0) return {};
  const skipped = skippedStages(plan, stopped);
  return { stopped, ...(skipped.length > 0 ? { skipped } : {}) };
}

export function stoppedSentence(one: StoppedStage): string {
  const [found, limit] = [one.deviation_force_max_eV_per_A, one.stop_above_eV_per_A].map((x) => Number(x.toPrecision(4)));
  return `stage ${one.stage} was stopped at step ${one.step} (${Number(one.time_fs.toPrecision(8))} fs): the force deviation of the models, ${found} eV/A, is above stop-above ${limit} eV/A`;
}

export function skippedSentence(name: string): string {
  return `stage ${name} was not run: it starts from the end of a stage that was stopped by the deviation of the models`;
}
