/** Force fields and structures that the pair potentials are tested on. */
import { SYMBOLS } from '../../../lib/elements.js';
import type { PairPotentialOptions } from '../../../lib/potential/pair/options.js';
import { makeStructure, type Structure } from '../../../lib/structure.js';
import ownFixtures from '../../data/pair-fixtures.json';
import { type Fixtures, fixtureSpec } from '../../oracle/pair-fixtures.js';
import type { ReferenceForceFieldSpec } from '../../oracle/pair-potential.js';

/** The options of the product for a force field of the oracle. */
export function optionsOf(spec: ReferenceForceFieldSpec): PairPotentialOptions {
  return {
    ...(spec.charges ? { charges: { ...spec.charges } } : {}),
    ...(spec.charges ? { electrostatics: spec.damped ? { dampedShiftedForce: { ...spec.damped } } : ('none' as const) } : {}),
    pairs: spec.terms.map((term) => ({
      form: term.form,
      cutoff: term.cutoff,
      atCutoff: term.treatment,
      parameters: structuredClone(term.parameters) as Record<string, Record<string, number>>,
    })),
    masses: spec.masses,
  };
}

/** Largest difference of two arrays; NaN where either holds one, so that every limit fails. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return NaN;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = difference;
    if (Number.isNaN(difference)) return NaN;
  }
  return largest;
}

/** Deterministic numbers in [0, 1): the Lehmer generator of Park and Miller. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** Rock salt of n x n x n conventional cells (edge a), tilted, every ion moved by up to `rattle`. */
export function rockSalt(cation: string, anion: string, a: number, n: number, rattle: number, seed = 7): Structure {
  const random = generator(seed);
  const cell = Float64Array.of(a * n, 0, 0, 0.11 * a * n, 0.98 * a * n, 0, -0.07 * a * n, 0.15 * a * n, 1.03 * a * n);
  const species: number[] = [];
  const positions: number[] = [];
  for (let i = 0; i < 2 * n; i++) {
    for (let j = 0; j < 2 * n; j++) {
      for (let k = 0; k < 2 * n; k++) {
        species.push(SYMBOLS.indexOf((i + j + k) % 2 === 0 ? cation : anion));
        const s = [i, j, k].map((x) => x / (2 * n));
        for (let c = 0; c < 3; c++) {
          positions.push(s[0]! * cell[c]! + s[1]! * cell[3 + c]! + s[2]! * cell[6 + c]! + rattle * (2 * random() - 1));
        }
      }
    }
  }
  return makeStructure({ species: Uint8Array.from(species), positions: Float64Array.from(positions), cell });
}

const erg = 0.624150907446076;

/** LiCl of Fumi and Tosi (J. Phys. Chem. Solids 25 (1964) 31), dispersion included. */
const tosiFumi = (treatment: 'plain' | 'shift' | 'force-shift', cutoff: number): ReferenceForceFieldSpec['terms'][number] => ({
  form: 'born-mayer-huggins',
  treatment,
  cutoff,
  parameters: {
    'Li-Li': { A: 0.421926, rho: 0.342, sigma: 1.632, C: 0.073 * erg, D: 0.03 * erg },
    'Li-Cl': { A: 0.290074, rho: 0.342, sigma: 2.401, C: 2 * erg, D: 2.4 * erg },
    'Cl-Cl': { A: 0.158222, rho: 0.342, sigma: 3.17, C: 111 * erg, D: 223 * erg },
  },
});

const oxide = {
  'Mg-O': { A: 985.869, rho: 0.376, C: 3 },
  'O-O': { A: 22764.3, rho: 0.149, C: 27.89 },
  'Mg-Mg': { A: 100, rho: 0.3, C: 0 },
};

const morse = {
  'Mg-O': { D: 0.038908, a: 2.281, r0: 2.586153 },
  'O-O': { D: 0.042395, a: 1.379316, r0: 3.618701 },
};

export interface System {
  readonly name: string;
  readonly spec: ReferenceForceFieldSpec;
  /** Cation, anion, edge, rattle, and conventional cells per edge of `structure`. */
  readonly lattice: readonly [string, string, number, number, number];
  readonly structure: Structure;
  /** Whether the energy is a smooth enough function for differences to mean something. */
  readonly smooth: boolean;
}

const own = ownFixtures as unknown as Fixtures;
const salt = { name: 'salt', species: ['Li', 'Cl'], charges: { Li: 1, Cl: -1 } } as const;
const mixed = { name: 'oxide', species: ['Mg', 'O'] } as const;

