/** What a simulation stores to go on bit for bit (dynamics.md 14), as named sections of a checkpoint, and the way back. */
import { IonclayError } from '../errors.js';
import type { Potential, SelOverflow } from '../potential/potential.js';
import type { JsonValue, Structure, Tag, Warning } from '../structure.js';
import { CheckpointError } from './checkpoint.js';
import type { CheckpointSections } from './engine.js';
import type { CustomEnsemble, Ensemble } from './ensembles.js';
import type { Integrator, SavedValues } from './integrator.js';
import type { SystemState } from './state.js';
import type { System } from './system.js';
import type { WatchdogLimits } from './watchdog.js';

/** What a run depends on; what is left out has the value that it has without it. */
export interface PotentialIdentity {
  readonly name: string;
  readonly sha256: string;
  readonly precision: string;
  readonly isa: string;
  /** `auto` where embedding nets are evaluated by tables made at load. */
  readonly compression?: 'auto';
  /** Of the other models of a committee. */
  readonly members?: readonly { readonly name: string; readonly sha256: string }[];
  readonly fparam?: readonly number[];
  /** SHA-256 of the atom parameters. */
  readonly aparam?: string;
}

/** Everything that is no array. */
export interface SavedScalars {
  readonly step: number;
  readonly globalStep: number;
  readonly timestep: number;
  readonly stageSteps: number | null;
  readonly seed: string | null;
  /** Plain data; a user's integrator by its name. */
  readonly ensemble:
    | Exclude<Ensemble, CustomEnsemble>
    | { readonly custom: string; readonly temperature?: CustomEnsemble['temperature'] };
  /** Whether the stage has begun: forces, list and baths then belong to the state. */
  readonly started: boolean;
  readonly potential: PotentialIdentity;
  readonly skin: number;
  readonly selOverflow: SelOverflow | null;
  readonly limits: WatchdogLimits;
  readonly degreesOfFreedom: number | null;
  readonly removeDrift: boolean;
  readonly driftRemovals: number;
  readonly driftEnergy: number;
  readonly watchdog: { conservedStart: number; rebuildsInRow: number; largestForceSum: number; warned: boolean };
  readonly warnings: readonly Warning[];
}

export interface SavedSimulation {
  readonly scalars: SavedScalars;
  readonly system: System;
  readonly integrator: SavedValues;
  /** Inputs of the neighbour list; null where it was never built. */
  readonly reference: { positions: Float64Array; cell: Float64Array } | null;
}

const PREFIX = 'simulation.';
const STATE_ARRAYS = [
  'positions',
  'velocities',
  'forces',
  'images',
  'drift',
  'cell',
  'masses',
  'frozen',
  'atomEnergies',
  'virial',
] as const satisfies readonly (keyof SystemState)[];

/** Sections of a simulation; all arrays are copies. */
export function simulationSections(saved: SavedSimulation): CheckpointSections {
  const { scalars, system, integrator, reference } = saved;
  const { structure, state } = system;
  const sections: CheckpointSections = {
    simulation: { ...scalars, potentialEnergy: state.potentialEnergy },
    [`${PREFIX}structure`]: {
      pbc: structure.pbc,
      origin: structure.origin,
      info: structure.info,
      warnings: structure.warnings,
      tags: Object.fromEntries(Object.entries(structure.tags).filter(([, tag]) => Array.isArray(tag))),
    },
    [`${PREFIX}species`]: structure.species.slice(),
    [`${PREFIX}amu`]: system.masses.slice(),
    [`${PREFIX}rotation`]: system.rotation.slice(),
  };
  for (const name of STATE_ARRAYS) sections[PREFIX + name] = state[name].slice();
  if (structure.cell) sections[`${PREFIX}structure.cell`] = structure.cell.slice();
  if (structure.charges) sections[`${PREFIX}structure.charges`] = structure.charges.slice();
  if (structure.masses) sections[`${PREFIX}structure.masses`] = structure.masses.slice();
  if (structure.ids) sections[`${PREFIX}structure.ids`] = structure.ids.slice();
  for (const [name, tag] of Object.entries(structure.tags)) {
    if (!Array.isArray(tag)) sections[`${PREFIX}tag.${name}`] = (tag as Float64Array | Int32Array).slice();
  }
  const numbers: Record<string, number> = {};
  for (const [name, value] of Object.entries(integrator)) {
    if (typeof value === 'number') numbers[name] = value;
    else sections[`${PREFIX}integrator.${name}`] = value.slice();
  }
  sections[`${PREFIX}integrator`] = numbers;
  if (reference) {
    sections[`${PREFIX}reference.positions`] = reference.positions.slice();
    sections[`${PREFIX}reference.cell`] = reference.cell.slice();
  }
  return sections;
}

