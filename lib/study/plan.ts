/**
 * A study with everything decided: plain data that can be hashed, stored in the checkpoint and replayed. What the study left open stands
 * in `defaults`.
 */
import { findObservable } from '../analysis/observables.js';
import { isStochastic, type NveEnsemble, type NvtEnsemble, nve, nvt } from '../dynamics/ensembles.js';
import { identityOf, type PotentialIdentity } from '../dynamics/saved-state.js';
import { type Fixed, frozenAtoms } from '../dynamics/system.js';
import { StudyError, unknownKey } from '../errors.js';
import { type Compression, dynamicsOverflow, type Potential, type Precision } from '../potential/potential.js';
import type { Structure } from '../structure.js';
import type { Study, StudyStage } from './schema.js';
import type { BuiltStructure } from './structure-source.js';

/** A value that the study did not give. */
export interface DefaultValue {
  readonly key: string;
  readonly value: string;
}

export type VelocityPlan = 'keep' | 'file' | 'zero' | 'maxwell' | { readonly temperature: number };

export interface StagePlan {
  readonly name: string;
  /** Folder under stages/: `01-name`. */
  readonly folder: string;
  readonly ensemble: NveEnsemble | NvtEnsemble;
  /** fs. */
  readonly timestep: number;
  readonly steps: number;
  /** Global step at its start: the sum of the stages before it in the list. */
  readonly firstStep: number;
  readonly velocities: VelocityPlan;
  /** Name of the stage whose end it starts from; null for the first. */
  readonly from: string | null;
  readonly fixed: Fixed | null;
  /** eV/A: force deviation of the committee that ends the stage; absent or null where nothing does. */
  readonly stopAbove?: number | null;
  readonly sample: {
    /** Steps between rows of thermo.csv. */
    readonly thermo: number;
    /** Steps between frames; null writes none. */
    readonly trajectory: number | null;
    readonly precision: 'single' | 'double';
    readonly velocities: boolean;
  };
}

export interface AnalysisPlan {
  readonly observable: string;
  readonly stage: string;
  /** As the study gives them, without `stage`. */
  readonly options: Readonly<Record<string, unknown>>;
}

export type PotentialRequest =
  | {
      readonly model: string;
      /** The other models of a committee. */
      readonly members?: readonly string[];
      readonly types: Readonly<Record<string, string | number>> | null;
      /** Default `double`, `none`. */
      readonly precision?: Precision;
      readonly compression?: Compression;
      readonly fparam?: readonly number[];
      /** Absolute path. */
      readonly aparam?: string;
    }
  | { readonly pair: Readonly<Record<string, unknown>> };

export interface StudyPlan {
  readonly study: string;
  /** 64-bit whole number as text; null where nothing is random. */
  readonly seed: string | null;
  readonly potential: PotentialRequest;
  /** What was found under that request. */
  readonly identity: Pick<PotentialIdentity, 'name' | 'sha256' | 'members' | 'fparam' | 'aparam'>;
  readonly precision: Precision;
  readonly compression: Compression;
  readonly selOverflow: 'truncate' | 'grow' | 'stop';
  /** A. */
  readonly skin: number;
  /** Seconds of wall time between checkpoints; no part of what is compared. */
  readonly checkpointSeconds: number;
  readonly structure: { readonly sha256: string; readonly natoms: number };
  readonly stages: readonly StagePlan[];
  readonly analyses: readonly AnalysisPlan[];
  readonly defaults: readonly DefaultValue[];
}

const DEFAULT_TIMESTEP = 1;
const DEFAULT_SKIN = 1;
const DEFAULT_THERMO_INTERVAL = 100;
const DEFAULT_CHECKPOINT_SECONDS = 60;

/** Steps of all stages. */
export const totalSteps = (plan: Pick<StudyPlan, 'stages'>) => plan.stages.reduce((sum, stage) => sum + stage.steps, 0);

const bad = (key: string, message: string, hint?: string) => new StudyError('BAD_VALUE', `${key}: ${message}`, { key, hint });

