/** What every builder checks and reports about its structure (structures.md 23.1 and 23.2). */
import { lengthsAndAngles, perpendicularWidths, type Vec3 } from '../cell.js';
import { forEachPair } from '../close-pairs.js';
import { atomicNumber, SYMBOLS } from '../elements.js';
import { StructureError } from '../errors.js';
import { massesOf, type Structure, volumeOf, type Warning } from '../structure.js';
import { AMU_PER_A3_IN_G_PER_CM3 } from '../units.js';
import { byElectronegativity, compositionOf, reducedFormula } from './formula.js';
import { contentHash } from './provenance.js';

/** Six-fold ionic radii, A (R. D. Shannon, Acta Cryst. A32 (1976) 751), with H and As as structures.md 23.1 sets them. */
const RADII: Readonly<Record<string, number>> = {
  Li: 0.76,
  Na: 1.02,
  Mg: 0.72,
  Al: 0.535,
  Ga: 0.62,
  In: 0.8,
  Sb: 0.76,
  Sc: 0.745,
  Y: 0.9,
  La: 1.03,
  Er: 0.89,
  Zr: 0.72,
  Ge: 0.53,
  P: 0.38,
  B: 0.27,
  H: 0.3,
  F: 1.33,
  O: 1.4,
  Cl: 1.81,
  S: 1.84,
  Br: 1.96,
  Se: 1.98,
  I: 2.2,
  As: 2.2,
}; // prettier-ignore

/** Charges that the elements of the table carry in these materials; Ga and In are +1 or +2 in a few. */
const USUAL_CHARGES: Readonly<Record<string, number>> = {
  Li: 1,
  Na: 1,
  Mg: 2,
  Al: 3,
  Ga: 3,
  In: 3,
  Sb: 3,
  Sc: 3,
  Y: 3,
  La: 3,
  Er: 3,
  Zr: 4,
  Ge: 4,
  P: 5,
  B: 3,
  H: -1,
  F: -1,
  O: -2,
  Cl: -1,
  S: -2,
  Br: -1,
  Se: -2,
  I: -1,
  As: -3,
}; // prettier-ignore

const ANIONS = new Set(['H', 'F', 'O', 'Cl', 'S', 'Br', 'Se', 'I', 'As']);

/** No two cations come closer than this, A. */
const CATION_FLOOR = 2.0;

/** Shortest sensible distances in A by pair (`Ga-F`), to override the table. */
export type DistanceFloors = Readonly<Record<string, number>>;

/**
 * Shortest sensible distance of two elements: 0.75 times the sum of the radii where at least one is an anion, 2.0 A between
 * cations; null where a radius is not tabulated.
 */
export function distanceFloor(a: string, b: string, floors: DistanceFloors = {}): number | null {
  const own = floors[`${a}-${b}`] ?? floors[`${b}-${a}`];
  if (own !== undefined) return own;
  const [ra, rb] = [RADII[a], RADII[b]];
  if (ra === undefined || rb === undefined) return null;
  return ANIONS.has(a) || ANIONS.has(b) ? 0.75 * (ra + rb) : CATION_FLOOR;
}

export interface ShortestDistance {
  /** `Li-Cl`: the electropositive element first. */
  readonly pair: string;
  /** A; null where there is no such pair, as in a molecule with one atom of the element. */
  readonly distance: number | null;
  /** Atoms of the shortest pair; the same number twice for an atom and its image. */
  readonly atoms: readonly [number, number] | null;
  /** A. */
  readonly floor: number | null;
}

/** First cutoff of the search, A: nearly all pairs of a solid are found with it. */
const FIRST_CUTOFF = 3.5;

