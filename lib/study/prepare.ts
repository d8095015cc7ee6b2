/** Everything that is decided and checked before a study writes its first byte. */
import { Simulation } from '../dynamics/simulation.js';
import type { Potential } from '../potential/potential.js';
import type { Structure } from '../structure.js';
import { checkAnalyses } from './analyses.js';
import { planStudy, type StagePlan, type StudyPlan } from './plan.js';
import { type OpenPotential, openPotential, potentialRequest } from './potential-source.js';
import { type BuiltStructure, buildStructure } from './structure-source.js';
import type { CheckedStudy, StudySource } from './study-file.js';

export interface PreparedStudy {
  readonly source: StudySource;
  readonly plan: StudyPlan;
  readonly built: BuiltStructure;
  readonly potential: Potential;
}

export interface PrepareOptions {
  readonly threads?: number;
  readonly openPotential?: OpenPotential;
}

/** Reads structure and model and makes the plan; errors point into the study file. */
export async function prepareStudy({ study, source }: CheckedStudy, options: PrepareOptions = {}): Promise<PreparedStudy> {
  try {
    const request = potentialRequest(study, source.directory);
    const built = await buildStructure(study.structure, source.directory);
    const potential = await (options.openPotential ?? openPotential)(request, { threads: options.threads });
    potential.typesOf(built.structure);
    potential.requireAtoms?.(built.structure.species.length);
    const plan = planStudy(study, request, potential, built);
    checkAnalyses(plan, built.structure);
    return { source, plan, built, potential };
  } catch (error) {
    throw source.explain(error);
  }
}

export interface SimulationRooms {
  readonly plan: StudyPlan;
  readonly potential: Potential;
  readonly threads?: number;
}

/** The simulation of the first stage. */
export function firstSimulation(structure: Structure, { plan, potential, threads }: SimulationRooms): Simulation {
  const stage = plan.stages[0]!;
  return new Simulation({
    ...common(stage, plan),
    structure,
    potential,
    threads,
    velocities: stage.velocities === 'keep' ? undefined : stage.velocities,
  });
}

/** The simulation of a stage that starts from the end of an earlier stage, not of the one before it; `structure` is that end. */
export function simulationFrom(
  structure: Structure,
  stage: StagePlan,
  { plan, potential, threads }: SimulationRooms,
): Simulation {
  const start = new Simulation({ ...common(stage, plan), structure, potential, threads, velocities: 'file' });
  // Random numbers are functions of the step over all stages: it goes on although the state comes from further back.
  const sections = start.save();
  const scalars = { ...(sections.simulation as object), globalStep: stage.firstStep };
  const simulation = Simulation.restore({ ...sections, simulation: scalars }, { potential, threads });
  enterStage(simulation, stage);
  return simulation;
}

/** The next stage of a simulation: atoms keep what they have, baths and list start anew. */
export function enterStage(simulation: Simulation, stage: StagePlan): void {
  const { ensemble, timestep, steps, velocities, fixed } = stage;
  const redrawn = velocities === 'keep' || velocities === 'file' ? undefined : velocities;
  simulation.setEnsemble(ensemble, {
    timestep,
    stageSteps: steps,
    fixed,
    ...(redrawn === undefined ? {} : { velocities: redrawn }),
  });
}

const common = (stage: StagePlan, plan: StudyPlan) => ({
  ensemble: stage.ensemble,
  timestep: stage.timestep,
  stageSteps: stage.steps,
  seed: plan.seed === null ? undefined : BigInt(plan.seed),
  fixed: stage.fixed ?? undefined,
  skin: plan.skin,
  selOverflow: plan.selOverflow,
});
