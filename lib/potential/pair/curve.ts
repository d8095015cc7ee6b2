/** Pair curves for plots and barrier tables. */
import { quantity } from '../../units.js';
import { shapeOf, shapeValue, totalCurve } from './forms.js';
import { Keys } from './keys.js';
import type { QuantityInput, ResolvedPairPotential } from './options.js';

export interface PairCurveOptions {
  from: QuantityInput;
  to: QuantityInput;
  points: number;
}

/** Arrays of equal length; untruncated curves. */
export interface PairCurve {
  readonly r_A: number[];
  /** w(r) = u(r) + ke q q/r with bare charges (coulomb.md 5). */
  readonly with_charges_eV: number[];
  /** u(r), the sum of the pair's terms. */
  readonly without_charges_eV: number[];
}

/** Product of the charges of a pair where they act, else 0; e^2. */
export function chargeProduct(resolved: ResolvedPairPotential, a: string, b: string): number {
  if (resolved.electrostatics.method === 'none') return 0;
  return (resolved.charges[a] ?? 0) * (resolved.charges[b] ?? 0);
}

export function termsOf(resolved: ResolvedPairPotential, a: string, b: string) {
  return resolved.terms.filter(({ species: [p, q] }) => (p === a && q === b) || (p === b && q === a));
}

/** Curve of one pair, such as `Li-Cl`, at equal steps from `from` to `to`. */
export function curveOf(resolved: ResolvedPairPotential, pair: string, options: PairCurveOptions): PairCurve {
  const keys = new Keys();
  const parts = pair.split('-');
  for (const symbol of parts) {
    if (!resolved.species.includes(symbol)) throw keys.unknown('UNKNOWN_VALUE', 'pair', 'species', symbol, resolved.species);
  }
  if (parts.length !== 2) throw keys.fail('PAIR_NAME', 'pair', `"${pair}" is not a pair, expected two species such as Li-Cl`);
  const [a, b] = parts as [string, string];
  const from = quantity(options.from, 'length', 'from');
  const to = quantity(options.to, 'length', 'to');
  const { points } = options;
  if (!(from > 0 && to > from)) throw keys.fail('PARAMETER_RANGE', 'from', `expected 0 < from < to, got ${from} and ${to} A`);
  if (!(Number.isInteger(points) && points >= 2)) {
    throw keys.fail('PARAMETER_RANGE', 'points', `${points} is out of range, expected a whole number of 2 or more`);
  }
  const terms = termsOf(resolved, a, b);
  const total = totalCurve(terms, chargeProduct(resolved, a, b));
  const r = Array.from({ length: points }, (_, i) => from + ((to - from) * i) / (points - 1));
  return {
    r_A: r,
    with_charges_eV: r.map((x) => total(x).energy),
    without_charges_eV: r.map((x) => terms.reduce((sum, term) => sum + shapeValue(shapeOf(term), x).energy, 0)),
  };
}