/** Shortest distance of every pair of elements, all periodic images included. Atoms of one `molecule` (tag) are skipped. */
export function shortestDistances(structure: Structure, floors: DistanceFloors = {}): ShortestDistance[] {
  const symbols = byElectronegativity(Object.keys(compositionOf(structure)));
  const molecule = structure.tags.molecule;
  const found = new Map<number, { distance: number; atoms: readonly [number, number] }>();
  const search = (subset: Int32Array, cutoff: number) => {
    const positions = new Float64Array(3 * subset.length);
    for (let m = 0; m < subset.length; m++)
      positions.set(structure.positions.subarray(3 * subset[m]!, 3 * subset[m]! + 3), 3 * m);
    forEachPair({ cell: structure.cell, pbc: structure.pbc, positions }, cutoff, (a, b, distance) => {
      const i = subset[a]!;
      const j = subset[b]!;
      if (molecule && i !== j && molecule[i] === molecule[j]) return;
      const key = pairKey(structure.species[i]!, structure.species[j]!);
      const known = found.get(key);
      if (!known || distance < known.distance) found.set(key, { distance, atoms: [i, j] });
    });
  };
  const members = (a: string, b: string) => {
    const [za, zb] = [atomicNumber(a)!, atomicNumber(b)!];
    return Int32Array.from(structure.species.keys()).filter((i) => structure.species[i] === za || structure.species[i] === zb);
  };
  // Beyond this nothing can be new: every atom meets its own images within a cell edge, and others within the extent of the structure.
  const farthest = extent(structure);
  search(Int32Array.from(structure.species.keys()), FIRST_CUTOFF);
  const out: ShortestDistance[] = [];
  symbols.forEach((a, m) => {
    for (const b of symbols.slice(m)) {
      const key = pairKey(atomicNumber(a)!, atomicNumber(b)!);
      for (let cutoff = 2 * FIRST_CUTOFF; !found.has(key) && cutoff < 2 * farthest; cutoff *= 2) search(members(a, b), cutoff);
      const { distance, atoms } = found.get(key) ?? { distance: null, atoms: null };
      out.push({ pair: `${a}-${b}`, distance, atoms, floor: distanceFloor(a, b, floors) });
    }
  });
  return out;
}

function pairKey(a: number, b: number): number {
  return 128 * Math.min(a, b) + Math.max(a, b);
}

/** A length, A, that no shortest pair exceeds. */
function extent(structure: Structure): number {
  const low: Vec3 = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high: Vec3 = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  structure.positions.forEach((x, i) => {
    low[i % 3] = Math.min(low[i % 3]!, x);
    high[i % 3] = Math.max(high[i % 3]!, x);
  });
  const span = Math.hypot(...high.map((x, k) => x - low[k]!));
  const edges = structure.cell ? lengthsAndAngles(structure.cell).lengths.reduce((sum, x) => sum + x, 0) : 0;
  return span + edges + 1;
}

export interface StructureReport {
  readonly atoms: number;
  readonly composition: Readonly<Record<string, number>>;
  readonly formula: string;
  readonly formulaUnits: number;
  /** Total formal charge, e; null where an element has no known charge. */
  readonly charge: number | null;
  /** Where the charges come from. */
  readonly chargeSource: 'structure' | 'usual charges' | null;
  readonly cell: { readonly lengths: Vec3; readonly angles: Vec3; readonly faceDistances: Vec3 } | null;
  readonly periodic: readonly [boolean, boolean, boolean];
  /** A^3. */
  readonly volume: number | null;
  /** A^3. */
  readonly volumePerFormulaUnit: number | null;
  /** g/cm3. */
  readonly density: number | null;
  readonly shortestDistances: readonly ShortestDistance[];
  readonly warnings: readonly Warning[];
  /** SHA-256, see `contentHash`. */
  readonly contentHash: string;
}

export interface ReportOptions {
  readonly floors?: DistanceFloors;
  /** Cutoff of the force field that will be used, A: cells that are narrower than twice this are noted. */
  readonly cutoff?: number;
}

