/**
 * From slopes of collective displacements to the conductivity, its parts and ratios (analysis.md 5.3, 5.4). Pure arithmetic on slopes
 * in A^2 per fs: the same function serves the whole run and each block.
 */
import { EINSTEIN_CONDUCTIVITY } from '../units.js';
import { type CollectiveSlopes, pairName, pairsOf } from './collective.js';

export interface ConductivityInputs {
  /** Charged species in order. */
  readonly species: readonly string[];
  /** e. */
  readonly charges: Readonly<Record<string, number>>;
  readonly ions: Readonly<Record<string, number>>;
  /** A^3 and K. */
  readonly volume: number;
  readonly temperature: number;
}

/** mS/cm but for ratios; names of pairs in the order of `species`. */
export interface ConductivityParts {
  readonly total: number;
  /** Eqs. 4, 5, 7 with |z|, no factor 2. */
  readonly paper: {
    readonly self: Record<string, number>;
    readonly distinctSame: Record<string, number>;
    readonly distinctCross: Record<string, number>;
  };
  /** Signed, factor 2 of Eq. 3 included: all together sum to `total`. */
  readonly contribution: { readonly self: Record<string, number>; readonly distinct: Record<string, number> };
  readonly nernstEinstein: number;
  readonly havenRatio: number;
  readonly transference: Record<string, number>;
  /** L_ab, 1/(A fs eV). */
  readonly onsager: Record<string, number>;
}

/** Boltzmann constant is inside K_E = e^2/(6 k_B); here only what L_ab needs. */
export function conductivityParts(slopes: CollectiveSlopes, inputs: ConductivityInputs, boltzmann: number): ConductivityParts {
  const { species, charges, volume, temperature } = inputs;
  const factor = EINSTEIN_CONDUCTIVITY / (volume * temperature);
  const paper = {
    self: {} as Record<string, number>,
    distinctSame: {} as Record<string, number>,
    distinctCross: {} as Record<string, number>,
  };
  const contribution = { self: {} as Record<string, number>, distinct: {} as Record<string, number> };
  const onsager: Record<string, number> = {};
  let total = 0;
  let nernstEinstein = 0;
  for (const [a, b] of pairsOf(species)) {
    const name = pairName(species, a, b);
    const slope = slopes.pairs[name]!;
    onsager[name] = slope / (6 * volume * boltzmann * temperature);
    if (a === b) {
      const z2 = charges[a]! ** 2;
      paper.self[a] = factor * z2 * slopes.self[a]!;
      paper.distinctSame[a] = factor * z2 * (slope - slopes.self[a]!);
      contribution.self[a] = paper.self[a]!;
      contribution.distinct[name] = paper.distinctSame[a]!;
      nernstEinstein += paper.self[a]!;
      total += contribution.self[a]! + contribution.distinct[name]!;
    } else {
      const signed = charges[a]! * charges[b]!;
      paper.distinctCross[name] = factor * Math.abs(signed) * slope;
      // Eq. 3: both orders of the pair, with the sign of the charges.
      contribution.distinct[name] = 2 * factor * signed * slope;
      total += contribution.distinct[name]!;
    }
  }
  const transference = Object.fromEntries(
    species.map((a) => {
      const share = species.reduce((sum, b) => sum + charges[a]! * charges[b]! * slopes.pairs[pairName(species, a, b)]!, 0);
      return [a, (factor * share) / total];
    }),
  );
  return { total, paper, contribution, nernstEinstein, havenRatio: nernstEinstein / total, transference, onsager };
}

/** The numbers of a set of parts as a flat list of [path, value], so that errors can be computed for all alike. */
export function flatten(parts: ConductivityParts): Map<string, number> {
  const out = new Map<string, number>();
  const walk = (value: unknown, path: string) => {
    if (typeof value === 'number') out.set(path, value);
    else for (const [key, inner] of Object.entries(value as object)) walk(inner, path ? `${path}.${key}` : key);
  };
  walk(parts, '');
  return out;
}
