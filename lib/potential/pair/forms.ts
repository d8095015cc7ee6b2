/** Pair forms in closed form (coulomb.md 2): what their parameters are, and u(r), u'(r) for checks, barriers and plots. */
import { COULOMB, type QuantityKind } from '../../units.js';

export type PairForm = 'lennard-jones' | 'born-mayer-huggins' | 'buckingham' | 'morse';
export type CutoffTreatment = 'plain' | 'shift' | 'force-shift';

/** What a parameter may be: its dimension, and whether zero or a negative number makes sense. */
export interface ParameterRule {
  readonly kind: QuantityKind;
  readonly sign: 'positive' | 'not negative' | 'any';
}

export const FORM_PARAMETERS: Readonly<Record<PairForm, Readonly<Record<string, ParameterRule>>>> = {
  'lennard-jones': {
    epsilon: { kind: 'energy', sign: 'not negative' },
    sigma: { kind: 'length', sign: 'positive' },
  },
  'born-mayer-huggins': {
    A: { kind: 'energy', sign: 'not negative' },
    rho: { kind: 'length', sign: 'positive' },
    // Zero: then A carries everything.
    sigma: { kind: 'length', sign: 'not negative' },
    C: { kind: 'energy x length^6', sign: 'any' },
    D: { kind: 'energy x length^8', sign: 'any' },
  },
  buckingham: {
    A: { kind: 'energy', sign: 'not negative' },
    rho: { kind: 'length', sign: 'positive' },
    C: { kind: 'energy x length^6', sign: 'any' },
  },
  morse: {
    D: { kind: 'energy', sign: 'not negative' },
    a: { kind: 'inverse length', sign: 'positive' },
    r0: { kind: 'length', sign: 'positive' },
  },
};

/** Forms that the contract names and that are not built yet. */
export const LATER_FORMS: readonly string[] = ['power', 'zbl', 'table'];

/** A pair term with all numbers in eV and A. */
export interface PairTerm {
  readonly form: PairForm;
  /** Symbols in the order that the user gave. */
  readonly species: readonly [string, string];
  readonly cutoff: number;
  readonly treatment: CutoffTreatment;
  readonly parameters: Readonly<Record<string, number>>;
}

/**
 * All forms are sums of an exponential, inverse powers and a Morse part:
 * `A e^((sigma - r)/rho) + C12/r^12 - C6/r^6 - C8/r^8 + D g (g - 2)`, g = e^(a (r0 - r)). The r^-8 term is attractive for D > 0, as
 * Fumi and Tosi published it.
 */
export interface PairShape {
  readonly exponential?: { readonly A: number; readonly sigma: number; readonly rho: number };
  readonly power?: { readonly C12: number; readonly C6: number; readonly C8: number };
  readonly morse?: { readonly D: number; readonly a: number; readonly r0: number };
}

export function shapeOf(term: Pick<PairTerm, 'form' | 'parameters'>): PairShape {
  const p = term.parameters as Record<string, number>;
  const power = (C12: number, C6: number, C8: number) => (C12 === 0 && C6 === 0 && C8 === 0 ? undefined : { C12, C6, C8 });
  switch (term.form) {
    case 'lennard-jones': {
      const s6 = p.sigma! ** 6;
      return { power: power(4 * p.epsilon! * s6 * s6, 4 * p.epsilon! * s6, 0) };
    }
    case 'born-mayer-huggins':
      return { exponential: { A: p.A!, sigma: p.sigma!, rho: p.rho! }, power: power(0, p.C!, p.D!) };
    case 'buckingham':
      return { exponential: { A: p.A!, sigma: 0, rho: p.rho! }, power: power(0, p.C!, 0) };
    case 'morse':
      return { morse: { D: p.D!, a: p.a!, r0: p.r0! } };
  }
}

/** u and u' of a shape at r (eV, eV/A), untruncated. */
export function shapeValue(shape: PairShape, r: number): { energy: number; slope: number } {
  let energy = 0;
  let slope = 0;
  if (shape.exponential) {
    const { A, sigma, rho } = shape.exponential;
    const e = A * Math.exp((sigma - r) / rho);
    energy += e;
    slope -= e / rho;
  }
  if (shape.power) {
    const { C12, C6, C8 } = shape.power;
    const i2 = 1 / (r * r);
    const i6 = i2 * i2 * i2;
    energy += i6 * (C12 * i6 - C6 - C8 * i2);
    slope += (i6 / r) * (6 * C6 + 8 * C8 * i2 - 12 * C12 * i6);
  }
  if (shape.morse) {
    const { D, a, r0 } = shape.morse;
    const g = Math.exp(a * (r0 - r));
    energy += D * g * (g - 2);
    slope += 2 * D * a * g * (1 - g);
  }
  return { energy, slope };
}

/** What a treatment adds inside the cutoff: `shift + tilt (r - cutoff)` (coulomb.md 3). */
export function treatmentConstants(term: Pick<PairTerm, 'form' | 'parameters' | 'treatment' | 'cutoff'>): {
  shift: number;
  tilt: number;
} {
  if (term.treatment === 'plain') return { shift: 0, tilt: 0 };
  const { energy, slope } = shapeValue(shapeOf(term), term.cutoff);
  return { shift: -energy, tilt: term.treatment === 'force-shift' ? -slope : 0 };
}

/** The total pair curve w(r) = u(r) + ke q q/r with bare charges, and its slope (coulomb.md 5). */
export function totalCurve(terms: readonly PairTerm[], chargeProduct: number): (r: number) => { energy: number; slope: number } {
  const shapes = terms.map(shapeOf);
  const k = COULOMB * chargeProduct;
  return (r) => {
    let energy = k === 0 ? 0 : k / r;
    let slope = k === 0 ? 0 : -k / (r * r);
    for (const shape of shapes) {
      const value = shapeValue(shape, r);
      energy += value.energy;
      slope += value.slope;
    }
    return { energy, slope };
  };
}
