/** Searches for supercell matrices with a wanted shape: orthogonal, or close to a cube (structures.md 14). */
import { determinant, multiply, perpendicularWidths, timesMatrix, type Vec3 } from '../cell.js';
import { StructureError } from '../errors.js';
import { alignedRows, integerDeterminant, reducedBasis } from './integer-matrix.js';

export interface OrthogonalOptions {
  /** Largest entry of the matrix (default 6). */
  readonly maxIndex?: number;
  /** Largest deviation from 90 degrees (default 0.5). */
  readonly angleTolerance?: number;
  /** Largest number of cells (default 64). */
  readonly maxDeterminant?: number;
}

export interface OrthogonalChoice {
  /** Nine integers, row-major, right-handed. */
  readonly matrix: number[];
  readonly determinant: number;
  /** A, in the order of the rows. */
  readonly edges: Vec3;
  /** Degrees. */
  readonly deviation: number;
}

interface Candidate {
  readonly n: Vec3;
  readonly x: Vec3;
  readonly length: number;
}

function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function gcd(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : gcd(b, a % b);
}

/** Integer vectors with entries up to the given ones, zero left out, one of each pair v, -v (first non-zero entry positive). */
function halfSpaceVectors(cell: ArrayLike<number>, reach: Vec3): Candidate[] {
  const out: Candidate[] = [];
  for (let i = 0; i <= reach[0]; i++) {
    for (let j = i === 0 ? 0 : -reach[1]; j <= reach[1]; j++) {
      for (let k = i === 0 && j === 0 ? 1 : -reach[2]; k <= reach[2]; k++) {
        const n: Vec3 = [i, j, k];
        const x = timesMatrix(n, cell);
        out.push({ n, x, length: Math.hypot(...x) });
      }
    }
  }
  return out;
}

/**
 * Among triples of primitive integer vectors that are pairwise perpendicular within the tolerance the one with the smallest determinant;
 * ties go to the smallest ratio of the longest to the shortest edge, then to the smallest deviation. Throws `E_NO_ORTHOGONAL`.
 */
export function orthogonalMatrix(cell: ArrayLike<number>, options: OrthogonalOptions = {}): OrthogonalChoice {
  const { maxIndex = 6, angleTolerance = 0.5, maxDeterminant = 64 } = options;
  const vectors = halfSpaceVectors(cell, [maxIndex, maxIndex, maxIndex]).filter(({ n }) => gcd(gcd(n[0], n[1]), n[2]) === 1);
  const largestCosine = Math.sin((angleTolerance * Math.PI) / 180);
  const cosineOf = (a: Candidate, b: Candidate) => Math.abs(dot(a.x, b.x)) / (a.length * b.length);
  // A tolerance of zero still means right angles, up to rounding.
  const perpendicular = (a: Candidate, b: Candidate) => cosineOf(a, b) <= largestCosine + 1e-12;
  const partners = vectors.map((a, i) => {
    const list: number[] = [];
    for (let j = i + 1; j < vectors.length; j++) if (perpendicular(a, vectors[j]!)) list.push(j);
    return list;
  });
  let best: { p: number[]; det: number; ratio: number; cosine: number } | null = null;
  for (let i = 0; i < vectors.length; i++) {
    const near = new Set(partners[i]);
    for (const j of partners[i]!) {
      for (const k of partners[j]!) {
        if (!near.has(k)) continue;
        const [a, b, c] = [vectors[i]!, vectors[j]!, vectors[k]!];
        const p = [...a.n, ...b.n, ...c.n];
        const det = Math.abs(integerDeterminant(p));
        if (det === 0 || det > maxDeterminant || (best && det > best.det)) continue;
        const ratio = Math.max(a.length, b.length, c.length) / Math.min(a.length, b.length, c.length);
        const cosine = Math.max(cosineOf(a, b), cosineOf(a, c), cosineOf(b, c));
        const better =
          !best ||
          det < best.det ||
          ratio < best.ratio * (1 - 1e-9) ||
          (ratio < best.ratio * (1 + 1e-9) && cosine < best.cosine - 1e-12);
        if (better) best = { p, det, ratio, cosine };
      }
    }
  }
  if (!best) {
    throw new StructureError(
      'E_NO_ORTHOGONAL',
      `no orthogonal supercell of at most ${maxDeterminant} cells with entries up to ${maxIndex} within ${angleTolerance} degrees`,
      { hint: 'raise maxDeterminant, maxIndex or angleTolerance' },
    );
  }
  const matrix = alignedRows(best.p, cell);
  const edges = multiply(matrix, cell);
  return {
    matrix,
    determinant: best.det,
    edges: [0, 1, 2].map((i) => Math.hypot(edges[3 * i]!, edges[3 * i + 1]!, edges[3 * i + 2]!)) as Vec3,
    deviation: (Math.asin(Math.min(1, best.cosine)) * 180) / Math.PI,
  };
}

