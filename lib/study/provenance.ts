/** provenance.json: what ran, with what, where and when (interface.md 1); the only file of a run, with events.log, that names the machine. */
import { hostname } from 'node:os';
import { lengthsAndAngles } from '../cell.js';
import { nativeAddon } from '../native/loader.js';
import { bundledModels } from '../potential/bundled.js';
import type { Potential } from '../potential/potential.js';
import { massesOf, type Structure, symbolsOf, volumeOf, type Warning } from '../structure.js';
import { AMU_PER_A3_IN_G_PER_CM3 } from '../units.js';
import { VERSION } from '../version.js';
import type { StudyPlan } from './plan.js';
import type { PreparedStudy } from './prepare.js';

/** One process that worked on the run. */
export interface Session {
  readonly started: string;
  ended: string | null;
  readonly from_step: number;
  readonly threads: number | null;
  readonly isa: string;
  readonly host: string;
  readonly process: number;
}

export interface Provenance {
  [key: string]: unknown;
  sessions: Session[];
  warnings: string[];
  ended: string | null;
}

export function newSession(potential: Potential, threads: number | undefined, fromStep: number): Session {
  return {
    started: new Date().toISOString(),
    ended: null,
    from_step: fromStep,
    threads: threads ?? null,
    isa: potential.info().isa,
    host: hostname(),
    process: process.pid,
  };
}

export function makeProvenance({ plan, source, built, potential }: PreparedStudy): Provenance {
  const info = potential.info();
  return {
    program: 'ionclay',
    version: VERSION,
    build: nativeBuild(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    isa: info.isa,
    precision: plan.precision,
    compression: plan.compression,
    sel_overflow: plan.selOverflow,
    skin_A: plan.skin,
    seed: plan.seed,
    model: {
      name: info.name,
      type: info.type,
      sha256: info.sha256,
      file: info.file,
      species: info.species,
      cutoff_A: info.cutoff,
      ...modelCard(info.name),
    },
    ...(info.members ? { models: info.members.map(({ name, type, sha256, file }) => ({ name, type, sha256, file })) } : {}),
    ...(info.fparam ? { fparam: info.fparam.values, fparam_source: info.fparam.default ? 'default of the model' : 'study' } : {}),
    ...(info.aparam ? { aparam: { file: info.aparam.file, sha256: info.aparam.sha256 } } : {}),
    inputs: {
      study: { file: source.file, sha256: source.sha256 },
      structure: { file: built.file, sha256: built.sha256 },
    },
    defaults: plan.defaults.map(({ key, value }) => `${key}: ${value}`),
    started: new Date().toISOString(),
    ended: null,
    sessions: [],
    warnings: built.structure.warnings.map(({ message }) => message),
  };
}

/** What the package says about a model of its own. */
function modelCard(name: string): Record<string, unknown> {
  const card = bundledModels().find((model) => model.name === name);
  return card ? { good_for: card.purpose, not_for: card.not_for, training_error: card.errors } : {};
}

function nativeBuild(): string | null {
  try {
    return nativeAddon().info().compiler;
  } catch {
    return null;
  }
}

/** structure.json: the start structure in numbers, and how it came about. */
export function structureReport(structure: Structure, plan: StudyPlan, request: unknown): Record<string, unknown> {
  const composition: Record<string, number> = {};
  for (const symbol of symbolsOf(structure)) composition[symbol] = (composition[symbol] ?? 0) + 1;
  const volume = volumeOf(structure);
  const mass = massesOf(structure).reduce((sum, m) => sum + m, 0);
  const shape = structure.cell ? lengthsAndAngles(structure.cell) : null;
  return {
    request,
    natoms: structure.species.length,
    composition,
    cell_A: structure.cell ? [0, 1, 2].map((i) => Array.from(structure.cell!.subarray(3 * i, 3 * i + 3))) : null,
    lengths_A: shape?.lengths ?? null,
    angles_deg: shape?.angles ?? null,
    volume_A3: volume,
    density_g_per_cm3: volume === null ? null : (mass / volume) * AMU_PER_A3_IN_G_PER_CM3,
    pbc: structure.pbc,
    sha256: plan.structure.sha256,
    built: structure.info.provenance ?? null,
    warnings: structure.warnings.map(({ code, message }: Warning) => ({ code, message })),
  };
}
