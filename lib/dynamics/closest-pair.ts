/** Distances for failure reports: the closest pair of all atoms and their images, and nearest neighbours of some. */
import { determinant, inverse, perpendicularWidths } from '../cell.js';
import type { SystemState } from './state.js';

export interface PairDistance {
  readonly atoms: readonly [number, number];
  /** A. */
  readonly distance: number;
}

type Geometry = Pick<SystemState, 'positions' | 'cell' | 'pbc' | 'natoms'>;

/**
 * Covalent radii in A by atomic number (Cordero et al., Dalton Trans. 2008, 2832), 1..57; heavier atoms get 1.5. Only to say
 * that two atoms lie on top of each other.
 */
const RADII = [
  0, 0.31, 0.28, 1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58, 1.66, 1.41, 1.21, 1.11, 1.07, 1.05, 1.02, 1.06, 2.03, 1.76, 1.7,
  1.6, 1.53, 1.39, 1.39, 1.32, 1.26, 1.24, 1.32, 1.22, 1.22, 1.2, 1.19, 1.2, 1.2, 1.16, 2.2, 1.95, 1.9, 1.75, 1.64, 1.54, 1.47,
  1.46, 1.42, 1.39, 1.45, 1.44, 1.42, 1.39, 1.39, 1.38, 1.39, 1.4, 2.44, 2.15, 2.07,
];

/** Sum of the covalent radii of two atomic numbers, A. */
export function contactDistance(a: number, b: number): number {
  return (RADII[a] ?? 1.5) + (RADII[b] ?? 1.5);
}

/**
 * Nearest neighbour of each atom within `reach` A (null where there is none), images included; atoms without finite coordinates have none. Bins
 * in fractional space, so that large systems take no time.
 */
export function nearestNeighbours(system: Geometry, reach: number): (PairDistance | null)[] {
  const { natoms, pbc } = system;
  const frame = fractionalFrame(system);
  const nearest: (PairDistance | null)[] = new Array(natoms).fill(null);
  const counts = frame.widths.map((width) => Math.min(64, Math.max(1, Math.floor(width / reach))));
  const range = frame.widths.map((width, k) => (pbc[k] || counts[k]! > 1 ? Math.ceil((reach * counts[k]!) / width) : 0));
  const bins = new Map<number, number[]>();
  const binOf = new Int32Array(3 * natoms);
  const key = (a: number, b: number, c: number) => (a * counts[1]! + b) * counts[2]! + c;
  for (let i = 0; i < natoms; i++) {
    if (Number.isNaN(frame.wrapped[3 * i]!)) continue;
    for (let k = 0; k < 3; k++) {
      binOf[3 * i + k] = Math.min(counts[k]! - 1, Math.max(0, Math.floor(frame.wrapped[3 * i + k]! * counts[k]!)));
    }
    const bin = key(binOf[3 * i]!, binOf[3 * i + 1]!, binOf[3 * i + 2]!);
    const list = bins.get(bin);
    if (list) list.push(i);
    else bins.set(bin, [i]);
  }
  const place = (bin: number, k: number): [number, number] | null => {
    const turn = Math.floor(bin / counts[k]!);
    return turn !== 0 && !pbc[k] ? null : [bin - turn * counts[k]!, turn];
  };
  for (let i = 0; i < natoms; i++) {
    if (Number.isNaN(frame.wrapped[3 * i]!)) continue;
    let best = reach;
    for (let a = -range[0]!; a <= range[0]!; a++) {
      const pa = place(binOf[3 * i]! + a, 0);
      for (let b = -range[1]!; pa && b <= range[1]!; b++) {
        const pb = place(binOf[3 * i + 1]! + b, 1);
        for (let c = -range[2]!; pb && c <= range[2]!; c++) {
          const pc = place(binOf[3 * i + 2]! + c, 2);
          if (!pc) continue;
          for (const j of bins.get(key(pa[0], pb[0], pc[0])) ?? []) {
            const self = j === i && pa[1] === 0 && pb[1] === 0 && pc[1] === 0;
            const distance = self ? Infinity : frame.distance(i, j, pa[1], pb[1], pc[1]);
            if (distance < best) {
              best = distance;
              nearest[i] = { atoms: [i, j], distance };
            }
          }
        }
      }
    }
  }
  return nearest;
}

/** The closest pair within `reach` A, or null. */
export function closestPair(neighbours: readonly (PairDistance | null)[]): PairDistance | null {
  let closest: PairDistance | null = null;
  for (const pair of neighbours) if (pair && (!closest || pair.distance < closest.distance)) closest = pair;
  return closest;
}

/** Fractional coordinates in [0, 1) along periodic directions; along others, relative to the box of the atoms. */
function fractionalFrame({ positions, cell, pbc, natoms }: Geometry) {
  const isolated = determinant(cell) === 0;
  const h = isolated ? Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) : cell;
  const back = inverse(h);
  const s = new Float64Array(3 * natoms);
  for (let i = 0; i < natoms; i++) {
    for (let k = 0; k < 3; k++) {
      s[3 * i + k] = positions[3 * i]! * back[k]! + positions[3 * i + 1]! * back[3 + k]! + positions[3 * i + 2]! * back[6 + k]!;
    }
    // Far beyond any cell there is nothing to be near to, and a floor of it has no digits left.
    if (![0, 1, 2].every((k) => Math.abs(s[3 * i + k]!) < 1e9)) s.fill(Number.NaN, 3 * i, 3 * i + 3);
  }
  const widths = perpendicularWidths(h);
  const wrapped = s.slice();
  for (let k = 0; k < 3; k++) {
    if (pbc[k]) {
      for (let i = 0; i < natoms; i++) wrapped[3 * i + k]! -= Math.floor(wrapped[3 * i + k]!);
      continue;
    }
    let low = Infinity;
    let high = -Infinity;
    for (let i = 0; i < natoms; i++) {
      low = Math.min(low, Number.isNaN(s[3 * i + k]!) ? low : s[3 * i + k]!);
      high = Math.max(high, Number.isNaN(s[3 * i + k]!) ? high : s[3 * i + k]!);
    }
    const span = high > low ? high - low : 1;
    for (let i = 0; i < natoms; i++) wrapped[3 * i + k] = (s[3 * i + k]! - low) / span;
    widths[k]! *= span;
  }
  const distance = (i: number, j: number, a: number, b: number, c: number): number => {
    // Cartesian difference of the wrapped images: periodic directions by the wrapped coordinates, others by the original ones.
    const d = [a, b, c].map((turn, k) =>
      pbc[k] ? wrapped[3 * j + k]! + turn - wrapped[3 * i + k]! : s[3 * j + k]! - s[3 * i + k]!,
    );
    const along = (axis: number) => d[0]! * h[axis]! + d[1]! * h[3 + axis]! + d[2]! * h[6 + axis]!;
    return Math.hypot(along(0), along(1), along(2));
  };
  return { wrapped, widths, distance };
}
