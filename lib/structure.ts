/** An atomic configuration (structures.md 3). Immutable by convention: builders and readers return new objects. */
import { determinant, perpendicularWidths, type Vec3 } from './cell.js';
import { STANDARD_MASSES, SYMBOLS } from './elements.js';
import { type ErrorDetails, StructureError } from './errors.js';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Something that the user should know about a file or a builder's result; collected, never printed by the library. */
export interface Warning {
  readonly code: string;
  readonly message: string;
  readonly line?: number;
}

export type Tag = Int32Array | Float64Array | readonly string[];

export interface Structure {
  /** Nine numbers, rows a, b, c (A); null for an isolated structure. */
  readonly cell: Float64Array | null;
  readonly pbc: readonly [boolean, boolean, boolean];
  /** Cartesian position of fractional (0, 0, 0), A. */
  readonly origin: Vec3;
  /** Atomic numbers 1..118, one per atom. */
  readonly species: Uint8Array;
  /** 3N Cartesian, A; exactly as built or read, not wrapped. */
  readonly positions: Float64Array;
  /** 3N; unwrapped position = position + images * cell. */
  readonly images?: Int32Array;
  /** N, e. */
  readonly charges?: Float64Array;
  /** N, amu; standard weights where absent. */
  readonly masses?: Float64Array;
  /** 3N, A/fs. */
  readonly velocities?: Float64Array;
  /** 3N, eV/A. */
  readonly forces?: Float64Array;
  /** External ids, unique, positive. */
  readonly ids?: Uint32Array;
  /** Per-atom extras; `fixed` holds three bits an atom (x 1, y 2, z 4). */
  readonly tags: Readonly<Record<string, Tag>>;
  readonly info: Readonly<Record<string, JsonValue>>;
  readonly warnings: readonly Warning[];
}

export type StructureInput = Partial<Structure> & Pick<Structure, 'species' | 'positions'>;

/**
 * Checks the rules of structures.md 3.1 and fills the defaults: periodic in three directions with a cell, in none without.
 * Throws `E_EMPTY`, `E_NUMBER`, `E_CELL_INVALID` or `E_CELL_LEFT_HANDED`; `where` names the file and line.
 */
export function makeStructure(input: StructureInput, where: ErrorDetails = {}): Structure {
  const n = input.species.length;
  const place = where.file ? `${where.file}${where.line ? `:${where.line}` : ''}: ` : '';
  const fail = (code: string, message: string, details: ErrorDetails = {}) =>
    new StructureError(code, place + message, { ...where, ...details });
  if (n < 1) throw fail('E_EMPTY', 'a structure needs at least one atom');
  if (input.positions.length !== 3 * n) {
    throw fail('E_NUMBER', `expected ${3 * n} coordinates for ${n} atoms, got ${input.positions.length}`);
  }
  const cell = input.cell ?? null;
  if (cell) checkCell(cell, fail);
  for (let i = 0; i < 3 * n; i++) {
    if (!Number.isFinite(input.positions[i]!)) {
      const atom = Math.floor(i / 3);
      throw fail('E_NUMBER', `coordinate ${'xyz'[i % 3]} of atom ${atom} is not a finite number`, { atom });
    }
  }
  checkArrays(input, n, fail);
  const pbc = input.pbc ?? (cell ? [true, true, true] : [false, false, false]);
  if (!cell && pbc.some(Boolean)) throw fail('E_CELL_INVALID', 'a periodic direction needs a cell');
  return {
    ...input,
    cell,
    pbc,
    origin: input.origin ?? [0, 0, 0],
    species: input.species,
    positions: input.positions,
    tags: input.tags ?? {},
    info: input.info ?? {},
    warnings: input.warnings ?? [],
  };
}

type Fail = (code: string, message: string, details?: ErrorDetails) => StructureError;

/** Numbers per atom of the optional arrays. */
const WIDTHS = { images: 3, charges: 1, masses: 1, velocities: 3, forces: 3, ids: 1 } as const;

function checkArrays(input: StructureInput, n: number, fail: Fail): void {
  const strange = input.species.findIndex((z) => z < 1 || z >= SYMBOLS.length);
  if (strange >= 0)
    throw fail('E_ELEMENT', `atom ${strange} has the atomic number ${input.species[strange]}, expected 1 to 118`, {
      atom: strange,
    });
  for (const [name, width] of Object.entries(WIDTHS) as [keyof typeof WIDTHS, number][]) {
    const values = input[name];
    if (values && values.length !== width * n) {
      throw fail('E_NUMBER', `${name}: expected ${width * n} numbers for ${n} atoms, got ${values.length}`, { key: name });
    }
  }
}

function checkCell(cell: Float64Array, fail: Fail): void {
  if (cell.length !== 9 || cell.some((x) => !Number.isFinite(x))) throw fail('E_NUMBER', 'the cell must be nine finite numbers');
  const det = determinant(cell);
  if (!(Math.abs(det) > 1e-6) || perpendicularWidths(cell).some((w) => !(w > 0.1))) {
    throw fail('E_CELL_INVALID', `the cell vectors span no volume (determinant ${det} A^3)`);
  }
  if (det < 0) {
    throw fail('E_CELL_LEFT_HANDED', `the cell is left-handed (determinant ${det.toPrecision(6)} A^3)`, {
      hint: 'negate all three vectors (same lattice, same positions): --fix-handedness, or fixHandedness: true in the library',
    });
  }
}

/** The same lattice and Cartesian positions with all three vectors negated (structures.md 6): right-handed. */
export function negatedCell(cell: Float64Array): Float64Array {
  return cell.map((x) => (x === 0 ? 0 : -x));
}

/** Symbols of all atoms. */
export function symbolsOf(structure: Pick<Structure, 'species'>): string[] {
  return Array.from(structure.species, (z) => SYMBOLS[z]!);
}

/** Distinct symbols in order of first appearance. */
export function distinctSymbols(structure: Pick<Structure, 'species'>): string[] {
  return [...new Set(structure.species)].map((z) => SYMBOLS[z]!);
}

/** Masses in amu: the structure's own, else standard atomic weights. */
export function massesOf(structure: Pick<Structure, 'species' | 'masses'>): Float64Array {
  return structure.masses ?? Float64Array.from(structure.species, (z) => STANDARD_MASSES[z]!);
}

/** Volume in A^3, or null without a cell. */
export function volumeOf(structure: Pick<Structure, 'cell'>): number | null {
  return structure.cell ? Math.abs(determinant(structure.cell)) : null;
}

/** Refuses what is no structure, such as a path or the promise of a reader that was not awaited. Throws `WRONG_TYPE`. */
export function requireStructure(value: unknown, key: string): void {
  const { species, positions } = (value ?? {}) as Partial<Structure>;
  if (species?.length !== undefined && positions?.length !== undefined) return;
  const promise = typeof (value as { then?: unknown })?.then === 'function';
  throw new StructureError('WRONG_TYPE', `${key}: expected a structure, got ${promise ? 'a promise' : typeof value}`, {
    key,
    hint: promise ? 'await it first: await readStructure(...)' : 'readStructure(path) and crystal({...}) give one',
  });
}
