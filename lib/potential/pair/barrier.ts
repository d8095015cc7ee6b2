/** The inner region (coulomb.md 5): where two ions would fall into each other, and how high the wall before it is. */
import { type PairTerm, shapeOf, totalCurve } from './forms.js';

export interface Barrier {
  /** Innermost maximum of w(r), A: below it the ions fuse. */
  readonly radius: number;
  /** w(r_b), eV. */
  readonly energy: number;
  /** Minimum outside the barrier, or null where there is none. */
  readonly minimum: { readonly radius: number; readonly energy: number } | null;
  /** w(r_b) less w at the minimum, or less zero (ions apart) where there is none, eV. */
  readonly height: number;
}

/** No barrier needed (`safe`: w does not go to minus infinity), a barrier, or none although one is needed (`unbounded`). */
export type InnerRegion =
  | { readonly kind: 'safe' }
  | { readonly kind: 'barrier'; readonly barrier: Barrier }
  | { readonly kind: 'unbounded' };

// Scan from inside the smallest barrier of any published set (0.1 A) by a wide margin to beyond any minimum, in steps of 0.2 %.
const START = 1e-3;
const END = 30;
const RATIO = 1.002;

/** Inner region of the sum of `terms` between two ions whose charges have the given product (0 where charges do not act). */
export function innerRegion(terms: readonly PairTerm[], chargeProduct: number): InnerRegion {
  if (!divergesDown(terms, chargeProduct)) return { kind: 'safe' };
  const w = totalCurve(terms, chargeProduct);
  let start = START;
  // w rises from minus infinity; should the barrier lie below the start, begin further in.
  while (w(start).slope <= 0 && start > 1e-9) start /= 2;
  const radius = signChange((r) => w(r).slope, start, +1);
  if (radius === null) return { kind: 'unbounded' };
  const energy = w(radius).energy;
  const bottom = signChange((r) => w(r).slope, radius * RATIO, -1);
  const minimum = bottom === null ? null : { radius: bottom, energy: w(bottom).energy };
  return { kind: 'barrier', barrier: { radius, energy, minimum, height: energy - (minimum?.energy ?? 0) } };
}

/** Whether w goes to minus infinity at r = 0: the highest inverse power that is present decides. */
function divergesDown(terms: readonly PairTerm[], chargeProduct: number): boolean {
  let c12 = 0;
  let c8 = 0;
  let c6 = 0;
  for (const term of terms) {
    const { power } = shapeOf(term);
    c12 += power?.C12 ?? 0;
    c8 -= power?.C8 ?? 0;
    c6 -= power?.C6 ?? 0;
  }
  const leading = [c12, c8, c6, chargeProduct].find((c) => c !== 0) ?? 0;
  return leading < 0;
}

/** First r >= from where `f` leaves the given sign, by scan and bisection to the last bit; null where it never does. */
function signChange(f: (r: number) => number, from: number, sign: 1 | -1): number | null {
  let low = from;
  if (!(sign * f(low) > 0)) return null;
  for (let high = low * RATIO; high < END; high *= RATIO) {
    if (sign * f(high) > 0) {
      low = high;
      continue;
    }
    for (let i = 0; i < 200; i++) {
      const middle = (low + high) / 2;
      if (middle <= low || middle >= high) break;
      if (sign * f(middle) > 0) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  }
  return null;
}
