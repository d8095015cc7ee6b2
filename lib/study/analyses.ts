/** placeholder until the registry of observables is there */
import { notAvailable } from '../errors.js';
import type { Structure } from '../structure.js';
import type { StudyPlan } from './plan.js';
import type { RunDirectory } from './run-directory.js';

export function checkAnalyses(plan: StudyPlan, _structure: Structure): void {
  plan.analyses.forEach(({ observable }, index) => {
    throw notAvailable(`analyses[${index}].${observable}`, `the observable ${observable}`);
  });
}

export async function runAnalyses(
  _directory: RunDirectory,
  plan: StudyPlan,
  _options: { signal?: AbortSignal; threads?: number },
): Promise<Record<string, unknown>> {
  return { study: plan.study, analyses: [] };
}
