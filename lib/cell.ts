/**
 * Cells. Rows of the 3x3 matrix H are the vectors a, b, c; positions are rows, x = s H (structures.md 2, dynamics.md 2).
 * Nine-number arrays are row-major throughout.
 */
import { StructureError } from './errors.js';

export type Vec3 = [number, number, number];

/** det H, A^3; positive for a right-handed cell. */
export function determinant(h: ArrayLike<number>): number {
  return (
    h[0]! * (h[4]! * h[8]! - h[5]! * h[7]!) - h[1]! * (h[3]! * h[8]! - h[5]! * h[6]!) + h[2]! * (h[3]! * h[7]! - h[4]! * h[6]!)
  );
}

/** H^-1, row-major: s = x H^-1. */
export function inverse(h: ArrayLike<number>): Float64Array {
  const d = 1 / determinant(h);
  return Float64Array.of(
    (h[4]! * h[8]! - h[5]! * h[7]!) * d,
    (h[2]! * h[7]! - h[1]! * h[8]!) * d,
    (h[1]! * h[5]! - h[2]! * h[4]!) * d,
    (h[5]! * h[6]! - h[3]! * h[8]!) * d,
    (h[0]! * h[8]! - h[2]! * h[6]!) * d,
    (h[2]! * h[3]! - h[0]! * h[5]!) * d,
    (h[3]! * h[7]! - h[4]! * h[6]!) * d,
    (h[1]! * h[6]! - h[0]! * h[7]!) * d,
    (h[0]! * h[4]! - h[1]! * h[3]!) * d,
  );
}

/** a b for row-major 3x3 matrices. */
export function multiply(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  const out = new Float64Array(9);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      out[3 * i + j] = a[3 * i]! * b[j]! + a[3 * i + 1]! * b[3 + j]! + a[3 * i + 2]! * b[6 + j]!;
    }
  }
  return out;
}

export function transpose(m: ArrayLike<number>): Float64Array {
  return Float64Array.of(m[0]!, m[3]!, m[6]!, m[1]!, m[4]!, m[7]!, m[2]!, m[5]!, m[8]!);
}

/** Row vector times matrix. */
export function timesMatrix(v: ArrayLike<number>, m: ArrayLike<number>): Vec3 {
  return [
    v[0]! * m[0]! + v[1]! * m[3]! + v[2]! * m[6]!,
    v[0]! * m[1]! + v[1]! * m[4]! + v[2]! * m[7]!,
    v[0]! * m[2]! + v[1]! * m[5]! + v[2]! * m[8]!,
  ];
}

/** Face distances (perpendicular widths) V/|b x c| and cyclic, A: they decide how many images a cutoff needs. */
export function perpendicularWidths(h: ArrayLike<number>): Vec3 {
  const volume = Math.abs(determinant(h));
  const cross = (i: number, j: number) =>
    Math.hypot(
      h[3 * i + 1]! * h[3 * j + 2]! - h[3 * i + 2]! * h[3 * j + 1]!,
      h[3 * i + 2]! * h[3 * j]! - h[3 * i]! * h[3 * j + 2]!,
      h[3 * i]! * h[3 * j + 1]! - h[3 * i + 1]! * h[3 * j]!,
    );
  return [volume / cross(1, 2), volume / cross(2, 0), volume / cross(0, 1)];
}

/** Lengths (A) and angles (degrees): alpha = (b, c), beta = (a, c), gamma = (a, b). */
export function lengthsAndAngles(h: ArrayLike<number>): { lengths: Vec3; angles: Vec3 } {
  const row = (i: number): Vec3 => [h[3 * i]!, h[3 * i + 1]!, h[3 * i + 2]!];
  const lengths = [0, 1, 2].map((i) => Math.hypot(...row(i))) as Vec3;
  const angle = (i: number, j: number) => {
    const dot = row(i).reduce((sum, x, k) => sum + x * row(j)[k]!, 0);
    return (Math.acos(Math.max(-1, Math.min(1, dot / (lengths[i]! * lengths[j]!)))) * 180) / Math.PI;
  };
  return { lengths, angles: [angle(1, 2), angle(0, 2), angle(0, 1)] };
}

