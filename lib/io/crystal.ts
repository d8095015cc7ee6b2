/** Crystals: an asymmetric unit with its operators, and the expansion to all positions of the cell (structures.md 3 and 5.6). */
import { inverse, timesMatrix, type Vec3 } from '../cell.js';
import { forEachPair } from '../close-pairs.js';
import { SYMBOLS } from '../elements.js';
import type { Warning } from '../structure.js';
import { type CifPlace, cifError } from './cif-tokens.js';
import { applyOperator, type SymmetryOperator } from './symmetry-operators.js';

/** One kind of atom on a position. */
export interface Occupant {
  readonly label: string;
  readonly element: string;
  /** Formal charge, e. */
  readonly charge?: number;
  /** 0..1. */
  readonly occupancy: number;
}

/** One position of the asymmetric unit with everything that may sit on it. */
export interface CrystalSite {
  readonly label: string;
  /** Fractional, on its special position. */
  readonly position: Vec3;
  readonly occupants: readonly Occupant[];
  readonly wyckoff?: string;
  readonly multiplicity: number;
  readonly disorderGroup?: string;
}

/** One row of the atom table, as read. */
export interface SiteRow {
  readonly label: string;
  /** Atomic number. */
  readonly species: number;
  /** amu; only for isotopes that have a symbol of their own (D, T). */
  readonly mass?: number;
  readonly charge?: number;
  readonly occupancy: number;
  /** Fractional. */
  readonly position: Vec3;
  readonly wyckoff?: string;
  /** Multiplicity that the file states. */
  readonly multiplicity?: number;
  readonly disorderGroup?: string;
  readonly line?: number;
}

/** All symmetry images of one row, in the order of the operators. */
export interface ExpandedRow {
  readonly row: SiteRow;
  /** Index into `asymmetric`: rows that share a position have the same one. */
  readonly site: number;
  /** 3m fractional. */
  readonly fractional: Float64Array;
}

export interface ExpandedCrystal {
  readonly cell: Float64Array;
  /** In file order. */
  readonly rows: readonly ExpandedRow[];
}

export interface Crystal {
  /** Nine numbers, rows a, b, c (A). */
  readonly cell: Float64Array;
  readonly operators: readonly SymmetryOperator[];
  readonly spaceGroup?: { readonly number?: number; readonly hermannMauguin?: string; readonly hall?: string };
  readonly asymmetric: readonly CrystalSite[];
  /** Name of the data block. */
  readonly name: string;
  readonly warnings: readonly Warning[];
  expand(): ExpandedCrystal;
}

/** Closer positions than this (A) cannot both be filled. */
const OVERLAP_DISTANCE = 0.5;

export interface Expansion {
  readonly asymmetric: CrystalSite[];
  readonly expanded: ExpandedCrystal;
}

/** g = f - floor(f), and 0 for what rounds to 1 (structures.md 2). */
function wrapped(f: number): number {
  const g = f - Math.floor(f);
  return g >= 1 - 1e-12 ? 0 : g;
}

/** Distance of the nearest lattice images of two points that are close to each other, A. */
function nearestDistance(a: Vec3, b: Vec3, cell: ArrayLike<number>): number {
  const d = a.map((x, k) => x - b[k]! - Math.round(x - b[k]!)) as Vec3;
  return Math.hypot(...timesMatrix(d, cell));
}

/**
 * Puts every row on its special position and makes its orbit; rows that coincide become one site. `tolerance` (A) is the distance
 * within which two images are the same point. Errors: `E_CIF_SPECIAL_POSITION`, `E_CIF_MULTIPLICITY`, `E_CIF_OCCUPANCY`, `E_CIF_OVERLAP`.
 */
export function expandRows(
  rows: readonly SiteRow[],
  operators: readonly SymmetryOperator[],
  cell: Float64Array,
  tolerance: number,
  place: CifPlace,
): Expansion {
  const orbits = rows.map((row) => orbitOf(row, operators, cell, tolerance, place));
  const { site, close } = coincidences(orbits, cell, tolerance);
  const occupancies = scaledOccupancies(rows, site, place);

  const asymmetric: CrystalSite[] = [];
  const siteNumber = new Map<number, number>();
  const expandedRows: ExpandedRow[] = [];
  rows.forEach((row, r) => {
    const root = site[r]!;
    const occupant: Occupant = {
      label: row.label,
      element: SYMBOLS[row.species]!,
      charge: row.charge,
      occupancy: occupancies[r]!,
    };
    let index = siteNumber.get(root);
    if (index === undefined) {
      index = asymmetric.length;
      siteNumber.set(root, index);
      const { label, wyckoff, disorderGroup } = row;
      const { position, fractional } = orbits[r]!;
      asymmetric.push({ label, position, occupants: [occupant], wyckoff, multiplicity: fractional.length / 3, disorderGroup });
    } else {
      const shared = asymmetric[index]!;
      asymmetric[index] = { ...shared, occupants: [...shared.occupants, occupant] };
    }
    expandedRows.push({ row: { ...row, occupancy: occupancies[r]! }, site: index, fractional: orbits[r]!.fractional });
  });

  const filled = asymmetric.map(({ occupants }) => occupants.reduce((sum, { occupancy }) => sum + occupancy, 0) > 1 - 1e-3);
  for (const { first, second, distance } of close) {
    if (!filled[expandedRows[first]!.site] || !filled[expandedRows[second]!.site]) continue;
    throw cifError(
      place,
      'E_CIF_OVERLAP',
      rows[second]!.line,
      `atoms ${rows[first]!.label} and ${rows[second]!.label} are ${distance.toFixed(3)} A apart, and both positions are full`,
      { hint: 'wrong origin choice or wrong operators? check the coordinates and the space group' },
    );
  }
  return { asymmetric, expanded: { cell, rows: expandedRows } };
}