/** Decides everything; throws StudyError naming the key where the study contradicts itself or leaves physics open. */
export function planStudy(study: Study, request: PotentialRequest, potential: Potential, built: BuiltStructure): StudyPlan {
  const defaults: DefaultValue[] = [];
  const fallback = <T>(value: T | undefined, key: string, otherwise: T, text: string): T => {
    if (value !== undefined) return value;
    defaults.push({ key, value: text });
    return otherwise;
  };
  const info = potential.info();
  if (study.precision === undefined) defaults.push({ key: 'precision', value: 'double' });
  const { precision = 'double', compression = 'none' } = 'pair' in request ? {} : request;
  if ('model' in request && study.compression === undefined) {
    const meaning = compression === 'auto' ? 'tables with a stated error replace embedding nets' : 'the nets of the file are run';
    defaults.push({ key: 'compression', value: `${compression} (${meaning})` });
  }
  if (info.fparam?.default) {
    defaults.push({ key: 'fparam', value: `${info.fparam.values.join(', ')} (the default of the model itself)` });
  }
  const overflow = dynamicsOverflow(potential);
  const meaning =
    overflow === 'grow'
      ? 'grow (all neighbours count: empty slots give nothing)'
      : 'stop (empty slots of this model contribute: an atom with more neighbours than sel ends the run)';
  if (study['sel-overflow'] === 'grow' && overflow !== 'grow') {
    throw new StudyError('SEL_CANNOT_GROW', `sel-overflow: grow is not possible, empty slots of ${info.name} contribute`, {
      key: 'sel-overflow',
      hint: 'use truncate (what DeePMD-kit does) or stop',
    });
  }
  const selOverflow = fallback(study['sel-overflow'], 'sel-overflow', overflow, meaning);
  const skin = fallback(study.skin, 'skin', DEFAULT_SKIN, `${DEFAULT_SKIN} A`);
  const checkpoint = fallback(
    study.checkpoint,
    'checkpoint',
    DEFAULT_CHECKPOINT_SECONDS * 1e15,
    `${DEFAULT_CHECKPOINT_SECONDS} s of wall time`,
  );
  const stages = planStages(study, built.structure, info.members !== undefined, defaults);
  const { name, sha256, members, fparam, aparam } = identityOf(potential);
  return {
    study: study.study,
    seed: checkedSeed(study, stages),
    potential: request,
    identity: { name, sha256, ...(members && { members }), ...(fparam && { fparam }), ...(aparam && { aparam }) },
    precision,
    compression,
    selOverflow,
    skin,
    checkpointSeconds: checkpoint / 1e15,
    structure: { sha256: built.sha256, natoms: built.structure.species.length },
    stages,
    analyses: planAnalyses(study, stages),
    defaults,
  };
}

function planStages(study: Study, structure: Structure, committee: boolean, defaults: DefaultValue[]): StagePlan[] {
  const stages: StagePlan[] = [];
  const width = Math.max(2, String(study.stages.length).length);
  let firstStep = 0;
  if (study.timestep === undefined && study.stages.some((stage) => stage.timestep === undefined)) {
    defaults.push({ key: 'timestep', value: `${DEFAULT_TIMESTEP} fs` });
  }
  study.stages.forEach((stage, index) => {
    const key = `stages[${index}]`;
    const name = stage.name ?? `stage-${index + 1}`;
    if (stages.some((other) => other.name === name))
      throw bad(`${key}.name`, `there is a stage "${name}" before; names must differ`);
    const ensemble = planEnsemble(study, stage, key, defaults);
    const timestep = stage.timestep ?? study.timestep ?? DEFAULT_TIMESTEP;
    const steps = planSteps(stage, timestep, key);
    const from = planStart(stage, stages, key);
    const fixed = planFixed(stage, key);
    if (fixed) frozenAtomsAt(structure, fixed, key);
    const stopAbove = stage['stop-above'];
    if (stopAbove !== undefined && !committee) {
      throw bad(
        `${key}.stop-above`,
        'there is no committee whose deviation could be too large',
        'give several models: model: [first, second]',
      );
    }
    const planned: StagePlan = {
      name,
      folder: `${String(index + 1).padStart(width, '0')}-${name}`,
      ensemble,
      timestep,
      steps,
      firstStep,
      velocities: planVelocities(stage, index, ensemble, structure, key, defaults),
      from,
      fixed,
      ...(stopAbove === undefined ? {} : { stopAbove }),
      sample: planSample(stage, timestep, steps, key, defaults),
    };
    stages.push(planned);
    firstStep += steps;
  });
  return stages;
}

