/**
 * From a structure to the arrays that move, and back: restricted cell (dynamics.md 2.2), masses in eV fs^2/A^2, frozen atoms. The
 * dynamics run in the restricted frame with the origin at 0; the user's frame comes back with R^T.
 */
import { determinant, restrictedForm, timesMatrix, transpose } from '../cell.js';
import { STANDARD_MASSES, SYMBOLS } from '../elements.js';
import { notAvailable, StudyError, unknownKey } from '../errors.js';
import type { Potential } from '../potential/potential.js';
import { makeStructure, negatedCell, type Structure, type Tag, type Warning } from '../structure.js';
import { AMU } from '../units.js';
import type { SystemState } from './state.js';

/** Atoms that do not move (interface.md 3.1). */
export type Fixed = { readonly species: readonly string[] } | { readonly atoms: readonly number[] } | { readonly tag: string };

export interface System {
  /** As given, with a right-handed cell. */
  readonly structure: Structure;
  readonly state: SystemState;
  /** R, 9: v_restricted = v R. */
  readonly rotation: Float64Array;
  /** amu, N. */
  readonly masses: Float64Array;
  readonly warnings: readonly Warning[];
}

/** Builds the arrays; velocities are those of the structure, or 0. */
export function makeSystem(input: Structure, potential: Pick<Potential, 'masses'>, fixed?: Fixed): System {
  const warnings: Warning[] = [];
  const structure = rightHanded(input, warnings);
  const natoms = structure.species.length;
  const { cell, rotation } = structure.cell
    ? restrictedForm(structure.cell)
    : { cell: new Float64Array(9), rotation: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) };
  const masses = atomMasses(structure, potential);
  const state: SystemState = {
    natoms,
    positions: rotated(structure.positions, rotation, structure.origin),
    velocities: structure.velocities ? rotated(structure.velocities, rotation) : new Float64Array(3 * natoms),
    forces: new Float64Array(3 * natoms),
    images: structure.images ? Int32Array.from(structure.images) : new Int32Array(3 * natoms),
    drift: new Float64Array(3 * natoms),
    cell,
    pbc: structure.pbc,
    masses: masses.map((m) => m * AMU),
    frozen: frozenAtoms(structure, fixed),
    atomEnergies: new Float64Array(natoms),
    virial: new Float64Array(9),
    potentialEnergy: 0,
  };
  stopFrozen(state);
  return { structure, state, rotation, masses, warnings };
}

/** A left-handed cell becomes -H: the same lattice and positions (dynamics.md 2.1); image counts change sign with it. */
function rightHanded(input: Structure, warnings: Warning[]): Structure {
  if (!input.cell || determinant(input.cell) > 0) return makeStructure(input);
  const message = 'the cell is left-handed: all three vectors were negated (same lattice, same positions)';
  warnings.push({ code: 'CELL_NEGATED', message });
  return makeStructure({ ...input, cell: negatedCell(input.cell), images: input.images?.map((n) => (n === 0 ? 0 : -n)) });
}

/** Rows of `vectors` (3N) less `origin`, times the 3x3 matrix. */
function rotated(vectors: Float64Array, matrix: Float64Array, origin: readonly number[] = [0, 0, 0]): Float64Array {
  const out = new Float64Array(vectors.length);
  for (let k = 0; k < vectors.length; k += 3) {
    const row = [vectors[k]! - origin[0]!, vectors[k + 1]! - origin[1]!, vectors[k + 2]! - origin[2]!];
    out.set(timesMatrix(row, matrix), k);
  }
  return out;
}

/** amu: the structure's own, else those that the potential prescribes, else standard weights. */
function atomMasses(structure: Structure, potential: Pick<Potential, 'masses'>): Float64Array {
  return Float64Array.from(structure.species, (z, atom) => {
    const mass = structure.masses?.[atom] ?? potential.masses?.[SYMBOLS[z]!] ?? STANDARD_MASSES[z]!;
    if (!(mass > 0 && Number.isFinite(mass))) {
      throw new StudyError(
        'BAD_VALUE',
        `masses: atom ${atom} (${SYMBOLS[z]}) has mass ${mass}, expected a mass above 0 such as 6.94 amu`,
        {
          key: 'masses',
          atom,
        },
      );
    }
    return mass;
  });
}

