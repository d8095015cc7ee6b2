import { innerRegion } from '../../../lib/potential/pair/barrier.js';
import {
  FORM_PARAMETERS,
  type PairForm,
  type PairTerm,
  shapeOf,
  shapeValue,
  totalCurve,
  treatmentConstants,
} from '../../../lib/potential/pair/forms.js';
import { dampedConstants, erfcAt } from '../../../lib/potential/pair/tables.js';
import { erfc } from '../../oracle/erfc.js';
import { bareForm, dampedSelfEnergy, truncatedForm } from '../../oracle/pair-terms.js';
import { describeReference, referenceJson } from '../../reference.js';

const huggins = (A: number, rho: number, sigma: number, C: number, D: number): PairTerm => ({
  form: 'born-mayer-huggins',
  species: ['Li', 'Cl'],
  cutoff: 10,
  treatment: 'force-shift',
  parameters: { A, rho, sigma, C, D },
});
const buckingham = (A: number, rho: number, C: number): PairTerm => ({
  ...huggins(0, 1, 0, 0, 0),
  form: 'buckingham',
  parameters: { A, rho, C },
});

// The coefficients of the table are C 2.0 and 111, D 2.4 and 223 in 1e-60 erg cm^6 and 1e-76 erg cm^8.
const erg = 0.624150907446076;
const b = 0.210963006716774;

describe('the barrier table of coulomb.md 5', () => {
  // Digits as printed there.
  test.each<[string, PairTerm, number, number, number, number | null, number | null]>([
    ['Tosi-Fumi Li-I', huggins(1.375 * b, 0.43, 2.723, 3.3 * erg, 5.3 * erg), -1, 1.1008, -3.157, 1.9721, -5.688],
    ['Tosi-Fumi Li-Cl', huggins(1.375 * b, 0.342, 2.401, 2 * erg, 2.4 * erg), -1, 0.8868, 1.564, 1.8356, -6.374],
    ['Tosi-Fumi Cl-Cl', huggins(0.75 * b, 0.342, 3.17, 111 * erg, 223 * erg), 1, 1.4152, 19.669, null, null],
    ['O-O of zirconia', buckingham(22764.3, 0.149, 27.89), 4, 0.7981, 71.65, null, null],
    ['O-O of perovskites', buckingham(9547.96, 0.21916, 32), 4, 0.7383, 209.19, null, null],
    ['Ti-O', buckingham(2179.122, 0.30384, 8.986), -8, 0.7505, -19.47, 1.4687, -61.99],
  ])('%s', (_, term, product, radius, energy, minimum, bottom) => {
    const region = innerRegion([term], product);
    if (region.kind !== 'barrier') throw new Error(region.kind);
    expect(Math.abs(region.barrier.radius - radius)).toBeLessThan(6e-5);
    expect(Math.abs(region.barrier.energy - energy)).toBeLessThan(6e-3);
    if (minimum === null) {
      expect(region.barrier.minimum).toBeNull();
      expect(region.barrier.height).toBe(region.barrier.energy);
    } else {
      expect(Math.abs(region.barrier.minimum!.radius - minimum)).toBeLessThan(6e-5);
      expect(Math.abs(region.barrier.minimum!.energy - bottom!)).toBeLessThan(6e-3);
      expect(region.barrier.height).toBeCloseTo(region.barrier.energy - region.barrier.minimum!.energy, 12);
    }
  });
});

test('what cannot collapse has no barrier, and what must collapse has no excuse', () => {
  const argon: PairTerm = {
    form: 'lennard-jones',
    species: ['Ar', 'Ar'],
    cutoff: 8,
    treatment: 'shift',
    parameters: { epsilon: 0.01, sigma: 3.4 },
  };
  expect(innerRegion([argon], 0).kind).toBe('safe');
  // r^-12 wins against opposite charges.
  expect(innerRegion([argon], -1).kind).toBe('safe');
  expect(innerRegion([], 1).kind).toBe('safe');
  expect(innerRegion([], -1).kind).toBe('unbounded');
  // Repulsion that is too weak to stop them anywhere.
  expect(innerRegion([huggins(0.01, 0.3, 0, 0, 0)], -1).kind).toBe('unbounded');
  expect(innerRegion([huggins(0, 0.3, 0, 1, 0)], 0).kind).toBe('unbounded');
});