function planEnsemble(study: Study, stage: StudyStage, key: string, defaults: DefaultValue[]): NveEnsemble | NvtEnsemble {
  if (stage.ensemble === undefined) {
    throw new StudyError('MISSING_KEY', `${key}.ensemble: missing, expected nve or nvt`, { key: `${key}.ensemble` });
  }
  if (stage.ensemble === 'nve') {
    if (stage.thermostat)
      throw bad(`${key}.thermostat`, 'nve has no thermostat', 'use ensemble: nvt, or take the thermostat away');
    return nve();
  }
  if (stage.temperature === undefined) {
    throw new StudyError('MISSING_KEY', `${key}.temperature: missing, nvt needs a temperature such as 300 K`, {
      key: `${key}.temperature`,
    });
  }
  const given = stage.thermostat ?? study.thermostat;
  const own = stage.thermostat ? `${key}.thermostat` : 'thermostat';
  const names = Object.keys(given ?? {});
  if (given && names.length !== 1) throw bad(own, `expected one of nose-hoover, langevin, got ${names.join(' and ') || 'none'}`);
  if (given === undefined)
    defaults.push({ key: `${key}.thermostat`, value: 'nose-hoover, damping 0.2 ps, chain 3, weights 1, substeps 1' });
  else if (given['nose-hoover'] && given['nose-hoover'].damping === undefined) {
    defaults.push({ key: `${own}.nose-hoover.damping`, value: '0.2 ps' });
  }
  const { 'nose-hoover': noseHoover, langevin } = given ?? {};
  const thermostat = langevin ? { langevin } : { noseHoover: noseHoover ?? {} };
  return nvt({ temperature: stage.temperature, thermostat }, key);
}

function planSteps(stage: StudyStage, timestep: number, key: string): number {
  if ((stage.run === undefined) === (stage.steps === undefined)) {
    const both = stage.run !== undefined;
    throw new StudyError(
      both ? 'BAD_VALUE' : 'MISSING_KEY',
      `${key}.run: ${both ? 'run and steps are both given, expected one' : 'missing, expected a time such as 10 ps (or steps: N)'}`,
      {
        key: `${key}.run`,
      },
    );
  }
  return stage.steps ?? stepsOf(stage.run!, timestep, `${key}.run`);
}

/** A time as a whole number of steps; never rounded silently. */
function stepsOf(time: number, timestep: number, key: string): number {
  const exact = time / timestep;
  const steps = Math.round(exact);
  if (!Number.isSafeInteger(steps)) throw bad(key, `${time} fs are ${steps} steps of ${timestep} fs, more than can be counted`);
  if (steps >= 1 && Math.abs(exact - steps) <= 1e-9 * steps) return steps;
  const low = Math.max(1, Math.floor(exact));
  throw bad(
    key,
    `${time} fs is not a whole number of steps of ${timestep} fs`,
    `${low} ${low === 1 ? 'step is' : 'steps are'} ${low * timestep} fs, ${low + 1} are ${(low + 1) * timestep} fs`,
  );
}

function planStart(stage: StudyStage, before: readonly StagePlan[], key: string): string | null {
  if (stage.from === undefined) return before.at(-1)?.name ?? null;
  if (before.some((other) => other.name === stage.from)) return stage.from;
  const names = before.map((other) => other.name);
  throw new StudyError('UNKNOWN_STAGE', `${key}.from: there is no earlier stage "${stage.from}"`, {
    key: `${key}.from`,
    hint: names.length ? `earlier stages: ${names.join(', ')}` : 'the first stage starts from the structure',
  });
}

