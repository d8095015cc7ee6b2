/** The tables that the native kernel reads: rows of terms by type pair, self energies, barriers (native/potential/pair/view.hpp). */
import { COULOMB } from '../../units.js';
import { type PairTerm, shapeOf, treatmentConstants } from './forms.js';
import type { ResolvedPairPotential } from './options.js';

/** Numbers of one row, in the order of `Row` in view.hpp after its flags. */
const ROW_FIELDS = [
  'A',
  'sigma',
  'inverseRho',
  'C12',
  'C6',
  'C8',
  'D',
  'a',
  'r0',
  'shift',
  'tilt',
  'cutoff',
  'kqq',
  'alpha',
  'c0',
  'c1',
  'coulombCutoff',
] as const;

const FLAGS = ['exponential', 'power', 'morse', 'coulomb'] as const;

type Row = Record<(typeof ROW_FIELDS)[number], number> & Record<(typeof FLAGS)[number], boolean>;

export interface PairTables {
  readonly species: readonly string[];
  readonly cutoff: number;
  /** Rows x (4 flags + 17 numbers). */
  readonly rows: Float64Array;
  /** T T + 1. */
  readonly firstRow: Int32Array;
  readonly selfEnergies: Float64Array;
  /** T T, A; 0 = none. */
  readonly barriers: Float64Array;
}

/** Constants of the damped shifted force and its self energy per squared charge (coulomb.md 12). */
export function dampedConstants(damping: number, cutoff: number): { c0: number; c1: number; self: number } {
  const c0 = erfcAt(damping * cutoff) / cutoff;
  const bell = ((2 * damping) / Math.sqrt(Math.PI)) * Math.exp(-((damping * cutoff) ** 2));
  const c1 = (c0 + bell) / cutoff;
  return { c0, c1, self: -COULOMB * ((c0 + c1 * cutoff) / 2 + damping / Math.sqrt(Math.PI)) };
}

/** erfc by its series of positive terms below 1.5 and its continued fraction above: a dozen calls at load, full precision. */
export function erfcAt(x: number): number {
  const bell = Math.exp(-x * x);
  if (x < 1.5) {
    let term = x;
    let sum = x;
    for (let n = 1; term > 1e-18 * sum; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * bell * sum;
  }
  let tail = x;
  for (let n = 300; n >= 1; n--) tail = x + n / (2 * tail);
  return bell / (Math.sqrt(Math.PI) * tail);
}

/** `barriers`: r_b by pair name `A-B` in species order; pairs that are not in it have none. */
export function pairTables(resolved: ResolvedPairPotential, barriers: ReadonlyMap<string, number>): PairTables {
  const { species, electrostatics, charges } = resolved;
  const rows: Row[] = [];
  const firstRow = [0];
  const radii: number[] = [];
  for (const a of species) {
    for (const b of species) {
      const terms = resolved.terms.filter(({ species: [p, q] }) => (p === a && q === b) || (p === b && q === a));
      const added = rowsOf(terms);
      if (electrostatics.method === 'damped-shifted-force')
        addCoulomb(added, electrostatics, (charges[a] ?? 0) * (charges[b] ?? 0));
      rows.push(...added);
      firstRow.push(rows.length);
      radii.push(barriers.get(pairName(a, b)) ?? 0);
    }
  }
  const self = electrostatics.method === 'none' ? 0 : dampedConstants(electrostatics.damping, electrostatics.cutoff).self;
  const width = FLAGS.length + ROW_FIELDS.length;
  const numbers = new Float64Array(rows.length * width);
  rows.forEach((row, r) => {
    FLAGS.forEach((flag, i) => {
      numbers[r * width + i] = row[flag] ? 1 : 0;
    });
    ROW_FIELDS.forEach((field, i) => {
      numbers[r * width + FLAGS.length + i] = row[field];
    });
  });
  return {
    species,
    cutoff: cutoffOf(resolved),
    rows: numbers,
    firstRow: Int32Array.from(firstRow),
    selfEnergies: Float64Array.from(species, (symbol) => self * (charges[symbol] ?? 0) ** 2),
    barriers: Float64Array.from(radii),
  };
}

export function cutoffOf(resolved: ResolvedPairPotential): number {
  const coulomb = resolved.electrostatics.method === 'none' ? 0 : resolved.electrostatics.cutoff;
  return Math.max(coulomb, ...resolved.terms.map((term) => term.cutoff));
}

/** Name of an unordered pair: alphabetical. */
export const pairName = (a: string, b: string) => [a, b].sort().join('-');

/** Terms of one pair, merged into as few rows as their cutoffs and parts allow. */
function rowsOf(terms: readonly PairTerm[]): Row[] {
  const rows: Row[] = [];
  for (const term of terms) {
    const shape = shapeOf(term);
    const fits = (row: Row) =>
      row.cutoff === term.cutoff && !(shape.exponential && row.exponential) && !(shape.morse && row.morse);
    let row = rows.find(fits);
    if (!row) {
      row = emptyRow();
      row.cutoff = term.cutoff;
      rows.push(row);
    }
    if (shape.exponential) {
      row.exponential = true;
      row.A = shape.exponential.A;
      row.sigma = shape.exponential.sigma;
      row.inverseRho = 1 / shape.exponential.rho;
    }
    if (shape.power) {
      row.power = true;
      row.C12 += shape.power.C12;
      row.C6 += shape.power.C6;
      row.C8 += shape.power.C8;
    }
    if (shape.morse) {
      row.morse = true;
      row.D = shape.morse.D;
      row.a = shape.morse.a;
      row.r0 = shape.morse.r0;
    }
    const { shift, tilt } = treatmentConstants(term);
    row.shift += shift;
    row.tilt += tilt;
  }
  return rows;
}

function addCoulomb(rows: Row[], sum: { damping: number; cutoff: number }, chargeProduct: number): void {
  if (chargeProduct === 0) return;
  if (rows.length === 0) rows.push(emptyRow());
  const { c0, c1 } = dampedConstants(sum.damping, sum.cutoff);
  Object.assign(rows[0]!, { coulomb: true, kqq: COULOMB * chargeProduct, alpha: sum.damping, c0, c1, coulombCutoff: sum.cutoff });
}

function emptyRow(): Row {
  const row = { exponential: false, power: false, morse: false, coulomb: false } as Row;
  for (const field of ROW_FIELDS) row[field] = 0;
  return row;
}