/** Composition, charge, cell, density and shortest distances, with warnings where they look wrong. */
export function report(structure: Structure, options: ReportOptions = {}): StructureReport {
  const composition = compositionOf(structure);
  const { formula, units } = reducedFormula(composition);
  const volume = volumeOf(structure);
  const mass = massesOf(structure).reduce((sum, m) => sum + m, 0);
  const warnings: Warning[] = [...structure.warnings];
  const distances = shortestDistances(structure, options.floors);
  for (const { pair, distance, floor, atoms } of distances) {
    if (distance === null || floor === null || distance >= floor) continue;
    const message = `the shortest ${pair} distance is ${distance.toFixed(3)} A (atoms ${atoms!.join(' and ')}), below the ${floor.toFixed(2)} A that are usual at least`;
    warnings.push({ code: 'W_OVERLAP', message });
  }
  const { charge, source } = totalCharge(structure, composition);
  if (charge !== null && Math.abs(charge) > 1e-6) {
    const message = `the formal charges add to ${charge > 0 ? '+' : ''}${Number(charge.toFixed(6))} e (${source})`;
    warnings.push({ code: 'W_NOT_NEUTRAL', message });
  }
  let cell: StructureReport['cell'] = null;
  if (structure.cell) {
    cell = { ...lengthsAndAngles(structure.cell), faceDistances: perpendicularWidths(structure.cell) };
    const narrowest = Math.min(...cell.faceDistances.filter((_, k) => structure.pbc[k]));
    if (options.cutoff !== undefined && narrowest < 2 * options.cutoff) {
      const message = `the smallest face distance, ${narrowest.toFixed(2)} A, is below twice the cutoff of ${options.cutoff} A`;
      warnings.push({ code: 'W_SMALL_CELL', message });
    }
  }
  // The volume of a cell means something where matter fills it.
  const bulk = volume !== null && structure.pbc.every(Boolean);
  return {
    atoms: structure.species.length,
    composition,
    formula,
    formulaUnits: units,
    charge,
    chargeSource: source,
    cell,
    periodic: structure.pbc,
    volume,
    volumePerFormulaUnit: bulk ? volume / units : null,
    density: bulk ? (AMU_PER_A3_IN_G_PER_CM3 * mass) / volume : null,
    shortestDistances: distances,
    warnings,
    contentHash: contentHash(structure),
  };
}

function totalCharge(
  structure: Structure,
  composition: Readonly<Record<string, number>>,
): { charge: number | null; source: StructureReport['chargeSource'] } {
  if (structure.charges) return { charge: structure.charges.reduce((sum, q) => sum + q, 0), source: 'structure' };
  if (Object.keys(composition).some((symbol) => USUAL_CHARGES[symbol] === undefined)) return { charge: null, source: null };
  return {
    charge: Object.entries(composition).reduce((sum, [symbol, count]) => sum + count * USUAL_CHARGES[symbol]!, 0),
    source: 'usual charges',
  };
}

/** Throws `E_NOT_NEUTRAL` where the structure carries charges that do not add to zero. */
export function requireNeutral(structure: Structure, options: { allowCharged?: boolean } = {}): void {
  if (options.allowCharged || !structure.charges) return;
  const total = structure.charges.reduce((sum, q) => sum + q, 0);
  // Formal charges are integers or simple fractions; a lost ion is off by one.
  if (Math.abs(total) <= 1e-6) return;
  const byElement = new Map<number, number>();
  structure.species.forEach((z, i) => {
    byElement.set(z, (byElement.get(z) ?? 0) + structure.charges![i]!);
  });
  const parts = [...byElement].map(([z, q]) => `${SYMBOLS[z]} ${q > 0 ? '+' : ''}${Number(q.toFixed(6))}`);
  throw new StructureError(
    'E_NOT_NEUTRAL',
    `the formal charges add to ${total > 0 ? '+' : ''}${Number(total.toFixed(6))} e: ${parts.join(', ')}`,
    {
      hint: 'check the composition, or give allowCharged: true',
    },
  );
}
