/** Runs, continues and extends studies: from a checked study to a run directory with results (interface.md 3.3). */
import { join } from 'node:path';
import { writeCheckpoint } from '../dynamics/checkpoint.js';
import { Simulation } from '../dynamics/simulation.js';
import { StudyError } from '../errors.js';
import { formatExtxyz } from '../io/extxyz.js';
import type { Lock } from '../io/lock-file.js';
import { runAnalyses } from './analyses.js';
import { firstDifference, type StudyPlan, totalSteps } from './plan.js';
import { openPotential } from './potential-source.js';
import { firstSimulation, type PreparedStudy, type PrepareOptions, prepareStudy } from './prepare.js';
import type { RunProgress } from './progress.js';
import { makeProvenance, newSession, type Provenance, structureReport } from './provenance.js';
import { createRunDirectory, look, occupied, openRunDirectory, type RunDirectory, type RunStatus } from './run-directory.js';
import { runError } from './run-error.js';
import { NOT_BEGUN, type RunPosition, readStoredRun, removeStaleLocks, StudyRunner, studySections } from './runner.js';
import { type StoppedStage, skippedSentence, skippedStages, stoppedSentence } from './stopped-stages.js';
import type { CheckedStudy } from './study-file.js';

export interface ExecuteOptions extends PrepareOptions {
  /** Run directory; default `runs/<study name>`. */
  readonly out?: string;
  readonly threads?: number;
  /** Aborting ends with a checkpoint; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RunProgress) => void;
  /** Sentences for the user: what begins, what is resumed, warnings. */
  readonly onNote?: (text: string) => void;
  /** Called once the run directory is there and locked. */
  readonly onDirectory?: (path: string) => void;
  /** Makes the report once results are there; its failure is a note, never a failed run. */
  readonly report?: (directory: string) => Promise<unknown>;
}

export interface RunOutcome {
  readonly directory: string;
  /** True where nothing was left to do. */
  readonly finishedBefore: boolean;
  readonly resumedFromStep: number;
  readonly steps: number;
  readonly results: Record<string, unknown>;
  readonly warnings: readonly string[];
  /** Stages that the deviation of the models ended. */
  readonly stopped: readonly StoppedStage[];
}

export const defaultDirectory = (study: string) => join('runs', study);

/** Runs a study; where its run directory is there already it goes on, and later stages are appended. */
export async function executeStudy(checked: CheckedStudy, options: ExecuteOptions = {}): Promise<RunOutcome> {
  const out = options.out ?? defaultDirectory(checked.study.study);
  const found = look(out);
  if (found === 'other') throw occupied(out);
  const prepared = await prepareStudy(checked, options);
  if (found === 'run') return extend(openRunDirectory(out), prepared, options);
  options.signal?.throwIfAborted();
  const { plan, potential } = prepared;
  const position: RunPosition = { stage: 0, begun: false, lengths: NOT_BEGUN };
  const simulation = firstOf(prepared, options.threads);
  const directory = await createRunDirectory(out, (temporary) => fill(temporary, prepared, position, simulation));
  const lock = await directory.lock();
  return work(directory, lock, plan, potential, simulation, position, options);
}

/** The first simulation; what it refuses (velocities, fixed atoms ...) is a fault of the study. */
function firstOf({ built, plan, potential, source }: PreparedStudy, threads: number | undefined): Simulation {
  try {
    return firstSimulation(built.structure, { plan, potential, threads });
  } catch (error) {
    throw source.explain(error);
  }
}

async function fill(
  directory: RunDirectory,
  prepared: PreparedStudy,
  position: RunPosition,
  simulation: Simulation,
): Promise<void> {
  const { plan, source, built } = prepared;
  directory.write('study.yaml', source.text);
  directory.write('structure.extxyz', formatExtxyz(built.structure));
  directory.writeJson('structure.json', structureReport(built.structure, plan, built.request));
  directory.writeJson('provenance.json', makeProvenance(prepared));
  directory.event('created');
  directory.writeStatus({
    state: 'running',
    stage: plan.stages[0]!.name,
    step: 0,
    steps: totalSteps(plan),
    percent: 0,
    steps_per_s: null,
    seconds_left: null,
    checkpoint_step: 0,
    resumed_from_step: 0,
    error: null,
  });
  await writeCheckpoint(directory.checkpoint, studySections(plan, position, simulation));
}