/** The way back; throws `CHECKPOINT_INCOMPLETE` where a section is missing. */
export function simulationFromSections(sections: CheckpointSections): SavedSimulation {
  const need = <T extends CheckpointSections[string]>(name: string): T => {
    const value = sections[name];
    if (value === undefined)
      throw new CheckpointError('CHECKPOINT_INCOMPLETE', `the checkpoint has no section ${name}`, { key: name });
    return value as T;
  };
  const array = (name: string) => need<Float64Array>(PREFIX + name).slice();
  const { potentialEnergy, ...scalars } = need<SavedScalars & { potentialEnergy: number }>('simulation');
  const text = need<{
    pbc: [boolean, boolean, boolean];
    origin: [number, number, number];
    info: Record<string, JsonValue>;
    warnings: Warning[];
    tags: Record<string, Tag>;
  }>(`${PREFIX}structure`);
  const arrays = Object.fromEntries(STATE_ARRAYS.map((name) => [name, array(name)])) as unknown as Pick<
    SystemState,
    (typeof STATE_ARRAYS)[number]
  >;
  const species = need<Uint8Array>(`${PREFIX}species`).slice();
  const state: SystemState = { natoms: species.length, pbc: text.pbc, potentialEnergy, ...arrays };
  const tags: Record<string, Tag> = { ...text.tags };
  const integrator: Record<string, number | Float64Array> = { ...need<Record<string, number>>(`${PREFIX}integrator`) };
  for (const [name, value] of Object.entries(sections)) {
    if (name.startsWith(`${PREFIX}tag.`)) tags[name.slice(PREFIX.length + 4)] = (value as Float64Array).slice();
    const key = `${PREFIX}integrator.`;
    if (name.startsWith(key)) integrator[name.slice(key.length)] = (value as Float64Array).slice();
  }
  const optional = (name: string) => (sections[`${PREFIX}structure.${name}`] as Float64Array | undefined)?.slice();
  const structure: Structure = {
    ...text,
    tags,
    species,
    cell: optional('cell') ?? null,
    positions: state.positions.slice(),
    charges: optional('charges'),
    masses: optional('masses'),
    ids: (sections[`${PREFIX}structure.ids`] as Uint32Array | undefined)?.slice(),
  };
  const reference =
    `${PREFIX}reference.positions` in sections
      ? { positions: array('reference.positions'), cell: array('reference.cell') }
      : null;
  return {
    scalars,
    system: { structure, state, rotation: array('rotation'), masses: array('amu'), warnings: [] },
    integrator,
    reference,
  };
}

/** What of a potential must be the same for the run to go on: content and precision, not the place of the file. */
export function identityOf(potential: Potential): PotentialIdentity {
  const { name, sha256, precision, isa, compression, members, fparam, aparam } = potential.info();
  return {
    name,
    sha256,
    precision,
    isa,
    ...(compression === 'auto' ? { compression } : {}),
    ...(members ? { members: members.slice(1).map((member) => ({ name: member.name, sha256: member.sha256 })) } : {}),
    ...(fparam ? { fparam: fparam.values } : {}),
    ...(aparam ? { aparam: aparam.sha256 } : {}),
  };
}

/** What must not differ, in words. */
function contentOf({ name, sha256, precision, compression, members = [], fparam, aparam }: PotentialIdentity): string {
  const short = (hash: string) => hash.slice(0, 12) || 'unknown';
  return [
    `${name} (${precision}, SHA-256 ${short(sha256)})`,
    ...members.map((member) => `with ${member.name} (SHA-256 ${short(member.sha256)})`),
    ...(compression ? [`compression ${compression}`] : []),
    ...(fparam ? [`fparam ${fparam.join(', ')}`] : []),
    ...(aparam ? [`aparam of SHA-256 ${short(aparam)}`] : []),
  ].join(', ');
}

/** As text that tells any two apart; names are those of files, which may move. */
function fingerprint({ sha256, precision, compression, members = [], fparam, aparam }: PotentialIdentity): string {
  return JSON.stringify([sha256, precision, compression, members.map((member) => member.sha256), fparam, aparam]);
}

/** Throws `CHECKPOINT_OTHER_POTENTIAL`; another instruction set is a warning, since only last bits differ. */
export function checkPotential(saved: SavedScalars['potential'], potential: Potential): Warning[] {
  const now = identityOf(potential);
  if (fingerprint(now) !== fingerprint(saved)) {
    throw new CheckpointError(
      'CHECKPOINT_OTHER_POTENTIAL',
      `the checkpoint was written with ${contentOf(saved)}, not with ${contentOf(now)}`,
      {
        hint: 'resume with the potential of the run; a change of potential needs a new stage or a new run',
      },
    );
  }
  if (now.isa === saved.isa) return [];
  const message = `written with instruction set ${saved.isa}, going on with ${now.isa}: the last bits will differ from an uninterrupted run`;
  return [{ code: 'CHECKPOINT_OTHER_ISA', message }];
}

/** The ensemble of saved scalars; a user's integrator must be given again, by the same name. */
export function restoredEnsemble(saved: SavedScalars['ensemble'], integrator: Integrator | undefined): Ensemble {
  if (!('custom' in saved)) return saved;
  if (integrator?.name !== saved.custom) {
    const got = integrator ? `, not ${integrator.name}` : '';
    throw new IonclayError('CHECKPOINT_INTEGRATOR', `the checkpoint belongs to a user's integrator "${saved.custom}"${got}`, {
      key: 'integrator',
      hint: `give an instance of it: { integrator: ... } with name "${saved.custom}"`,
    });
  }
  return { integrator, temperature: saved.temperature };
}
