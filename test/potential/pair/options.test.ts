import { IonclayError } from '../../../lib/errors.js';
import { digest } from '../../../lib/potential/pair/digest.js';
import { resolveOptions } from '../../../lib/potential/pair/options.js';

/** Lithium chloride as a user of the library would write it. */
const library = () => ({
  charges: { Li: 1, Cl: -1 },
  electrostatics: { dampedShiftedForce: { damping: '0.3 /A', cutoff: '8 A' } },
  pairs: [
    {
      form: 'born-mayer-huggins',
      cutoff: '8 A',
      atCutoff: 'shift',
      parameters: {
        'Li-Li': { A: 0.421926, rho: '0.342 A', sigma: 1.632, C: 0, D: 0 },
        'Li-Cl': { A: '0.290074 eV', rho: 0.342, sigma: '2.401 A', C: '1.2483 eV A6', D: '1.49796 eV*A^8' },
        'Cl-Cl': { A: 0.158222, rho: 0.342, sigma: 3.17, C: 69.28, D: 139.19 },
      },
    },
  ],
  masses: { Li: '6.94 amu' },
});

/** The same in a study: kebab-case, other order, other units. */
const study = () => ({
  masses: { Li: 6.94 },
  pairs: [
    {
      'at-cutoff': 'shift',
      parameters: {
        'Cl-Cl': { D: 139.19, C: 69.28, sigma: '0.317 nm', rho: '34.2 pm', A: '158.222 meV' },
        'Cl-Li': { A: 0.290074, rho: 0.342, sigma: 2.401, C: '1.2483 eV A^6', D: 1.49796 },
        'Li-Li': { A: 0.421926, rho: 0.342, sigma: 1.632, C: 0, D: '0 eV A8' },
      },
      cutoff: '0.8 nm',
      form: 'born-mayer-huggins',
    },
  ],
  electrostatics: { 'damped-shifted-force': { cutoff: 8, damping: 0.3 } },
  charges: { Cl: '-1 e', Li: 1 },
  'missing-pairs': 'error',
  inner: 'error',
  mixing: 'none',
});

// biome-ignore lint/suspicious/noExplicitAny: options that are wrong on purpose
type Loose = any;

function errorOf(change: (options: Loose) => void, place = {}): IonclayError {
  const options: Loose = library();
  change(options);
  try {
    resolveOptions(options, place);
  } catch (error) {
    if (error instanceof IonclayError) return error;
    throw error;
  }
  throw new Error('accepted');
}

test('resolves units and both spellings to the same numbers', () => {
  const resolved = resolveOptions(library());
  expect(resolved.species).toEqual(['Li', 'Cl']);
  expect(resolved.electrostatics).toEqual({ method: 'damped-shifted-force', damping: 0.3, cutoff: 8 });
  expect(resolved.terms).toHaveLength(3);
  expect(resolved.terms[1]).toEqual({
    form: 'born-mayer-huggins',
    species: ['Li', 'Cl'],
    cutoff: 8,
    treatment: 'shift',
    parameters: { A: 0.290074, rho: 0.342, sigma: 2.401, C: 1.2483, D: 1.49796 },
  });
  expect(resolved.masses).toEqual({ Li: 6.94 });
  expect(resolved.missingPairs).toBe('error');
  expect(resolved.inner).toBe('error');
});

test('energies may be temperatures or molar', () => {
  const argon = (epsilon: string) => ({
    pairs: [{ form: 'lennard-jones', cutoff: 8.5, atCutoff: 'force-shift', parameters: { 'Ar-Ar': { epsilon, sigma: 3.405 } } }],
  });
  expect(resolveOptions(argon('119.8 K')).terms[0]!.parameters.epsilon).toBeCloseTo(119.8 * 8.617333262145179e-5, 15);
  expect(resolveOptions(argon('1 kJ/mol')).terms[0]!.parameters.epsilon).toBeCloseTo(1 / 96.48533212331002, 15);
});

