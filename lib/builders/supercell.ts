/** Supercells H' = P H for any integer matrix P (structures.md 14). */
import { inverse, multiply, perpendicularWidths, timesMatrix, transpose, type Vec3 } from '../cell.js';
import { StructureError } from '../errors.js';
import { fractionalOf } from '../io/crystal.js';
import { type JsonValue, makeStructure, type Structure, type Tag, type Warning } from '../structure.js';
import { hermiteNormalForm, type IntegerMatrix, integerDeterminant, integerInverse } from './integer-matrix.js';
import { contentHash, withProvenance } from './provenance.js';
import { nearCubicMatrix, type OrthogonalOptions, orthogonalMatrix } from './supercell-search.js';

/** Repetitions along a, b, c; or the rows of P; or P as nine numbers. */
export type SupercellMatrix = readonly [number, number, number] | readonly (readonly number[])[] | IntegerMatrix;

const MAXIMUM_ATOMS = 50e6;

/** P as nine integers, row-major; throws `E_SUPERCELL_INTEGER`. */
export function integerMatrix(matrix: SupercellMatrix, key = 'supercell'): number[] {
  const refuse = () => {
    const shown = JSON.stringify(matrix)?.slice(0, 80);
    return new StructureError(
      'E_SUPERCELL_INTEGER',
      `${key}: expected three integers, or three rows of three integers, got ${shown}`,
      {
        key,
        hint: '[2, 2, 1] repeats a and b twice; [[1, 1, 0], [-1, 1, 0], [0, 0, 1]] turns a and b',
      },
    );
  };
  if (!Array.isArray(matrix)) throw refuse();
  const flat = (matrix as readonly unknown[]).flat() as number[];
  const nested = (matrix as readonly unknown[]).some(Array.isArray);
  const shape = nested
    ? matrix.length === 3 && matrix.every((row) => Array.isArray(row) && row.length === 3)
    : flat.length === 3 || flat.length === 9;
  if (!shape || !flat.every((x) => Number.isSafeInteger(x) && Math.abs(x) <= 1e5)) throw refuse();
  return flat.length === 3 ? [flat[0]!, 0, 0, 0, flat[1]!, 0, 0, 0, flat[2]!] : [...flat];
}

/**
 * Structure with the cell P H. Atoms come translation by translation, in the lexicographic order of the cosets of the Hermite normal form;
 * new fractional coordinates are wrapped. Per-atom data are copied (ids, which must be unique, and images are not); the tag `cell` holds the
 * number of the translation. det P < 0 is replaced by -P, with the warning `W_SUPERCELL_NEGATED`.
 *
 * Errors: `E_SUPERCELL_INTEGER`, `E_SUPERCELL_SINGULAR`, `E_TOO_LARGE`, `E_CELL_INVALID` (no cell, or a direction that is not periodic).
 */