test('the slope of w vanishes at the barrier and w falls on both sides', () => {
  const term = huggins(0.290074, 0.342, 2.401, 1.2483, 1.49796);
  const region = innerRegion([term], -1);
  if (region.kind !== 'barrier') throw new Error(region.kind);
  const { radius, energy } = region.barrier;
  const w = totalCurve([term], -1);
  // Slope 1e-12 of the curvature (about 1e2 eV/A^2) times the last bit of r.
  expect(Math.abs(w(radius).slope)).toBeLessThan(1e-10);
  expect(w(radius - 0.01).energy).toBeLessThan(energy);
  expect(w(radius + 0.01).energy).toBeLessThan(energy);
});

describe('closed forms', () => {
  const cases: [PairForm, Record<string, number>][] = [
    ['lennard-jones', { epsilon: 0.0103, sigma: 3.405 }],
    ['born-mayer-huggins', { A: 0.158222, rho: 0.342, sigma: 3.17, C: 69.28, D: 139.19 }],
    ['buckingham', { A: 22764.3, rho: 0.149, C: 27.89 }],
    ['morse', { D: 0.042395, a: 1.379316, r0: 3.618701 }],
  ];

  test.each(cases)('%s agrees with the formulas written out', (form, parameters) => {
    expect(Object.keys(FORM_PARAMETERS[form]).sort()).toEqual(Object.keys(parameters).sort());
    for (const r of [0.7, 1.9, 3.405, 5, 7.99]) {
      const { energy, slope } = shapeValue(shapeOf({ form, parameters }), r);
      const [u, du] = bareForm(form, parameters, r);
      // A dozen roundings of terms no larger than those below.
      const [scale] = bareForm(form, parameters, 0.7 * r);
      expect(Math.abs(energy - u)).toBeLessThan(1e-14 * Math.max(Math.abs(u), Math.abs(scale)));
      expect(Math.abs(slope - du)).toBeLessThan(1e-14 * Math.max(Math.abs(du), Math.abs(scale / r)));
    }
  });

  test.each(cases)('treatments of %s end as they promise', (form, parameters) => {
    const cutoff = 6;
    for (const treatment of ['plain', 'shift', 'force-shift'] as const) {
      const { shift, tilt } = treatmentConstants({ form, parameters, treatment, cutoff });
      const end = shapeValue(shapeOf({ form, parameters }), cutoff);
      expect(end.energy + shift).toBe(treatment === 'plain' ? end.energy : 0);
      expect(end.slope + tilt).toBe(treatment === 'force-shift' ? 0 : end.slope);
      const [u] = truncatedForm(form, parameters, treatment, cutoff, 4);
      const value = shapeValue(shapeOf({ form, parameters }), 4).energy + shift + tilt * (4 - cutoff);
      expect(Math.abs(value - u)).toBeLessThan(1e-14 * Math.abs(bareForm(form, parameters, 2)[0]));
    }
  });
});

test('constants of the damped sum', () => {
  for (const x of [0.01, 0.7, 1.49, 1.51, 2.4, 5]) expect(Math.abs(erfcAt(x) / erfc(x) - 1)).toBeLessThan(5e-15);
  for (const [damping, cutoff] of [
    [0.3, 8],
    [0.05, 12],
    [0, 10],
  ] as const) {
    expect(dampedConstants(damping, cutoff).self / dampedSelfEnergy({ damping, cutoff }, 1) - 1).toBeCloseTo(0, 14);
  }
});

describeReference('reference barriers', () => {
  test('radius, energy and minimum of three pairs', () => {
    const { guard } = referenceJson('coulomb', 'pair_forms.json');
    expect(guard).toHaveLength(3);
    for (const entry of guard) {
      const p = entry.parameters;
      const region = innerRegion([huggins(p.A_eV, p.rho_A, p.sigma_A, p.C_eV_A6, p.D_eV_A8)], entry.charge_product_e2);
      if (region.kind !== 'barrier') throw new Error(region.kind);
      // Limits of the reference: 1e-9 A, and as energies are flat there 1e-8 relative is easily kept.
      expect(Math.abs(region.barrier.radius - entry.barrier_r_A)).toBeLessThan(1e-9);
      expect(Math.abs(region.barrier.energy / entry.barrier_w_eV - 1)).toBeLessThan(1e-8);
      if (entry.minimum_r_A === null) expect(region.barrier.minimum).toBeNull();
      else expect(Math.abs(region.barrier.minimum!.radius - entry.minimum_r_A)).toBeLessThan(1e-9);
    }
  });
});
