import { IonclayError } from '../lib/errors.js';
import * as units from '../lib/units.js';
import { type QuantityKind, quantity } from '../lib/units.js';

/** CODATA 2018, SI. */
const e = 1.602176634e-19;
const kB = 1.380649e-23;
const NA = 6.02214076e23;
const amu = 1.6605390666e-27;
const eps0 = 8.8541878128e-12;
const h = 6.62607015e-34;

describe('constants', () => {
  // dynamics.md 1, digit by digit; rounded once, as the compiler must.
  test.each<[string, number, string]>([
    ['k_B', units.BOLTZMANN, '8.617333262145177433663659334e-5'],
    ['amu', units.AMU, '103.6426965268050463904094110'],
    ['e^2/(4 pi eps0)', units.COULOMB, '14.39964547842567205852538983'],
    ['eV/A^3', units.EV_PER_A3_IN_GPA, '160.2176634'],
    ['GPa', units.GPA_IN_EV_PER_A3, '6.241509074460762607776240981e-3'],
    ['amu/A^3', units.AMU_PER_A3_IN_G_PER_CM3, '1.66053906660'],
    ['kJ/mol', units.EV_IN_KJ_PER_MOL, '96.48533212331001840'],
    ['kcal/mol', units.EV_IN_KCAL_PER_MOL, '23.06054783061902925'],
    ['hbar', units.HBAR, '0.6582119569509065698'],
    ['A^2/fs', units.A2_PER_FS_IN_CM2_PER_S, '0.1'],
  ])('%s as the specification prints it', (_, actual, expected) => expect(actual).toBe(Number(expected)));

  test.each<[string, number, number]>([
    ['k_B', units.BOLTZMANN, kB / e],
    ['amu in eV fs^2/A^2', units.AMU, (amu * 1e10) / e],
    ['e^2/(4 pi eps0) in eV A', units.COULOMB, (e / (4 * Math.PI * eps0)) * 1e10],
    ['eV/A^3 in GPa', units.EV_PER_A3_IN_GPA, (e * 1e30) / 1e9],
    ['amu/A^3 in g/cm^3', units.AMU_PER_A3_IN_G_PER_CM3, (amu * 1e3) / 1e-24],
    ['eV in kJ/mol', units.EV_IN_KJ_PER_MOL, (e * NA) / 1e3],
    ['eV in kcal/mol', units.EV_IN_KCAL_PER_MOL, (e * NA) / 4184],
    ['hbar in eV fs', units.HBAR, (h / (2 * Math.PI) / e) * 1e15],
    // sigma = slope/(6 k_B V T): e^2 A^2/fs / (A^3 k_B K) is e^2 1e-20/1e-15/1e-30/k_B S/m, and 1 S/m = 10 mS/cm.
    ['Einstein conductivity', units.EINSTEIN_CONDUCTIVITY, ((e * e * 1e-20) / 1e-15 / 1e-30 / kB / 6) * 10],
  ])('%s from CODATA 2018', (_, actual, expected) => {
    // Five to ten roundings of 1.1e-16.
    expect(Math.abs(actual / expected - 1)).toBeLessThan(2e-15);
  });
});