export function supercell(structure: Structure, matrix: SupercellMatrix): Structure {
  let p = integerMatrix(matrix);
  const det = integerDeterminant(p);
  if (det === 0) {
    throw new StructureError('E_SUPERCELL_SINGULAR', `the supercell matrix ${rowsText(p)} has the determinant 0`, {
      key: 'supercell',
      hint: 'its three rows must be linearly independent',
    });
  }
  const warnings: Warning[] = [...structure.warnings];
  if (det < 0) {
    p = p.map((x) => -x + 0);
    warnings.push({
      code: 'W_SUPERCELL_NEGATED',
      message: `the supercell matrix has the determinant ${det} and was negated, so that the cell stays right-handed`,
    });
  }
  const translations = Math.abs(det);
  const n = structure.species.length;
  const { cell } = structure;
  if (!cell) throw new StructureError('E_CELL_INVALID', 'a structure without a cell cannot be repeated');
  for (let k = 0; k < 3; k++) {
    const alone = [0, 1, 2].every((j) => j === k || (p[3 * k + j] === 0 && p[3 * j + k] === 0)) && p[4 * k] === 1;
    if (!structure.pbc[k] && !alone) {
      throw new StructureError('E_CELL_INVALID', `the structure is not periodic along ${'abc'[k]} and cannot be repeated there`, {
        hint: `leave that direction at 1: ${rowsText(p)} mixes or repeats it`,
      });
    }
  }
  if (n * translations > MAXIMUM_ATOMS) {
    throw new StructureError('E_TOO_LARGE', `the supercell would have ${n * translations} atoms, more than 50 million`, {
      key: 'supercell',
    });
  }

  const newCell = multiply(p, cell);
  const fractional = fractionalOf(structure.positions, cell, structure.origin);
  const inverseP = integerInverse(p);
  const positions = new Float64Array(3 * n * translations);
  const cellNumber = new Int32Array(n * translations);
  let at = 0;
  cosets(hermiteNormalForm(p)).forEach((t, number) => {
    for (let i = 0; i < n; i++) {
      const f = timesMatrix([fractional[3 * i]! + t[0], fractional[3 * i + 1]! + t[1], fractional[3 * i + 2]! + t[2]], inverseP);
      const x = timesMatrix(
        f.map((value, k) => (structure.pbc[k] ? wrapped(value) : value)),
        newCell,
      );
      for (let k = 0; k < 3; k++) positions[3 * at + k] = x[k]! + structure.origin[k]!;
      cellNumber[at++] = number;
    }
  });
  const tags: Record<string, Tag> = {};
  for (const [name, tag] of Object.entries(structure.tags)) tags[name] = repeatedTag(tag, translations);
  tags.cell = cellNumber;
  const result = makeStructure({
    cell: newCell,
    pbc: structure.pbc,
    origin: structure.origin,
    species: repeated(structure.species, translations),
    positions,
    charges: structure.charges && repeated(structure.charges, translations),
    masses: structure.masses && repeated(structure.masses, translations),
    velocities: structure.velocities && repeated(structure.velocities, translations),
    forces: structure.forces && repeated(structure.forces, translations),
    tags,
    info: intensiveInfo(structure.info),
    warnings,
  });
  return withProvenance(result, { builder: 'supercell', parameters: { matrix: rowsOf(p) }, inputs: [contentHash(structure)] });
}

/** g = f - floor(f), and 0 for what rounds to 1 (structures.md 2). */
function wrapped(f: number): number {
  const g = f - Math.floor(f);
  return g >= 1 - 1e-12 ? 0 : g;
}

/** All lattice translations of the old cell that are distinct in the new one. */
function cosets(h: readonly number[]): Vec3[] {
  const out: Vec3[] = [];
  for (let i = 0; i < h[0]!; i++) for (let j = 0; j < h[4]!; j++) for (let k = 0; k < h[8]!; k++) out.push([i, j, k]);
  return out;
}

function repeated<T extends Float64Array | Int32Array | Uint8Array>(values: T, times: number): T {
  const out = new (values.constructor as new (length: number) => T)(values.length * times);
  for (let t = 0; t < times; t++) out.set(values as never, t * values.length);
  return out;
}

function repeatedTag(tag: Tag, times: number): Tag {
  if (tag instanceof Int32Array || tag instanceof Float64Array) return repeated(tag, times);
  return Array.from({ length: times }, () => tag).flat();
}

/** Totals of the old cell are wrong for the new one. */
function intensiveInfo(info: Structure['info']): Record<string, JsonValue> {
  const extensive = ['energy', 'free_energy', 'virial', 'dipole', 'volume'];
  return Object.fromEntries(Object.entries(info).filter(([name]) => !extensive.includes(name)));
}

function rowsOf(p: readonly number[]): number[][] {
  return [p.slice(0, 3), p.slice(3, 6), p.slice(6, 9)];
}

function rowsText(p: readonly number[]): string {
  return JSON.stringify(rowsOf(p));
}

