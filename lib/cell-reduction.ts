/** Reducing a tilted cell and wrapping atoms into it (dynamics.md 2.4, 2.5). Cartesian places never change, only their bookkeeping. */
import { inverse, timesMatrix, type Vec3 } from './cell.js';

/** Reduce where a tilt exceeds half an edge by this much: hysteresis against flipping back and forth. */
export const TILT_LIMIT = 0.6;

export interface Reduction {
  /** 9, restricted form. */
  readonly cell: Float64Array;
  /** 9 integers, row-major: new cell = M old cell, det M = 1. Every other reference to the old lattice needs the same M. */
  readonly matrix: Int32Array;
}

/**
 * The cell with tilts brought back to half an edge, or null where no tilt exceeds `limit` times its edge.
 * @param h restricted form: a along x, b in the xy plane
 */
export function reduceTilt(h: ArrayLike<number>, limit = TILT_LIMIT): Reduction | null {
  const cell = Float64Array.from(h);
  const matrix = Int32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  // Row `row` loses `times` rows `other`, in the cell and in M alike.
  const subtract = (row: number, other: number, times: number) => {
    for (let k = 0; k < 3; k++) {
      cell[3 * row + k]! -= times * cell[3 * other + k]!;
      matrix[3 * row + k]! -= times * matrix[3 * other + k]!;
    }
  };
  let changed = false;
  // The order counts: taking b from c changes xz too, and taking a from b last leaves c alone.
  for (const [row, other] of [
    [2, 1],
    [2, 0],
    [1, 0],
  ] as const) {
    const tilt = cell[3 * row + other]! / cell[3 * other + other]!;
    if (!(Math.abs(tilt) > limit)) continue;
    subtract(row, other, Math.floor(tilt + 0.5));
    changed = true;
  }
  return changed ? { cell, matrix } : null;
}

/** Image counts in the reduced cell: old counts times M^-1, which is integer because det M = 1. */
export function imagesAfter(images: ArrayLike<number>, matrix: ArrayLike<number>): Int32Array {
  // det M = 1: the inverse is the adjugate, exact in integers.
  const m = inverse(matrix).map(Math.round);
  const out = new Int32Array(images.length);
  for (let i = 0; i < images.length; i += 3) {
    out.set(timesMatrix([images[i]!, images[i + 1]!, images[i + 2]!], m), i);
  }
  return out;
}

/**
 * Positions with fractional coordinates in [0, 1) along the periodic directions, and the image counts that keep x + nH:
 * n += floor(s), s -= floor(s).
 */
export function wrapPositions(
  positions: ArrayLike<number>,
  images: ArrayLike<number> | null,
  h: ArrayLike<number>,
  pbc: readonly [boolean, boolean, boolean] = [true, true, true],
): { positions: Float64Array; images: Int32Array } {
  const toFractions = inverse(h);
  const x = Float64Array.from(positions);
  const n = images ? Int32Array.from(images) : new Int32Array(x.length);
  for (let i = 0; i < x.length; i += 3) {
    const s = timesMatrix([x[i]!, x[i + 1]!, x[i + 2]!], toFractions);
    const shift: Vec3 = [0, 0, 0];
    for (let k = 0; k < 3; k++) {
      if (!pbc[k]) continue;
      const whole = Math.floor(s[k]!);
      // A coordinate just below zero gives 1 after rounding: it belongs to the next image, at exactly 0.
      const rounded = s[k]! - whole >= 1;
      shift[k] = rounded ? s[k]! : whole;
      n[i + k]! += rounded ? whole + 1 : whole;
    }
    if (shift.every((w) => w === 0)) continue;
    const moved = timesMatrix(shift, h);
    for (let k = 0; k < 3; k++) x[i + k]! -= moved[k]!;
  }
  return { positions: x, images: n };
}