interface Orbit {
  readonly position: Vec3;
  readonly fractional: Float64Array;
}

function orbitOf(
  row: SiteRow,
  operators: readonly SymmetryOperator[],
  cell: Float64Array,
  tolerance: number,
  place: CifPlace,
): Orbit {
  // With the identity alone there is nothing to repair, and the atom stays exactly where the file has it.
  if (operators.length === 1) {
    checkMultiplicity(row, 1, place);
    return { position: row.position, fractional: Float64Array.from(row.position) };
  }
  let stabiliser = 0;
  const shift: Vec3 = [0, 0, 0];
  for (const operator of operators) {
    const image = applyOperator(operator, row.position);
    if (nearestDistance(image, row.position, cell) >= tolerance) continue;
    stabiliser++;
    for (let k = 0; k < 3; k++) {
      const d = image[k]! - row.position[k]!;
      shift[k]! += d - Math.round(d);
    }
  }
  // The mean over the stabiliser lies exactly on the special position: 0.3333 becomes 1/3.
  const position = row.position.map((x, k) => x + shift[k]! / stabiliser) as Vec3;
  const kept: Vec3[] = [];
  for (const operator of operators) {
    const image = applyOperator(operator, position).map(wrapped) as Vec3;
    if (!kept.some((other) => nearestDistance(image, other, cell) < tolerance)) kept.push(image);
  }
  if (kept.length * stabiliser !== operators.length) {
    throw cifError(
      place,
      'E_CIF_SPECIAL_POSITION',
      row.line,
      `atom ${row.label}: ${kept.length} images and ${stabiliser} operators that leave it in place do not multiply to the ${operators.length} operators of the group`,
      {
        hint: `the atom lies about ${tolerance} A from a special position; give another siteTolerance (now ${tolerance} A), or more digits`,
      },
    );
  }
  checkMultiplicity(row, kept.length, place);
  return { position, fractional: Float64Array.from(kept.flat()) };
}

function checkMultiplicity(row: SiteRow, found: number, place: CifPlace): void {
  if (row.multiplicity === undefined || row.multiplicity === found) return;
  throw cifError(
    place,
    'E_CIF_MULTIPLICITY',
    row.line,
    `atom ${row.label}: the file states the multiplicity ${row.multiplicity}, the operators give ${found}`,
    { hint: 'coordinates, operators or origin do not belong together; or the column holds the order of the site symmetry' },
  );
}

interface ClosePair {
  readonly first: number;
  readonly second: number;
  readonly distance: number;
}

/** For each row the first row on the same position, and the pairs of rows with images closer than the overlap distance. */
function coincidences(orbits: readonly Orbit[], cell: Float64Array, tolerance: number): { site: number[]; close: ClosePair[] } {
  const owner: number[] = [];
  for (let r = 0; r < orbits.length; r++) for (let m = 0; m < orbits[r]!.fractional.length; m += 3) owner.push(r);
  const positions = new Float64Array(3 * owner.length);
  let atom = 0;
  for (const { fractional } of orbits) {
    for (let m = 0; m < fractional.length; m += 3) positions.set(timesMatrix(fractional.subarray(m, m + 3), cell), 3 * atom++);
  }
  const site = orbits.map((_, r) => r);
  const rootOf = (r: number): number => {
    let root = r;
    while (site[root] !== root) root = site[root]!;
    return root;
  };
  const close = new Map<string, ClosePair>();
  forEachPair({ cell, pbc: [true, true, true], positions }, Math.max(OVERLAP_DISTANCE, tolerance), (i, j, distance) => {
    const first = Math.min(owner[i]!, owner[j]!);
    const second = Math.max(owner[i]!, owner[j]!);
    if (distance < tolerance && first !== second) {
      const [a, b] = [rootOf(first), rootOf(second)];
      site[Math.max(a, b)] = Math.min(a, b);
    } else if (distance < OVERLAP_DISTANCE) {
      const key = `${first} ${second}`;
      if (!close.has(key)) close.set(key, { first, second, distance });
    }
  });
  const roots = site.map((_, r) => rootOf(r));
  return { site: roots, close: [...close.values()] };
}

/** The occupancies with sums in (1, 1.001] brought back to one; throws `E_CIF_OCCUPANCY` beyond. */
function scaledOccupancies(rows: readonly SiteRow[], site: readonly number[], place: CifPlace): number[] {
  const sums = new Map<number, number>();
  rows.forEach((row, r) => {
    const sum = (sums.get(site[r]!) ?? 0) + row.occupancy;
    sums.set(site[r]!, sum);
    if (sum > 1.001) {
      const labels = rows.filter((_, other) => site[other] === site[r]).map(({ label }) => label);
      throw cifError(
        place,
        'E_CIF_OCCUPANCY',
        row.line,
        `the occupancies of one position (${labels.join(', ')}) add to ${Number(sum.toFixed(6))}`,
        {
          hint: 'they may add to 1 at most; is an atom listed twice?',
        },
      );
    }
  });
  return rows.map((row, r) => row.occupancy / Math.max(1, sums.get(site[r]!)!));
}

/** Fractional coordinates of Cartesian points. */
export function fractionalOf(
  positions: ArrayLike<number>,
  cell: ArrayLike<number>,
  origin: ArrayLike<number> = [0, 0, 0],
): Float64Array {
  const toFractional = inverse(cell);
  const out = new Float64Array(positions.length);
  for (let i = 0; i < positions.length; i += 3) {
    out.set(
      timesMatrix([positions[i]! - origin[0]!, positions[i + 1]! - origin[1]!, positions[i + 2]! - origin[2]!], toFractional),
      i,
    );
  }
  return out;
}