describe('quantities', () => {
  test.each<[unknown, QuantityKind, number]>([
    [2.5, 'length', 2.5],
    ['2.5', 'length', 2.5],
    ['30 A', 'length', 30],
    ['30Å', 'length', 30],
    ['3 nm', 'length', 30],
    ['50 pm', 'length', 0.5],
    ['1 fs', 'time', 1],
    ['25 ns', 'time', 25e6],
    ['0.5 ps', 'time', 500],
    ['1 h', 'time', 3.6e18],
    ['20 meV', 'energy', 0.02],
    ['300 K', 'temperature', 300],
    ['-53 C', 'temperature', 220.14999999999998],
    ['20 °C', 'temperature', 293.15],
    ['6.94 amu', 'mass', 6.94],
    ['6.94 u', 'mass', 6.94],
    ['-2 e', 'charge', -2],
    ['10 MPa', 'stress', 0.01],
    ['1 bar', 'stress', 1e-4],
    ['1 atm', 'stress', 1.01325e-4],
    ['-1.5 GPa', 'stress', -1.5],
    ['0.02 eV/A', 'force', 0.02],
    ['0.2 eV/nm', 'force', 0.02],
    ['1e9 /s', 'rate', 1e-6],
    ['2 /ps', 'rate', 2e-3],
    ['1 ps^-1', 'rate', 1e-3],
    ['1 ps-1', 'rate', 1e-3],
    ['0.3 /A', 'inverse length', 0.3],
    ['3 nm-1', 'inverse length', 0.3],
    ['1 A/ps', 'velocity', 1e-3],
    ['1.2 eV A6', 'energy x length^6', 1.2],
    ['1.2 eV A^6', 'energy x length^6', 1.2],
    ['1.2 eV*A^8', 'energy x length^8', 1.2],
    ['3', 'number', 3],
    [' .5e1 A ', 'length', 5],
    ['+2. A', 'length', 2],
  ])('%j as %s', (input, kind, expected) => {
    // Powers of ten are exact; products of units carry a few roundings.
    expect(Math.abs(quantity(input, kind, 'key') - expected)).toBeLessThanOrEqual(4e-16 * Math.abs(expected));
  });

  test('energies per mole against their definition', () => {
    expect(quantity('1 kJ/mol', 'energy', 'key')).toBeCloseTo(1e3 / (e * NA), 16);
    expect(quantity('1 kcal/mol', 'energy', 'key')).toBeCloseTo(4184 / (e * NA), 16);
    expect(quantity('1 GPa', 'stress', 'key')).toBe(1);
  });

  test.each<[unknown, QuantityKind, string, RegExp]>([
    [
      '300 ps',
      'temperature',
      'WRONG_DIMENSION',
      /stages\[2\]\.temperature: "300 ps" is a time, expected a temperature such as 300 K/,
    ],
    ['3 A', 'number', 'WRONG_DIMENSION', /is a length, expected a number/],
    ['1 eV', 'force', 'WRONG_DIMENSION', /is an energy, expected a force/],
    ['1 eV/A3', 'force', 'WRONG_DIMENSION', /is a stress/],
    ['5 C', 'length', 'UNKNOWN_UNIT', /unknown unit "C"/],
    ['5 angstroms', 'length', 'UNKNOWN_UNIT', /"angstroms"/],
    ['5 constructor', 'length', 'UNKNOWN_UNIT', /"constructor"/],
    ['5 A/', 'length', 'UNKNOWN_UNIT', /unknown unit "\/"/],
    ['5 A//fs', 'velocity', 'UNKNOWN_UNIT', /unknown unit "\/"/],
    ['ps', 'time', 'E_NUMBER', /does not begin with a number/],
    ['', 'time', 'E_NUMBER', /does not begin with a number/],
    ['1e999 fs', 'time', 'E_NUMBER', /out of range/],
    ['1e305 m', 'length', 'E_NUMBER', /out of range/],
    [Number.NaN, 'time', 'E_NUMBER', /not a finite number/],
    [null, 'time', 'E_NUMBER', /null is not a quantity/],
    [undefined, 'time', 'E_NUMBER', /not a quantity/],
    [['1 fs'], 'time', 'E_NUMBER', /not a quantity/],
  ])('%j as %s is %s', (input, kind, code, message) => {
    expect.assertions(3);
    try {
      quantity(input, kind, 'stages[2].temperature');
    } catch (error) {
      expect(error).toBeInstanceOf(IonclayError);
      expect(error).toMatchObject({ code, key: 'stages[2].temperature' });
      expect((error as Error).message).toMatch(message);
    }
  });

  test('a slip of the pen gets the nearest unit', () => {
    expect(() => quantity('5 angstrm', 'length', 'k')).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/^did you mean "angstrom"\?$/i) }),
    );
  });
});