function planFixed(stage: StudyStage, key: string): Fixed | null {
  if (stage.fixed === undefined) return null;
  const names = Object.keys(stage.fixed);
  if (names.length !== 1) throw bad(`${key}.fixed`, `expected one of species, atoms, tag, got ${names.join(' and ') || 'none'}`);
  return stage.fixed as Fixed;
}

/** Refuses atoms, species and tags that are not there, with the key of the stage. */
function frozenAtomsAt(structure: Structure, fixed: Fixed, key: string): void {
  try {
    frozenAtoms(structure, fixed);
  } catch (error) {
    if (!(error instanceof StudyError)) throw error;
    throw new StudyError(error.code, `${key}.${error.message}`, {
      key: `${key}.${error.key}`,
      hint: error.hint,
      atom: error.atom,
    });
  }
}

function planVelocities(
  stage: StudyStage,
  index: number,
  ensemble: NveEnsemble | NvtEnsemble,
  structure: Structure,
  at: string,
  defaults: DefaultValue[],
): VelocityPlan {
  const key = `${at}.velocities`;
  const given = stage.velocities;
  const first =
    stage.temperature === undefined ? undefined : Array.isArray(stage.temperature) ? stage.temperature[0]! : stage.temperature;
  if (given === undefined) {
    if (index > 0) {
      if (ensemble.ensemble === 'nve' && stage.temperature !== undefined) {
        throw bad(
          `${at}.temperature`,
          'nve holds no temperature and this stage keeps its velocities',
          'take it away, or say velocities: maxwell',
        );
      }
      return 'keep';
    }
    if (first === undefined) {
      throw new StudyError('MISSING_KEY', `${key}: missing, and nve has no temperature to draw them at`, {
        key,
        hint: 'say velocities: file, zero or { temperature: 300 K }',
      });
    }
    defaults.push({ key, value: `drawn at ${first} K (maxwell)` });
    return ensemble.ensemble === 'nve' ? { temperature: first } : 'maxwell';
  }
  if (given === 'file') {
    if (index > 0)
      throw bad(key, 'only the first stage can take the velocities of the structure', 'later stages keep what they get');
    if (!structure.velocities)
      throw bad(key, 'the structure has no velocities', 'say velocities: maxwell, zero or { temperature: 300 K }');
    return 'file';
  }
  if (given === 'maxwell') {
    if (first === undefined)
      throw bad(key, 'maxwell needs the temperature of the stage', 'say velocities: { temperature: 300 K }');
    return ensemble.ensemble === 'nve' ? { temperature: first } : 'maxwell';
  }
  return given === 'zero' ? 'zero' : { temperature: given.temperature };
}

function planSample(
  stage: StudyStage,
  timestep: number,
  steps: number,
  at: string,
  defaults: DefaultValue[],
): StagePlan['sample'] {
  const { thermo, trajectory, precision, velocities } = stage.sample ?? {};
  if (thermo === undefined)
    defaults.push({
      key: `${at}.sample.thermo`,
      value: `every ${Math.max(1, Math.round(DEFAULT_THERMO_INTERVAL / timestep))} steps`,
    });
  if (trajectory === undefined && (precision !== undefined || velocities !== undefined)) {
    throw bad(
      `${at}.sample`,
      'precision and velocities belong to a trajectory, and none is written',
      'give the interval: trajectory: 1 ps',
    );
  }
  const every = trajectory === undefined ? null : stepsOf(trajectory, timestep, `${at}.sample.trajectory`);
  if (every !== null && every > steps) {
    throw bad(
      `${at}.sample.trajectory`,
      `the interval is longer than the stage (${steps} steps)`,
      'a trajectory of one frame can be analysed by nothing',
    );
  }
  return {
    thermo:
      thermo === undefined
        ? Math.max(1, Math.round(DEFAULT_THERMO_INTERVAL / timestep))
        : stepsOf(thermo, timestep, `${at}.sample.thermo`),
    trajectory: every,
    precision: precision ?? 'single',
    velocities: velocities ?? false,
  };
}