function requireCell(structure: Structure): Float64Array {
  if (!structure.cell) throw new StructureError('E_CELL_INVALID', 'a structure without a cell cannot be repeated');
  return structure.cell;
}

export interface OrthogonalSupercellOptions extends OrthogonalOptions {
  /** Removes the remaining deviation from right angles by a strain; positions keep their fractions. */
  readonly squareUp?: boolean;
}

/**
 * The smallest supercell with three perpendicular edges (see `orthogonalMatrix`); throws `E_NO_ORTHOGONAL`. With `squareUp` the cell is made
 * exactly orthogonal with the same edge lengths, a keeping its direction; `info.strain` holds the Green-Lagrange strain (nine numbers).
 */
export function orthogonalSupercell(structure: Structure, options: OrthogonalSupercellOptions = {}): Structure {
  const result = supercell(structure, orthogonalMatrix(requireCell(structure), options).matrix);
  return options.squareUp ? squaredUp(result) : result;
}

function squaredUp(structure: Structure): Structure {
  const h = structure.cell!;
  const row = (i: number): Vec3 => [h[3 * i]!, h[3 * i + 1]!, h[3 * i + 2]!];
  const unit = (v: Vec3): Vec3 => v.map((x) => x / Math.hypot(...v)) as Vec3;
  const e1 = unit(row(0));
  const along = row(1).reduce((sum, x, k) => sum + x * e1[k]!, 0);
  const e2 = unit(row(1).map((x, k) => x - along * e1[k]!) as Vec3);
  const e3: Vec3 = [e1[1] * e2[2] - e1[2] * e2[1], e1[2] * e2[0] - e1[0] * e2[2], e1[0] * e2[1] - e1[1] * e2[0]];
  const cell = Float64Array.from([e1, e2, e3].flatMap((e, i) => e.map((x) => x * Math.hypot(...row(i)))));
  const gradient = multiply(inverse(h), cell);
  // Green-Lagrange strain (F F^T - 1)/2 of x' = x F: blind to the rotation that F contains.
  const strain = Array.from(multiply(gradient, transpose(gradient)), (x, i) => (x - (i % 4 === 0 ? 1 : 0)) / 2);
  const fractional = fractionalOf(structure.positions, h, structure.origin);
  const positions = new Float64Array(fractional.length);
  for (let i = 0; i < positions.length; i += 3) {
    positions.set(
      timesMatrix(fractional.subarray(i, i + 3), cell).map((x, k) => x + structure.origin[k]!),
      i,
    );
  }
  const largest = Math.max(...strain.map(Math.abs));
  const warnings = [
    ...structure.warnings,
    { code: 'W_STRAINED', message: `the cell was made orthogonal by a strain of at most ${(100 * largest).toFixed(3)} %` },
  ];
  const result: Structure = { ...structure, cell, positions, info: { ...structure.info, strain }, warnings };
  return withProvenance(result, { builder: 'squareUp', parameters: { strain }, inputs: [contentHash(structure)] });
}

/** The most cube-like supercell with about `targetAtoms` atoms (see `nearCubicMatrix`). */
export function nearCubicSupercell(structure: Structure, targetAtoms: number): Structure {
  return supercell(structure, nearCubicMatrix(requireCell(structure), targetAtoms / structure.species.length));
}

/** The smallest repetition along a, b, c with all face distances of at least `distance` (A); 10 A for cells of training sets. */
export function minimumEdge(structure: Structure, distance: number): Structure {
  if (!(distance > 0 && Number.isFinite(distance))) {
    throw new StructureError('E_NUMBER', `expected a positive distance in A, got ${distance}`, { key: 'minimum-edge' });
  }
  // A cell that is exactly as wide as asked for is wide enough, whatever its last bit.
  const widths = perpendicularWidths(requireCell(structure));
  return supercell(
    structure,
    widths.map((width, k) => (structure.pbc[k] ? Math.max(1, Math.ceil(distance / width - 1e-9)) : 1)) as Vec3,
  );
}
