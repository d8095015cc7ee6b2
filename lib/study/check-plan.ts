/** `ionclay check`: the plan of a study in numbers, with the time it will take measured on one evaluation of the forces. Writes nothing. */

import { lengthsAndAngles, perpendicularWidths } from '../cell.js';
import type { Thermostat } from '../dynamics/ensembles.js';
import type { Simulation } from '../dynamics/simulation.js';
import type { Structure } from '../structure.js';
import { symbolsOf, volumeOf } from '../structure.js';
import { type StudyPlan, totalSteps } from './plan.js';
import { firstSimulation, type PrepareOptions, prepareStudy } from './prepare.js';
import type { CheckedStudy } from './study-file.js';

export interface CheckOptions extends PrepareOptions {
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Plain data: the document of `ionclay check --json`. */
export interface StudyCheck {
  readonly study: string;
  readonly atoms: number;
  readonly composition: Readonly<Record<string, number>>;
  readonly cell: {
    readonly lengths_A: readonly number[];
    readonly angles_deg: readonly number[];
    readonly volume_A3: number | null;
  } | null;
  readonly model: {
    readonly name: string;
    readonly type: string;
    readonly sha256: string;
    readonly cutoff_A: number;
    readonly isa: string;
  };
  /** The models of a committee, the driving one first. */
  readonly models?: readonly { readonly name: string; readonly type: string; readonly sha256: string }[];
  readonly precision: string;
  readonly compression: string;
  /** Frame parameters that are used, also those that the model itself has as default. */
  readonly fparam?: readonly number[];
  /** File of atom parameters. */
  readonly aparam?: string;
  readonly seed: string | null;
  readonly stages: readonly StageCheck[];
  readonly steps: number;
  readonly time_fs: number;
  readonly analyses: readonly { readonly observable: string; readonly stage: string }[];
  readonly defaults: readonly { readonly key: string; readonly value: string }[];
  readonly estimate: {
    /** One step of the dynamics, forces and list, as measured now. */
    readonly seconds_per_step: number;
    readonly seconds: number;
    readonly threads: number | null;
    /** Resident memory of this process with the potential at work. */
    readonly memory_MB: number;
    readonly trajectory_MB: number;
  };
  readonly warnings: readonly string[];
}

export interface StageCheck {
  readonly name: string;
  readonly ensemble: string;
  readonly thermostat:
    | {
        readonly kind: 'nose-hoover';
        readonly damping_fs: number;
        readonly chain: number;
        readonly weights: number;
        readonly substeps: number;
      }
    | { readonly kind: 'langevin'; readonly friction_per_fs: number }
    | null;
  readonly temperature_K: number | readonly [number, number] | null;
  readonly timestep_fs: number;
  readonly steps: number;
  readonly time_fs: number;
  readonly velocities: 'keep' | 'file' | 'zero' | 'maxwell' | { readonly temperature_K: number };
  readonly from: string | null;
  readonly fixed: object | null;
  readonly thermo_every: number;
  readonly trajectory_every: number | null;
  /** Force deviation of the committee that ends the stage. */
  readonly stop_above_eV_per_A: number | null;
}

/** Few steps are enough: the first builds the list and warms caches, the others are timed. */
const TIMED_STEPS = 3;

export async function checkPlan(checked: CheckedStudy, options: CheckOptions = {}): Promise<StudyCheck> {
  const { plan, built, potential, source } = await prepareStudy(checked, options);
  const { structure } = built;
  const info = potential.info();
  let simulation: ReturnType<typeof firstSimulation>;
  try {
    simulation = firstSimulation(structure, { plan, potential, threads: options.threads });
  } catch (error) {
    throw source.explain(error);
  }
  try {
    await simulation.prepare();
    const count = Math.min(TIMED_STEPS, plan.stages[0]!.steps);
    const start = performance.now();
    await simulation.advance({ steps: count, signal: options.signal, members: false });
    const perStep = (performance.now() - start) / 1000 / count;
    const perRow = info.members ? await timeOfMembers(simulation, perStep, options.signal) : 0;
    const steps = totalSteps(plan);
    const rows = plan.stages.reduce((sum, stage) => sum + Math.floor(stage.steps / stage.sample.thermo) + 1, 0);
    const composition: Record<string, number> = {};
    for (const symbol of symbolsOf(structure)) composition[symbol] = (composition[symbol] ?? 0) + 1;
    return {
      study: plan.study,
      atoms: structure.species.length,
      composition,
      cell: shapeOf(structure),
      model: { name: info.name, type: info.type, sha256: info.sha256, cutoff_A: info.cutoff, isa: info.isa },
      ...(info.members ? { models: info.members.map(({ name, type, sha256 }) => ({ name, type, sha256 })) } : {}),
      precision: plan.precision,
      compression: plan.compression,
      ...(info.fparam ? { fparam: info.fparam.values } : {}),
      ...('model' in plan.potential && plan.potential.aparam ? { aparam: plan.potential.aparam } : {}),
      seed: plan.seed,
      stages: plan.stages.map(stageCheck),
      steps,
      time_fs: plan.stages.reduce((sum, stage) => sum + stage.steps * stage.timestep, 0),
      analyses: plan.analyses.map(({ observable, stage }) => ({ observable, stage })),
      defaults: plan.defaults,
      estimate: {
        seconds_per_step: perStep,
        seconds: perStep * steps + perRow * rows,
        threads: options.threads ?? null,
        memory_MB: Math.round(process.memoryUsage().rss / 1e6),
        trajectory_MB: Number((trajectoryBytes(plan) / 1e6).toPrecision(3)),
      },
      warnings: [...structure.warnings, ...simulation.warnings()]
        .map((warning) => warning.message)
        .concat(smallCell(structure, info.cutoff), shortDamping(plan)),
    };
  } finally {
    await simulation.close();
  }
}

/** Seconds that the other models of a committee add to a step whose row is written. */
async function timeOfMembers(simulation: Simulation, perStep: number, signal: AbortSignal | undefined): Promise<number> {
  const start = performance.now();
  await simulation.advance({ steps: 1, signal });
  return Math.max(0, (performance.now() - start) / 1000 - perStep);
}

/** A chain oscillates with a period of 4.44 damping times (dynamics.md 6): below some ten steps that motion is no longer resolved. */
const SHORTEST_DAMPING_IN_STEPS = 10;

function shortDamping({ stages }: StudyPlan): string[] {
  return stages.flatMap(({ name, ensemble, timestep }) => {
    if (ensemble.ensemble !== 'nvt' || !('noseHoover' in ensemble.thermostat)) return [];
    const { damping } = ensemble.thermostat.noseHoover;
    if (damping >= SHORTEST_DAMPING_IN_STEPS * timestep) return [];
    return [
      `stage ${name}: a nose-hoover damping of ${damping} fs is ${Number((damping / timestep).toPrecision(3))} steps, too few to follow the oscillation of the chain; 100 steps or more are usual`,
    ];
  });
}

function shapeOf(structure: Structure): StudyCheck['cell'] {
  if (!structure.cell) return null;
  const { lengths, angles } = lengthsAndAngles(structure.cell);
  return { lengths_A: lengths, angles_deg: angles, volume_A3: volumeOf(structure) };
}

/** Images of an atom see each other: allowed and exact, but the finite size then shapes the result. */
function smallCell(structure: Structure, cutoff: number): string[] {
  if (!structure.cell) return [];
  const width = Math.min(...perpendicularWidths(structure.cell).filter((_, i) => structure.pbc[i]));
  if (!(width < cutoff)) return [];
  return [`the cell is narrower (${width.toFixed(2)} A) than the cutoff (${cutoff} A): atoms interact with their own images`];
}

function stageCheck(stage: StudyPlan['stages'][number]): StageCheck {
  const { ensemble } = stage;
  return {
    name: stage.name,
    ensemble: ensemble.ensemble,
    thermostat: ensemble.ensemble === 'nvt' ? thermostatCheck(ensemble.thermostat) : null,
    temperature_K: ensemble.ensemble === 'nvt' ? ensemble.temperature : null,
    timestep_fs: stage.timestep,
    steps: stage.steps,
    time_fs: stage.steps * stage.timestep,
    velocities: typeof stage.velocities === 'object' ? { temperature_K: stage.velocities.temperature } : stage.velocities,
    from: stage.from,
    fixed: stage.fixed,
    thermo_every: stage.sample.thermo,
    trajectory_every: stage.sample.trajectory,
    stop_above_eV_per_A: stage.stopAbove ?? null,
  };
}

function thermostatCheck(thermostat: Thermostat): StageCheck['thermostat'] {
  if ('langevin' in thermostat) return { kind: 'langevin', friction_per_fs: thermostat.langevin.friction };
  const { damping, chain, weights, substeps } = thermostat.noseHoover;
  return { kind: 'nose-hoover', damping_fs: damping, chain, weights, substeps };
}

function trajectoryBytes(plan: StudyPlan): number {
  return plan.stages.reduce((sum, { sample, steps }) => {
    if (sample.trajectory === null) return sum;
    const numbers = 3 * plan.structure.natoms * (sample.velocities ? 2 : 1) * (sample.precision === 'double' ? 8 : 4);
    return sum + (Math.floor(steps / sample.trajectory) + 1) * (numbers + 68);
  }, 0);
}
