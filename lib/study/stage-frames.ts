/** The frames of a finished or running stage, and what its plan knows about them, for the observables. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ObservableContext } from '../analysis/observables.js';
import type { Frame } from '../dynamics/frame.js';
import { StudyError, unknownKey } from '../errors.js';
import { readStructure, readTrajectory } from '../io/read.js';
import type { StagePlan, StudyPlan } from './plan.js';
import { TRAJECTORY } from './stage-files.js';

/** The stage of that name, or the last. Throws UNKNOWN_STAGE with the nearest name. */
export function stageOf(plan: Pick<StudyPlan, 'stages'>, name: string | undefined, key = 'stage'): StagePlan {
  if (name === undefined) return plan.stages.at(-1)!;
  const found = plan.stages.find((stage) => stage.name === name);
  if (found) return found;
  const known = plan.stages.map((stage) => stage.name);
  throw new StudyError('UNKNOWN_STAGE', `${key}: there is no stage "${name}"`, { key, hint: unknownKey(key, name, known).hint });
}

/** Frames of a stage in the run directory `directory`, times from the start of the stage. Throws NO_TRAJECTORY where it wrote none. */
export async function* stageFrames(directory: string, stage: StagePlan): AsyncGenerator<Frame> {
  const path = join(directory, 'stages', stage.folder, TRAJECTORY);
  const every = stage.sample.trajectory;
  if (every === null || !existsSync(path)) {
    throw new StudyError('NO_TRAJECTORY', `stage "${stage.name}" of ${directory} has no trajectory`, {
      hint: every === null ? 'give that stage sample: { trajectory: 1 ps }' : 'the stage has not begun: see ionclay status',
    });
  }
  // NetCDF names no elements: species, masses and periodic directions are those of the structure of the run.
  const structure = await readStructure(join(directory, 'structure.extxyz'));
  for await (const frame of readTrajectory(path, { structure })) {
    const step = frame.index * every;
    // From the step, not from the file: times there are single precision.
    yield { ...frame, step, time: step * stage.timestep };
  }
}

/** Temperature, charges and friction that an analysis of a stage need not ask for. */
export function stageContext(plan: StudyPlan, stage: StagePlan): ObservableContext {
  const { ensemble } = stage;
  const constant = ensemble.ensemble === 'nvt' && typeof ensemble.temperature === 'number' ? ensemble.temperature : undefined;
  const friction =
    ensemble.ensemble === 'nvt' && 'langevin' in ensemble.thermostat ? ensemble.thermostat.langevin.friction : undefined;
  const charges = chargesOf(plan);
  return {
    ...(constant === undefined ? {} : { temperature: constant }),
    ...(friction === undefined ? {} : { friction }),
    ...(charges ? { charges } : {}),
  };
}

/** Charges of the pair potential, else those of a conductivity among the analyses. */
function chargesOf(plan: StudyPlan): Readonly<Record<string, number>> | undefined {
  const given =
    'pair' in plan.potential
      ? plan.potential.pair.charges
      : plan.analyses.find(({ observable }) => observable === 'conductivity')?.options.charges;
  if (given === null || typeof given !== 'object') return undefined;
  const entries = Object.entries(given).map(([name, value]) => [name, Number(value)] as const);
  return entries.every(([, value]) => Number.isFinite(value)) ? Object.fromEntries(entries) : undefined;
}
