/** The library's way to run a study: everything that `ionclay run` does, report included. */

import { onlyOptions, StudyError, typeName } from '../errors.js';
import { type CheckOptions, checkPlan, type StudyCheck } from '../study/check-plan.js';
import { type ExecuteOptions, executeStudy, type RunOutcome, readStatus, resumeRun } from '../study/execute-study.js';
import type { RunStatus } from '../study/run-directory.js';
import { type CheckedStudy, readStudyFile, studyFromObject } from '../study/study-file.js';

export interface RunStudyOptions extends Omit<ExecuteOptions, 'report' | 'openPotential'> {
  /** Overrides of a study file: `stages[0].temperature=600 K`. */
  readonly set?: readonly string[];
  /** Folder that relative paths of a study object start from; default the working directory. */
  readonly directory?: string;
}

type StudyInput = string | object;

const RESUME_OPTIONS = ['threads', 'signal', 'onProgress', 'onNote', 'onDirectory'];

/** The plots are the slowest part to load: only where a report is made. */
const writeReport = (directory: string) => (require('./report.js') as typeof import('./report.js')).writeReport(directory);

async function checked(
  study: StudyInput,
  { set = [], directory }: Pick<RunStudyOptions, 'set' | 'directory'>,
): Promise<CheckedStudy> {
  if (typeof study !== 'string' && (typeof study !== 'object' || study === null || study instanceof Promise)) {
    throw new StudyError('WRONG_TYPE', `study: expected the path of a study file or an object, got ${typeName(study)}`, {
      key: 'study',
    });
  }
  return typeof study === 'string' ? readStudyFile(study, set) : studyFromObject(study, directory);
}

/**
 * Runs a study, a file or an object with the same keys (also in camelCase), and makes its report. Where the run directory holds the same
 * study it goes on; finished stages are not run again. An abort ends with a checkpoint and rejects with the signal's reason.
 */
export async function runStudy(study: StudyInput, options: RunStudyOptions = {}): Promise<RunOutcome> {
  onlyOptions('runStudy', options, [...RESUME_OPTIONS, 'out', 'set', 'directory']);
  return executeStudy(await checked(study, options), { ...options, report: writeReport });
}

/** Goes on with an interrupted run, bit for bit, with any number of threads. */
export async function resumeStudy(
  directory: string,
  options: Omit<ExecuteOptions, 'report' | 'out' | 'openPotential'> = {},
): Promise<RunOutcome> {
  onlyOptions('resumeStudy', options, RESUME_OPTIONS);
  return resumeRun(directory, { ...options, report: writeReport });
}

/** Validates a study and tells what it would do; writes nothing. */
export async function checkStudy(
  study: StudyInput,
  options: CheckOptions & Pick<RunStudyOptions, 'set' | 'directory'> = {},
): Promise<StudyCheck> {
  return checkPlan(await checked(study, options), options);
}

/** Where a run is; a run whose process was killed counts as interrupted. */
export function studyStatus(directory: string): RunStatus {
  return readStatus(directory);
}

export type { RunOutcome } from '../study/execute-study.js';
export type { RunProgress } from '../study/progress.js';
