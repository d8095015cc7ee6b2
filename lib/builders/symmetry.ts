/** The space group of a structure. */
import { StructureError } from '../errors.js';
import { fractionalOf } from '../io/crystal.js';
import { loadSymmetryLibrary, type SymmetryAnalysis } from '../io/symmetry-library.js';
import type { Structure } from '../structure.js';

export type { SymmetryAnalysis } from '../io/symmetry-library.js';

/** Atoms that are this close to where an operator puts them count as there, A. */
export const DEFAULT_SYMMETRY_TOLERANCE = 0.01;

/**
 * Space group, operators and orbits of a structure that is periodic in three directions. Atoms are told apart by element. Throws
 * `E_CELL_INVALID` where it is not periodic, `E_SYMMETRY` where no group is found.
 */
export async function analyzeSymmetry(structure: Structure, tolerance = DEFAULT_SYMMETRY_TOLERANCE): Promise<SymmetryAnalysis> {
  if (!structure.cell || !structure.pbc.every(Boolean)) {
    throw new StructureError('E_CELL_INVALID', 'only a structure that is periodic in three directions has a space group');
  }
  if (!(tolerance > 0 && tolerance < 1)) {
    throw new StructureError('E_NUMBER', `expected a tolerance between 0 and 1 A, got ${tolerance}`, { key: 'tolerance' });
  }
  const library = await loadSymmetryLibrary();
  const fractional = fractionalOf(structure.positions, structure.cell, structure.origin);
  return library.analyze(structure.cell, fractional, structure.species, tolerance);
}