function checkedSeed(study: Study, stages: readonly StagePlan[]): string | null {
  if (study.seed !== undefined) return study.seed;
  const random = stages.find(
    (stage) => isStochastic(stage.ensemble) || stage.velocities === 'maxwell' || typeof stage.velocities === 'object',
  );
  if (!random) return null;
  throw new StudyError('SEED_MISSING', `seed: missing, and stage "${random.name}" draws random numbers`, {
    key: 'seed',
    hint: 'give a whole number, such as seed: 7; the same seed gives the same run',
  });
}

function planAnalyses(study: Study, stages: readonly StagePlan[]): AnalysisPlan[] {
  return (study.analyses ?? []).map((entry, index) => {
    const names = Object.keys(entry);
    if (names.length !== 1)
      throw bad(`analyses[${index}]`, `expected one observable with its options, got ${names.join(' and ') || 'none'}`);
    const observable = names[0]!;
    const { stage: asked, ...options } = entry[observable]!;
    // Before the stage: a wrong name is the nearer cause of whatever else is amiss.
    findObservable(observable, `analyses[${index}].${observable}`);
    const key = `analyses[${index}].${observable}.stage`;
    const stage = asked === undefined ? stages.at(-1)! : stages.find((candidate) => candidate.name === asked);
    if (!stage) {
      const known = stages.map((candidate) => candidate.name);
      throw new StudyError('UNKNOWN_STAGE', `${key}: there is no stage "${asked}"`, {
        key,
        hint: unknownKey(key, asked!, known).hint,
      });
    }
    if (stage.sample.trajectory === null) {
      throw bad(
        key,
        `stage "${stage.name}" writes no trajectory`,
        `give that stage sample: { trajectory: 1 ps }, or the analysis the stage that it is about (without stage: it is the last)`,
      );
    }
    return { observable, stage: stage.name, options };
  });
}

/** What of a plan makes the run, under the keys of the study. */
function content(plan: StudyPlan): Record<string, unknown> {
  const { sha256, members, fparam = null, aparam = null } = plan.identity;
  return {
    study: plan.study,
    seed: plan.seed,
    ['model' in plan.potential ? 'model' : 'potential']: members ? [sha256, ...members.map((one) => one.sha256)] : sha256,
    types: 'model' in plan.potential ? plan.potential.types : null,
    fparam,
    aparam,
    precision: plan.precision,
    compression: plan.compression,
    'sel-overflow': plan.selOverflow,
    skin: plan.skin,
    structure: plan.structure.sha256,
    stages: plan.stages.map(({ name, ensemble, timestep, steps, velocities, from, fixed, stopAbove = null, sample }) => ({
      name,
      ...ensemble,
      timestep,
      steps,
      velocities,
      from,
      fixed,
      'stop-above': stopAbove,
      sample,
    })),
  };
}

/**
 * The first key in which a study differs from the one that a run directory holds, as far as the first `stages` stages go; later stages
 * and analyses may differ. Undefined where there is none.
 */
export function firstDifference(old: StudyPlan, now: StudyPlan, stages: number): string | undefined {
  const a = content(old);
  const b = content(now);
  a.stages = (a.stages as unknown[]).slice(0, stages);
  b.stages = (b.stages as unknown[]).slice(0, stages);
  return difference(a, b, '');
}

function difference(a: unknown, b: unknown, path: string): string | undefined {
  if (Object.is(a, b)) return undefined;
  const composite = (value: unknown): value is object => typeof value === 'object' && value !== null;
  if (!composite(a) || !composite(b)) return path;
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return `${path}[${Math.min(a.length, b.length)}]`;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const below = Array.isArray(a) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    const found = difference((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], below);
    if (found) return found;
  }
  return undefined;
}