/**
 * Integer matrix with a determinant within 20 % of `cells` whose cell is closest to a cube: the metric G' = H' H'^T is compared with L^2 I,
 * L^3 = V', by |G' - L^2 I|^2 / L^4. Ties go to the smaller determinant. Branch and bound over the vectors of the reduced lattice.
 */
export function nearCubicMatrix(cell: ArrayLike<number>, cells: number): number[] {
  if (!(cells > 0 && Number.isFinite(cells)))
    throw new StructureError('E_NUMBER', `expected a positive number of atoms, got ${cells} cells`);
  const u = reducedBasis(cell);
  const reduced = multiply(u, cell);
  const volume = Math.abs(determinant(cell));
  const widths = perpendicularWidths(reduced);
  const least = Math.max(1, Math.ceil(0.8 * cells - 1e-9));
  const most = Math.max(1, Math.floor(1.2 * cells + 1e-9));
  let best: { p: number[]; det: number; score: number } | null = null;
  // The bound first admits edges within 10 % of L, and opens until a triple is found; then the score found bounds all.
  for (let bound = 0.05; !best; bound *= 4) {
    const largest = Math.sqrt((most * volume) ** (2 / 3) * (1 + Math.sqrt(bound)));
    const vectors = halfSpaceVectors(reduced, widths.map((width) => Math.ceil(largest / width)) as Vec3);
    for (let det = least; det <= most; det++) {
      const edge2 = (det * volume) ** (2 / 3);
      const limit = () => Math.min(bound, best ? best.score - 1e-12 : bound);
      const candidates = vectors
        .filter(({ length }) => ((length * length) / edge2 - 1) ** 2 < limit())
        .map((v) => ({ ...v, strain: ((v.length * v.length) / edge2 - 1) ** 2 }))
        .sort((a, b) => a.strain - b.strain);
      const shear = (a: Candidate, b: Candidate) => 2 * (dot(a.x, b.x) / edge2) ** 2;
      for (let i = 0; i < candidates.length; i++) {
        const a = candidates[i]!;
        if (3 * a.strain >= limit()) break;
        for (let j = i + 1; j < candidates.length; j++) {
          const b = candidates[j]!;
          if (a.strain + 2 * b.strain >= limit()) break;
          const two = a.strain + b.strain + shear(a, b);
          if (two + b.strain >= limit()) continue;
          for (let k = j + 1; k < candidates.length; k++) {
            const c = candidates[k]!;
            if (two + c.strain >= limit()) break;
            const score = two + c.strain + shear(a, c) + shear(b, c);
            if (score >= limit()) continue;
            const p = [...a.n, ...b.n, ...c.n];
            if (Math.abs(integerDeterminant(p)) === det) best = { p, det, score };
          }
        }
      }
    }
  }
  return alignedRows(
    Array.from(multiply(best.p, u), (x) => Math.round(x) + 0),
    cell,
  );
}