/** Every form, every treatment, sums of forms, several cutoffs; cells smaller than the cutoff, all tilted. */
const raw: readonly Omit<System, 'structure'>[] = [
  {
    name: 'lennard-jones, force-shift',
    spec: fixtureSpec('lj-ar', own),
    lattice: ['Ar', 'Ar', 7.2, 0.3, 1],
    smooth: true,
  },
  {
    name: 'born-mayer-huggins, shift, charges',
    spec: fixtureSpec('bm-licl', own),
    lattice: ['Li', 'Cl', 5.14, 0.2, 1],
    smooth: false,
  },
  {
    name: 'born-mayer-huggins with dispersion, force-shift, charges, two cutoffs',
    spec: { ...salt, terms: [tosiFumi('force-shift', 7)], damped: { damping: 0.25, cutoff: 9 } },
    lattice: ['Li', 'Cl', 5.14, 0.2, 2],
    smooth: true,
  },
  {
    name: 'born-mayer-huggins, plain, without charges',
    spec: { ...salt, terms: [tosiFumi('plain', 7)] },
    lattice: ['Li', 'Cl', 5.14, 0.1, 1],
    smooth: false,
  },
  {
    name: 'buckingham, force-shift, fractional charges, no damping',
    spec: {
      ...mixed,
      charges: { Mg: 1.2, O: -1.2 },
      terms: [{ form: 'buckingham', treatment: 'force-shift', cutoff: 8, parameters: oxide }],
      damped: { damping: 0, cutoff: 7.5 },
    },
    lattice: ['Mg', 'O', 4.3, 0.15, 1],
    smooth: true,
  },
  {
    name: 'morse and lennard-jones, force-shift, no charges',
    spec: {
      ...mixed,
      terms: [
        { form: 'morse', treatment: 'force-shift', cutoff: 7, parameters: morse },
        { form: 'lennard-jones', treatment: 'force-shift', cutoff: 7, parameters: { 'Mg-Mg': { epsilon: 0.02, sigma: 2.5 } } },
      ],
    },
    lattice: ['Mg', 'O', 4.3, 0.15, 1],
    smooth: true,
  },
  {
    name: 'four forms on one pair, equal and different cutoffs, charges',
    spec: {
      ...mixed,
      charges: { Mg: 2, O: -2 },
      terms: [
        { form: 'buckingham', treatment: 'force-shift', cutoff: 7, parameters: oxide },
        { form: 'morse', treatment: 'force-shift', cutoff: 7, parameters: morse },
        {
          form: 'born-mayer-huggins',
          treatment: 'force-shift',
          cutoff: 7,
          parameters: { 'Mg-O': { A: 0.3, rho: 0.4, sigma: 2, C: 1, D: 2 } },
        },
        { form: 'lennard-jones', treatment: 'force-shift', cutoff: 5.5, parameters: { 'Mg-O': { epsilon: 0.02, sigma: 2 } } },
      ],
      damped: { damping: 0.3, cutoff: 8 },
    },
    lattice: ['Mg', 'O', 4.3, 0.15, 1],
    smooth: true,
  },
];

export const systems: readonly System[] = raw.map((system) => {
  const [cation, anion, a, rattle, n] = system.lattice;
  return { ...system, structure: rockSalt(cation, anion, a, n, rattle) };
});

/**
 * One conventional cell of the system in which no pair lies within `width` of a cutoff. A force shift leaves a kink in the second
 * derivative there: a pair that crosses it during a finite difference adds an error that is the difference's, not the potential's.
 */
export function quietStructure({ lattice: [cation, anion, a, rattle], spec }: System, width: number): Structure {
  const cutoffs = [...spec.terms.map((term) => term.cutoff), ...(spec.damped ? [spec.damped.cutoff] : [])];
  for (let seed = 1; seed < 1000; seed++) {
    const structure = rockSalt(cation, anion, a, 1, rattle, seed);
    if (!distances(structure).some((r) => cutoffs.some((cutoff) => Math.abs(r - cutoff) < width))) return structure;
  }
  throw new Error('no structure without a pair near a cutoff');
}

/** Distances of all pairs up to four cells away. */
function distances({ positions: x, cell }: Structure): number[] {
  const { sqrt } = Math;
  const h = cell!;
  const out: number[] = [];
  for (let a = -4; a <= 4; a++) {
    for (let b = -4; b <= 4; b++) {
      for (let c = -4; c <= 4; c++) {
        const [sx, sy, sz] = [0, 1, 2].map((k) => a * h[k]! + b * h[3 + k]! + c * h[6 + k]!) as [number, number, number];
        for (let i = 0; i < x.length; i += 3) {
          for (let j = i; j < x.length; j += 3) {
            const dx = x[j]! - x[i]! + sx;
            const dy = x[j + 1]! - x[i + 1]! + sy;
            const dz = x[j + 2]! - x[i + 2]! + sz;
            out.push(sqrt(dx * dx + dy * dy + dz * dz));
          }
        }
      }
    }
  }
  return out;
}