describe('hash', () => {
  test('does not see order, units, spelling or Cl-Li', () => {
    expect(digest(resolveOptions(study()))).toBe(digest(resolveOptions(library())));
    expect(digest(resolveOptions(library()))).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ['a digit', (o: Loose) => (o.pairs[0].parameters['Li-Cl'].A = 0.290075)],
    ['a charge', (o: Loose) => (o.charges.Li = 0.9)],
    ['the damping', (o: Loose) => (o.electrostatics.dampedShiftedForce.damping = 0.31)],
    ['the treatment', (o: Loose) => (o.pairs[0].atCutoff = 'force-shift')],
    ['the cutoff', (o: Loose) => (o.pairs[0].cutoff = 8.01)],
    ['a mass', (o: Loose) => (o.masses.Li = 7)],
    ['inner', (o: Loose) => (o.inner = 'off')],
    ['missing pairs', (o: Loose) => (o.missingPairs = 'none')],
  ])('sees %s', (_, change) => {
    const options = library();
    change(options);
    expect(digest(resolveOptions(options))).not.toBe(digest(resolveOptions(library())));
  });
});

describe('bad input', () => {
  const first = 'pairs[0]';
  test.each<[string, string, string, (o: Loose) => void, RegExp]>([
    ['an unknown key', 'UNKNOWN_KEY', 'chargs', (o) => (o.chargs = {}), /charges/],
    ['an unknown key of a term', 'UNKNOWN_KEY', `${first}.atCutof`, (o) => (o.pairs[0].atCutof = 'x'), /atCutoff/],
    [
      'an unknown parameter',
      'UNKNOWN_KEY',
      `${first}.parameters.Li-Cl.rh`,
      (o) => (o.pairs[0].parameters['Li-Cl'].rh = 1),
      /rho/,
    ],
    [
      'a key in both spellings',
      'DUPLICATE_KEY',
      'missingPairs',
      (o) => Object.assign(o, { missingPairs: 'none', 'missing-pairs': 'none' }),
      /both spellings/,
    ],
    ['an unknown form', 'UNKNOWN_FORM', `${first}.form`, (o) => (o.pairs[0].form = 'lenard-jones'), /lennard-jones/],
    ['an unknown treatment', 'UNKNOWN_VALUE', `${first}.atCutoff`, (o) => (o.pairs[0].atCutoff = 'shifted'), /shift/],
    [
      'a wrong dimension',
      'WRONG_DIMENSION',
      `${first}.parameters.Li-Cl.C`,
      (o) => (o.pairs[0].parameters['Li-Cl'].C = '1.2 eV'),
      /energy x length\^6/,
    ],
    [
      'charges without a method',
      'CHARGES_WITHOUT_METHOD',
      'electrostatics',
      (o) => delete o.electrostatics,
      /dampedShiftedForce.*ewald.*pme.*none/,
    ],
    ['a method without charges', 'SPECIES_WITHOUT_CHARGE', 'charges', (o) => delete o.charges, /charge of every species/],
    [
      'a pair given twice',
      'PAIR_DUPLICATE',
      `${first}.parameters.Cl-Li`,
      (o) => (o.pairs[0].parameters['Cl-Li'] = o.pairs[0].parameters['Li-Cl']),
      /parameters\.Cl-Li.*parameters\.Li-Cl/,
    ],
    [
      'rho = 0',
      'PARAMETER_RANGE',
      `${first}.parameters.Li-Cl.rho`,
      (o) => (o.pairs[0].parameters['Li-Cl'].rho = 0),
      /0 is out of range/,
    ],
    [
      'A < 0',
      'PARAMETER_RANGE',
      `${first}.parameters.Li-Cl.A`,
      (o) => (o.pairs[0].parameters['Li-Cl'].A = -1),
      /-1 is out of range/,
    ],
    ['a cutoff of 0', 'PARAMETER_RANGE', `${first}.cutoff`, (o) => (o.pairs[0].cutoff = '0 A'), /0 is out of range/],
    ['NaN', 'PARAMETER_RANGE', `${first}.parameters.Li-Cl.sigma`, (o) => (o.pairs[0].parameters['Li-Cl'].sigma = NaN), /NaN/],
    [
      'a missing C',
      'PARAMETER_MISSING',
      `${first}.parameters.Li-Cl.C`,
      (o) => delete o.pairs[0].parameters['Li-Cl'].C,
      /write 0/,
    ],
    [
      'no treatment',
      'CUTOFF_TREATMENT_MISSING',
      `${first}.atCutoff`,
      (o) => delete o.pairs[0].atCutoff,
      /plain: .*\n.*shift: .*\n.*force-shift: .*\n.*taper: .*\n.*force-switch: /,
    ],
    ['no cutoff', 'MISSING_KEY', `${first}.cutoff`, (o) => delete o.pairs[0].cutoff, /10 A/],
    ['no element', 'E_ELEMENT', `${first}.parameters.Lj-Cl`, (o) => (o.pairs[0].parameters['Lj-Cl'] = {}), /Lj/],
    ['no pair', 'PAIR_NAME', `${first}.parameters.LiCl`, (o) => (o.pairs[0].parameters.LiCl = {}), /Li-Cl/],
    ['pairs that are no list', 'WRONG_TYPE', 'pairs', (o) => (o.pairs = {}), /a list/],
    ['a mass of nothing', 'UNKNOWN_KEY', 'masses.Na', (o) => (o.masses.Na = 23), /Na/],
    ['a negative mass', 'PARAMETER_RANGE', 'masses.Li', (o) => (o.masses.Li = -1), /-1/],
    ['a model with charges', 'MODEL_WITH_CHARGES', 'model', (o) => (o.model = 'li-y-cl-br'), /electrostatics it was trained on/],
    ['two methods', 'WRONG_TYPE', 'electrostatics', (o) => (o.electrostatics.wolf = {}), /exactly one/],
  ])('%s: %s', (_, code, key, change, message) => {
    const error = errorOf(change);
    expect([error.name, error.code, error.key]).toEqual(['PotentialError', code, key]);
    expect(error.message).toMatch(message);
  });

  test('keys of a study carry its path and spelling, and the file', () => {
    const error = errorOf((o) => delete o.pairs[0].atCutoff, { key: 'potential', file: 'study.yaml' });
    expect(error.key).toBe('potential.pairs[0].at-cutoff');
    expect(error.file).toBe('study.yaml');
    expect(errorOf((o) => delete o.electrostatics, { key: 'potential' }).message).toMatch(/damped-shifted-force/);
  });

  test.each<[string, (o: Loose) => void]>([
    ['pairs[0].form', (o) => (o.pairs[0].form = 'power')],
    ['pairs[0].form', (o) => (o.pairs[0].form = 'zbl')],
    ['pairs[0].atCutoff', (o) => (o.pairs[0].atCutoff = 'taper')],
    ['pairs[0].damping', (o) => (o.pairs[0].damping = { 'tang-toennies': { C: 3, D: 3 } })],
    ['mixing', (o) => (o.mixing = 'geometric')],
    ['inner', (o) => (o.inner = 'wall')],
    ['electrostatics.pme', (o) => (o.electrostatics = { pme: {} })],
    ['electrostatics.ewald', (o) => (o.electrostatics = { ewald: {} })],
    ['electrostatics.boundary', (o) => (o.electrostatics.boundary = 'vacuum')],
    ['electrostatics.background', (o) => (o.electrostatics.background = 'neutralise')],
    ['shells', (o) => (o.shells = {})],
    ['dispersionTail', (o) => (o.dispersionTail = true)],
    ['set', (o) => (o.set = 'tosi-fumi-LiCl')],
    ['overlay', (o) => (o.overlay = [])],
  ])('%s is refused by name where it is not built', (key, change) => {
    const error = errorOf(change);
    expect([error.code, error.key]).toEqual(['NOT_AVAILABLE', key]);
    expect(error.message).toContain('not available');
  });
});