/** Goes on in a directory that holds the same study, or its beginning. */
async function extend(directory: RunDirectory, prepared: PreparedStudy, options: ExecuteOptions): Promise<RunOutcome> {
  const lock = await directory.lock();
  try {
    const stored = await readStoredRun(directory);
    const { plan: old, position } = stored.section;
    const { plan, source, potential } = prepared;
    const begun = position.stage + (position.begun ? 1 : 0);
    const key = firstDifference(old, plan, begun);
    if (key !== undefined) {
      throw source.explain(
        new StudyError('OTHER_STUDY', `${key}: the run in ${directory.path} was made with another value`, {
          key,
          hint: 'choose another directory with --out; stages may be added after those that are there',
          directory: directory.path,
        }),
      );
    }
    const same = firstDifference(old, plan, Number.POSITIVE_INFINITY) === undefined;
    const sameAnalyses = JSON.stringify(old.analyses) === JSON.stringify(plan.analyses);
    if (same && sameAnalyses && position.stage === plan.stages.length) {
      const finished = finishedOutcome(directory, plan);
      if (finished) {
        lock.release();
        return finished;
      }
    }
    if (!same || !sameAnalyses) {
      directory.write('study.yaml', source.text);
      const provenance = directory.readJson<Provenance>('provenance.json');
      const fresh = makeProvenance(prepared);
      directory.writeJson('provenance.json', {
        ...fresh,
        started: provenance?.started ?? fresh.started,
        sessions: provenance?.sessions ?? [],
      });
      directory.event('the study was extended');
    }
    if (stored.warning) options.onNote?.(stored.warning);
    const simulation = Simulation.restore(stored.sections, { potential, threads: options.threads });
    return await work(directory, lock, plan, potential, simulation, position, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Goes on with an interrupted run, bit for bit. Everything needed stands in the directory, but for the model's file. */
export async function resumeRun(path: string, options: ExecuteOptions = {}): Promise<RunOutcome> {
  const directory = openRunDirectory(path);
  const lock = await directory.lock();
  try {
    const stored = await readStoredRun(directory);
    const { plan, position } = stored.section;
    const finished = position.stage === plan.stages.length ? finishedOutcome(directory, plan) : null;
    if (finished) {
      lock.release();
      return finished;
    }
    const potential = await (options.openPotential ?? openPotential)(plan.potential, { threads: options.threads });
    if (stored.warning) options.onNote?.(stored.warning);
    const simulation = Simulation.restore(stored.sections, { potential, threads: options.threads });
    return await work(directory, lock, plan, potential, simulation, position, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

function finishedOutcome(directory: RunDirectory, plan: StudyPlan): RunOutcome | null {
  const status = directory.readJson<RunStatus>('status.json');
  const results = directory.readJson<Record<string, unknown>>('results.json');
  if (status?.state !== 'done' || !results) return null;
  const steps = totalSteps(plan);
  const { stopped = [] } = status;
  const warnings = [...stopped.map(stoppedSentence), ...skippedStages(plan, stopped).map(skippedSentence)];
  return { directory: directory.path, finishedBefore: true, resumedFromStep: steps, steps, results, warnings, stopped };
}

/** The work itself, under the lock that is given back at its end. */
async function work(
  directory: RunDirectory,
  lock: Lock,
  plan: StudyPlan,
  potential: PreparedStudy['potential'],
  simulation: Simulation,
  position: RunPosition,
  options: ExecuteOptions,
): Promise<RunOutcome> {
  const runner = new StudyRunner(directory, plan, potential, simulation, position, options);
  const session = newSession(potential, options.threads, runner.resumedFrom);
  let warnings: string[] = [];
  const record = (ended: string | null) => {
    const provenance =
      directory.readJson<Provenance>('provenance.json') ?? ({ sessions: [], warnings: [], ended: null } as Provenance);
    const sessions = provenance.sessions.filter((one) => one.started !== session.started || one.process !== session.process);
    session.ended = ended;
    const all = [...new Set([...provenance.warnings, ...warnings])];
    directory.writeJson('provenance.json', { ...provenance, ended, sessions: [...sessions, session], warnings: all });
  };
  try {
    options.onDirectory?.(directory.path);
    await removeStaleLocks(directory, plan);
    if (runner.resumedFrom > 0 || position.begun) {
      directory.event(`resumed from step ${runner.resumedFrom}`);
      options.onNote?.(`going on from step ${runner.resumedFrom} of ${totalSteps(plan)}`);
    }
    record(null);
    runner.writeStatus('running');
    try {
      await runner.run();
    } finally {
      warnings = runner.warnings();
      for (const text of warnings) directory.event(`warning: ${text}`);
    }
    const results = await analyse(directory, plan, options, runner);
    runner.writeStatus('done');
    record(new Date().toISOString());
    directory.event('done');
    await report(directory, options);
    return {
      directory: directory.path,
      finishedBefore: false,
      resumedFromStep: runner.resumedFrom,
      steps: totalSteps(plan),
      results,
      warnings,
      stopped: runner.stoppedStages,
    };
  } catch (error) {
    recordQuietly(record);
    throw error;
  } finally {
    await runner.close().catch(() => undefined);
    lock.release();
  }
}

function recordQuietly(record: (ended: string) => void): void {
  try {
    record(new Date().toISOString());
  } catch {
    // A full disk is reported by the error that ended the run.
  }
}

async function analyse(
  directory: RunDirectory,
  plan: StudyPlan,
  options: ExecuteOptions,
  runner: StudyRunner,
): Promise<Record<string, unknown>> {
  try {
    const { signal, threads } = options;
    return await runAnalyses(directory, plan, { signal, threads, stopped: runner.stoppedStages });
  } catch (error) {
    if (options.signal?.aborted && error === options.signal.reason) {
      runner.writeStatus('interrupted');
      throw error;
    }
    const told = runError(error, {}, directory.path);
    directory.event(`failed: ${told.code}: ${told.message}`);
    runner.writeStatus('failed', told.toJSON());
    throw told;
  }
}

async function report(directory: RunDirectory, { report: make, onNote }: ExecuteOptions): Promise<void> {
  try {
    await make?.(directory.path);
  } catch (error) {
    const text = `the report could not be made: ${error instanceof Error ? error.message : error}`;
    directory.event(text);
    onNote?.(text);
  }
}

/** status.json of a run, with a run whose process died told apart from one that runs. */
export function readStatus(path: string): RunStatus {
  const directory = openRunDirectory(path);
  const status = directory.readJson<RunStatus>('status.json');
  if (!status)
    throw new StudyError('RUN_DAMAGED', `${directory.at('status.json')}: there is no status`, {
      file: directory.at('status.json'),
    });
  if (status.state !== 'running' || directory.isHeld()) return status;
  // The process is gone and could not say so.
  return { ...status, state: 'interrupted', steps_per_s: null, seconds_left: null };
}