/** Exact cosines of the crystallographic angles, so that hexagonal cells are exactly hexagonal. */
function cosine(degrees: number): number {
  if (degrees === 90) return 0;
  if (degrees === 60) return 0.5;
  if (degrees === 120) return -0.5;
  return Math.cos((degrees * Math.PI) / 180);
}

/**
 * Cell from lengths (A) and angles (degrees): a along x, b in the xy half-plane y > 0, c with z > 0 (structures.md 3, rule 2).
 * Throws `E_CELL_INVALID` where these span no volume.
 */
export function cellFromLengthsAndAngles(lengths: Vec3, angles: Vec3): Float64Array {
  const [a, b, c] = lengths;
  const [ca, cb, cg] = angles.map(cosine) as Vec3;
  const root = 1 + 2 * ca * cb * cg - ca * ca - cb * cb - cg * cg;
  const bad = lengths.some((x) => !(x > 0 && Number.isFinite(x))) || angles.some((x) => !(x > 0 && x < 180)) || !(root > 1e-8);
  if (bad) {
    throw new StructureError(
      'E_CELL_INVALID',
      `no cell has lengths ${lengths.join(', ')} A and angles ${angles.join(', ')} degrees`,
      {
        hint: 'lengths must be positive, angles inside (0, 180), and the three vectors must span a volume',
      },
    );
  }
  const sg = Math.sqrt(1 - cg * cg);
  const cy = (ca - cb * cg) / sg;
  return Float64Array.of(a, 0, 0, b * cg, b * sg, 0, c * cb, c * cy, c * Math.sqrt(1 - cb * cb - cy * cy));
}

/**
 * The restricted triclinic form (dynamics.md 2.2): a = (lx, 0, 0), b = (xy, ly, 0), c = (xz, yz, lz), and the rotation R with
 * v_restricted = v R (rows), T_restricted = R^T T R. Needs det H > 0.
 */
export function restrictedForm(h: ArrayLike<number>): { cell: Float64Array; rotation: Float64Array } {
  const a = [h[0]!, h[1]!, h[2]!];
  const b = [h[3]!, h[4]!, h[5]!];
  const c = [h[6]!, h[7]!, h[8]!];
  const dot = (u: number[], v: number[]) => u[0]! * v[0]! + u[1]! * v[1]! + u[2]! * v[2]!;
  const cross = (u: number[], v: number[]) => [
    u[1]! * v[2]! - u[2]! * v[1]!,
    u[2]! * v[0]! - u[0]! * v[2]!,
    u[0]! * v[1]! - u[1]! * v[0]!,
  ];
  const upper = h[1] === 0 && h[2] === 0 && h[5] === 0 && h[0]! > 0 && h[4]! > 0 && h[8]! > 0;
  // A cell that has the form already keeps its bits: positions must not change by a rounding of the identity.
  if (upper) return { cell: Float64Array.from(h), rotation: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) };
  const lx = Math.sqrt(dot(a, a));
  const ah = a.map((x) => x / lx);
  const n = cross(a, b);
  const nLength = Math.sqrt(dot(n, n));
  const nh = n.map((x) => x / nLength);
  const bh = cross(nh, ah);
  const axb = cross(ah, b);
  const cell = Float64Array.of(lx, 0, 0, dot(b, ah), Math.sqrt(dot(axb, axb)), 0, dot(c, ah), dot(c, bh), dot(c, nh));
  const rotation = Float64Array.of(ah[0]!, bh[0]!, nh[0]!, ah[1]!, bh[1]!, nh[1]!, ah[2]!, bh[2]!, nh[2]!);
  return { cell, rotation };
}
