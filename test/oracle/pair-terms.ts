/**
 * Pair terms of the reference force field in closed form (coulomb.md 2, 3, 12): u(r) and u'(r) written out once, plainly, with
 * library exponentials. Kernels are tested against these.
 */
import { COULOMB } from '../../lib/units.js';
import { erfc } from './erfc.js';

// Taken once: under a test runner each look at the global Math costs more than the function itself.
const { exp, PI, sqrt } = Math;

export type Form = 'lennard-jones' | 'born-mayer-huggins' | 'buckingham' | 'morse';
export type Treatment = 'plain' | 'shift' | 'force-shift';

/** Parameters of one pair in eV and A, names as in coulomb.md 2. */
export type Parameters = Readonly<Record<string, number>>;

/** u and u' of the untruncated form. */
export function bareForm(form: Form, p: Parameters, r: number): [number, number] {
  switch (form) {
    case 'lennard-jones': {
      const s6 = (p.sigma! / r) ** 6;
      return [4 * p.epsilon! * (s6 * s6 - s6), ((-24 * p.epsilon!) / r) * (2 * s6 * s6 - s6)];
    }
    case 'born-mayer-huggins': {
      const e = p.A! * exp((p.sigma! - r) / p.rho!);
      return [e - p.C! / r ** 6 - p.D! / r ** 8, -e / p.rho! + (6 * p.C!) / r ** 7 + (8 * p.D!) / r ** 9];
    }
    case 'buckingham': {
      const e = p.A! * exp(-r / p.rho!);
      return [e - p.C! / r ** 6, -e / p.rho! + (6 * p.C!) / r ** 7];
    }
    case 'morse': {
      const g = exp(-p.a! * (r - p.r0!));
      return [p.D! * ((1 - g) ** 2 - 1), 2 * p.D! * p.a! * (1 - g) * g];
    }
  }
}

/** u and u' with the treatment at the cutoff; zero from r = cutoff on. */
export function truncatedForm(form: Form, p: Parameters, treatment: Treatment, cutoff: number, r: number): [number, number] {
  if (r >= cutoff) return [0, 0];
  const [u, du] = bareForm(form, p, r);
  if (treatment === 'plain') return [u, du];
  const [uc, duc] = bareForm(form, p, cutoff);
  if (treatment === 'shift') return [u - uc, du];
  return [u - uc - (r - cutoff) * duc, du - duc];
}

export interface DampedSum {
  readonly damping: number;
  readonly cutoff: number;
}

function dampedConstants({ damping: a, cutoff: rc }: DampedSum): { c0: number; c1: number } {
  const c0 = erfc(a * rc) / rc;
  return { c0, c1: c0 / rc + ((2 * a) / sqrt(PI)) * (exp(-((a * rc) ** 2)) / rc) };
}

/** Damped shifted force between two charges (coulomb.md 12), without the self terms: u and u' at r. */
export function dampedShiftedForce(sum: DampedSum, qi: number, qj: number): (r: number) => [number, number] {
  const { damping: a, cutoff: rc } = sum;
  const { c0, c1 } = dampedConstants(sum);
  const k = COULOMB * qi * qj;
  const bell = (2 * a) / sqrt(PI);
  return (r) => {
    if (r >= rc) return [0, 0];
    const e = erfc(a * r) / r;
    return [k * (e - c0 + c1 * (r - rc)), k * (-e / r - bell * (exp(-((a * r) ** 2)) / r) + c1)];
  };
}

/** Energy that an ion has by itself in the damped sum. */
export function dampedSelfEnergy(sum: DampedSum, q: number): number {
  const { c0, c1 } = dampedConstants(sum);
  return -COULOMB * q * q * ((c0 + c1 * sum.cutoff) / 2 + sum.damping / sqrt(PI));
}
