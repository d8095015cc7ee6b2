// The structures of the benchmarks, as plain descriptions that a child process can be handed: {file, edge?, repeat?}.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ionclay from '../dist/index.js';
import reference from '../test/reference-folder.cjs';

const { referenceFolder } = reference;
export const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const example = (file) => join(root, 'examples', 'structures', file);

/** Edge of the cube that the clay assembly is scaled to, A: about 181 neighbours within 9 A. */
const CLAY_EDGE = 60.5;

export const bundled = [
  { model: 'li-y-cl-br', label: 'Li3YCl6', structure: { file: example('Li3YCl6_trigonal_90_900K.extxyz'), repeat: [2, 2, 3] } },
  { model: 'mg-ga-f-cl', label: 'MgCl2 | GaF3', structure: { file: example('mg_interface.xyz'), repeat: [2, 2, 2] } },
];

/** The clay assembly of 11,984 atoms: a file that is not part of the package. */
export function clay(file) {
  const folder = referenceFolder();
  const path = file ?? (folder && join(folder, 'structures', 'clay', 'mg_assembly.xyz'));
  return path && existsSync(path) ? { file: path, edge: CLAY_EDGE } : null;
}

/** A hundred atoms, more or less, and one density up to a million: the interface, repeated. */
export const small = { file: example('Li3YCl6_trigonal_90_900K.extxyz') };
export const growth = [
  [1, 1, 1],
  [2, 1, 1],
  [2, 2, 2],
  [4, 4, 5],
  [9, 9, 9],
  [19, 19, 20],
].map((repeat) => ({ file: example('mg_interface.xyz'), repeat }));

export async function structureOf({ file, edge, repeat }) {
  let structure = await ionclay.readStructure(file);
  if (edge !== undefined) {
    const factor = edge / structure.cell[0];
    structure = {
      ...structure,
      cell: structure.cell.map((x) => x * factor),
      positions: structure.positions.map((x) => x * factor),
    };
  }
  return repeat ? ionclay.supercell(structure, repeat) : structure;
}