/** 1 for every atom that `fixed` names or the flags of the file hold in all three directions. */
export function frozenAtoms(structure: Structure, fixed?: Fixed): Uint8Array {
  const natoms = structure.species.length;
  const frozen = new Uint8Array(natoms);
  const flags = structure.tags.fixed;
  for (let i = 0; flags && i < natoms; i++) {
    const bits = Number(flags[i]);
    if (bits !== 0 && bits !== 7) {
      throw notAvailable('fixed', `holding atom ${i} in some directions only`, 'hold it in all three or in none', { atom: i });
    }
    frozen[i] = bits ? 1 : 0;
  }
  if (fixed === undefined) return frozen;
  const names = Object.keys(fixed);
  for (const name of names)
    if (!['species', 'atoms', 'tag'].includes(name)) throw unknownKey(`fixed.${name}`, name, ['species', 'atoms', 'tag']);
  const bad = (key: string, message: string) => new StudyError('BAD_VALUE', `${key}: ${message}`, { key });
  if (names.length !== 1) throw bad('fixed', `expected one of species, atoms, tag, got ${names.join(' and ') || 'none'}`);
  if ('atoms' in fixed) {
    for (const atom of fixed.atoms) {
      if (!Number.isInteger(atom) || atom < 0 || atom >= natoms)
        throw bad('fixed.atoms', `there is no atom ${atom} (0 to ${natoms - 1})`);
      frozen[atom] = 1;
    }
  } else if ('species' in fixed) {
    const present = new Set(Array.from(structure.species, (z) => SYMBOLS[z]!));
    for (const symbol of fixed.species) {
      if (!present.has(symbol)) throw bad('fixed.species', `there is no ${symbol} in the structure (${[...present].join(', ')})`);
      for (let i = 0; i < natoms; i++) if (SYMBOLS[structure.species[i]!] === symbol) frozen[i] = 1;
    }
  } else {
    const tag: Tag | undefined = structure.tags[fixed.tag];
    if (!tag)
      throw bad('fixed.tag', `the structure has no tag "${fixed.tag}" (${Object.keys(structure.tags).join(', ') || 'no tags'})`);
    const off = new Set<string | number>([0, '', '0', 'F', 'False', 'false']);
    for (let i = 0; i < natoms; i++) if (!off.has(tag[i]!)) frozen[i] = 1;
  }
  return frozen;
}

/** Frozen atoms have no velocity. */
export function stopFrozen(state: SystemState): void {
  for (let i = 0; i < state.natoms; i++) if (state.frozen[i]) state.velocities.fill(0, 3 * i, 3 * i + 3);
}

/** Positions x + nH in the restricted frame, 3N. */
export function unwrapped({ positions, images, cell }: Pick<SystemState, 'positions' | 'images' | 'cell'>): Float64Array {
  const out = positions.slice();
  for (let k = 0; k < out.length; k += 3) {
    const a = images[k]!;
    const b = images[k + 1]!;
    const c = images[k + 2]!;
    if (a === 0 && b === 0 && c === 0) continue;
    for (let axis = 0; axis < 3; axis++) out[k + axis]! += a * cell[axis]! + b * cell[3 + axis]! + c * cell[6 + axis]!;
  }
  return out;
}

/** A vector of the restricted frame in the user's. */
export function inUserFrame(vector: ArrayLike<number>, rotation: Float64Array): [number, number, number] {
  return timesMatrix(vector, transpose(rotation));
}

/** The structure with the atoms where the state has them: user's frame and origin, image counts, velocities. */
export function structureOf(
  { structure, rotation, masses }: System,
  state: Pick<SystemState, 'positions' | 'velocities' | 'images'> & { readonly forces?: Float64Array },
): Structure {
  const back = transpose(rotation);
  const positions = rotated(state.positions, back);
  for (let k = 0; k < positions.length; k++) positions[k]! += structure.origin[k % 3]!;
  return {
    ...structure,
    positions,
    velocities: rotated(state.velocities, back),
    // Standard weights need not be said again.
    masses: structure.species.some((z, i) => masses[i] !== STANDARD_MASSES[z]!) ? masses.slice() : structure.masses,
    forces: state.forces ? rotated(state.forces, back) : undefined,
    images: structure.cell ? state.images.slice() : undefined,
  };
}
