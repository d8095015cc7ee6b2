/**
 * Options of a pair potential (interface.md 3.2, coulomb.md 17.1): checks everything that can be wrong in them and resolves units and
 * spellings. What the contract names and this version does not build is refused by name, never ignored.
 */
import { requireElement } from '../../elements.js';
import { IonclayError } from '../../errors.js';
import { BOLTZMANN, type QuantityKind, quantity } from '../../units.js';
import { type CutoffTreatment, FORM_PARAMETERS, LATER_FORMS, type PairForm, type PairTerm } from './forms.js';
import { Keys, type OptionPlace, show } from './keys.js';

/** A length, energy ... as text with a unit, or a number in the package's unit. */
export type QuantityInput = string | number;

export interface PairTermOptions {
  form: PairForm;
  cutoff: QuantityInput;
  atCutoff: CutoffTreatment;
  /** By pair, such as `Li-Cl`. */
  parameters: Record<string, Record<string, QuantityInput>>;
}

export interface DampedShiftedForceOptions {
  damping: QuantityInput;
  cutoff: QuantityInput;
  /** Use it for charged cells as well, knowing that the error is not small there (coulomb.md 12). */
  acceptApproximation?: boolean;
}

/** The library form; the `potential:` block of a study is the same object in kebab-case and is accepted as well. */
export interface PairPotentialOptions {
  /** By species, e. */
  charges?: Record<string, QuantityInput>;
  electrostatics?: 'none' | { dampedShiftedForce: DampedShiftedForceOptions };
  pairs?: readonly PairTermOptions[];
  missingPairs?: 'error' | 'none';
  inner?: 'error' | 'off';
  /** By species, amu. */
  masses?: Record<string, QuantityInput>;
}

export type Electrostatics =
  | { readonly method: 'none' }
  | { readonly method: 'damped-shifted-force'; readonly damping: number; readonly cutoff: number };

/** Everything in eV, A, e, amu; plain data. */
export interface ResolvedPairPotential {
  readonly species: readonly string[];
  readonly charges: Readonly<Record<string, number>>;
  readonly electrostatics: Electrostatics;
  readonly acceptApproximation: boolean;
  readonly terms: readonly PairTerm[];
  readonly missingPairs: 'error' | 'none';
  readonly inner: 'error' | 'off';
  readonly masses: Readonly<Record<string, number>>;
}

const METHODS = ['damped-shifted-force', 'wolf', 'ewald', 'pme', 'auto', 'none'];
const TREATMENTS: readonly CutoffTreatment[] = ['plain', 'shift', 'force-shift'];
const LATER_TREATMENTS = ['taper', 'force-switch'];
const TREATMENT_LINES = [
  'plain: u as it is; the energy jumps at the cutoff (reproduces old papers)',
  'shift: u - u(r_c); the energy is continuous',
  "force-shift: u - u(r_c) - (r - r_c) u'(r_c); energy and force are continuous",
  'taper: u times a smooth step from taper-from to the cutoff',
  'force-switch: a polynomial added from taper-from on; second derivative continuous',
];

/** Checked and resolved options. Throws PotentialError with the codes of coulomb.md 18, naming key, value and what was expected. */
export function resolveOptions(options: unknown, place: OptionPlace = {}): ResolvedPairPotential {
  const keys = new Keys(place);
  const known = ['charges', 'electrostatics', 'pairs', 'missing-pairs', 'mixing', 'inner', 'masses'];
  const later = ['set', 'model', 'overlay', 'dispersion-tail', 'shells'];
  const given = keys.known(options, keys.top, [...known, ...later], 'the options of a pair potential');
  const key = (name: string) => keys.path(keys.top, name);

  if (given.has('model') && (given.has('charges') || given.has('electrostatics'))) {
    throw keys.fail(
      'MODEL_WITH_CHARGES',
      key('model'),
      'a machine-learned model already contains the electrostatics it was trained on',
      {
        hint: 'leave charges and electrostatics out: together with the model they would be counted twice (DPLR is not supported)',
      },
    );
  }
  for (const name of later) {
    if (!given.has(name) || given.get(name) === false) continue;
    throw keys.notAvailable(key(name), `"${keys.spell(name)}"`, name === 'set' ? 'give charges and pairs yourself' : undefined);
  }
  const mixing = ['lorentz-berthelot', 'geometric', 'huggins-mayer'];
  if (given.has('mixing')) keys.choice(given.get('mixing'), key('mixing'), ['none'], mixing);

  const charges = speciesMap(keys, given.get('charges'), key('charges'), 'charge');
  const electrostatics = readElectrostatics(keys, given, key, charges);
  const terms = readTerms(keys, given.get('pairs'), key('pairs'), electrostatics.method);
  const masses = speciesMap(keys, given.get('masses'), key('masses'), 'mass');
  for (const [symbol, mass] of Object.entries(masses)) {
    if (!(mass > 0)) throw range(keys, keys.below(key('masses'), symbol), mass, 'a mass above 0 amu');
  }
  const species = [...new Set([...Object.keys(charges), ...terms.flatMap((term) => term.species)])];
  for (const symbol of Object.keys(masses)) {
    if (species.includes(symbol)) continue;
    throw keys.unknown('UNKNOWN_KEY', keys.below(key('masses'), symbol), 'species', symbol, species);
  }
  return {
    species,
    charges,
    electrostatics: electrostatics.value,
    acceptApproximation: electrostatics.accept,
    terms,
    missingPairs: given.has('missing-pairs')
      ? keys.choice(given.get('missing-pairs'), key('missing-pairs'), ['error', 'none'])
      : 'error',
    inner: given.has('inner') ? keys.choice(given.get('inner'), key('inner'), ['error', 'off'], ['wall', 'zbl']) : 'error',
    masses,
  };
}

/** `{ Li: 1, Cl: -1 }` with numbers in the package's unit, keys being elements. */
function speciesMap(keys: Keys, value: unknown, key: string, kind: QuantityKind): Record<string, number> {
  if (value === undefined) return {};
  const entries = Object.entries(keys.object(value, key, `a map by species, such as { Li: ${kind === 'mass' ? '6.94' : '1'} }`));
  return Object.fromEntries(
    entries.map(([symbol, entry]) => {
      element(keys, symbol, key);
      return [symbol, number(keys, entry, kind, keys.below(key, symbol))];
    }),
  );
}

function readElectrostatics(
  keys: Keys,
  given: Map<string, unknown>,
  key: (name: string) => string,
  charges: Record<string, number>,
): { method: string; value: Electrostatics; accept: boolean } {
  const where = key('electrostatics');
  const choices = METHODS.map((name) => keys.spell(name)).join(', ');
  const input = given.get('electrostatics');
  if (input === undefined) {
    if (!given.has('charges')) return { method: 'none', value: { method: 'none' }, accept: false };
    throw keys.fail('CHARGES_WITHOUT_METHOD', where, `charges are given, but not how they interact; choose one of ${choices}`, {
      hint: 'in this version: damped-shifted-force (an approximation, 1/r cut and damped) or none (charges do not act)',
    });
  }
  if (input === 'none') return { method: 'none', value: { method: 'none' }, accept: false };
  const later = METHODS.filter((name) => name !== 'damped-shifted-force' && name !== 'none');
  if (typeof input === 'string') {
    const method = keys.choice(input, where, ['none', 'damped-shifted-force'], later);
    throw keys.fail('MISSING_KEY', keys.path(where, method), 'damping and cutoff are needed', {
      hint: 'such as { damping: 0.2 /A, cutoff: 12 A }',
    });
  }
  const map = keys.known(input, where, [...METHODS, 'boundary', 'background'], `none, or a map with one of ${choices}`);
  const methods = METHODS.filter((name) => map.has(name));
  if (methods.length !== 1) {
    throw keys.fail(
      'WRONG_TYPE',
      where,
      `expected exactly one method of ${choices}, got ${methods.length === 0 ? 'none' : methods.join(', ')}`,
    );
  }
  const method = methods[0]!;
  if (later.includes(method)) {
    throw keys.notAvailable(
      keys.path(where, method),
      `"${keys.spell(method)}"`,
      `available: ${keys.spell('damped-shifted-force')}, none`,
    );
  }
  if (map.has('boundary')) keys.choice(map.get('boundary'), keys.path(where, 'boundary'), ['conducting'], ['vacuum', 'slab']);
  if (map.has('background')) keys.choice(map.get('background'), keys.path(where, 'background'), ['error'], ['neutralise']);
  if (method === 'none') return { method, value: { method: 'none' }, accept: false };

  const place = keys.path(where, method);
  const names = ['damping', 'cutoff', 'accept-approximation'];
  const dsf = keys.known(map.get(method), place, names, 'a map such as { damping: 0.2 /A, cutoff: 12 A }');
  const read = (name: string, kind: QuantityKind, example: string) => {
    if (!dsf.has(name)) throw keys.fail('MISSING_KEY', keys.path(place, name), `needed, such as ${example}`);
    return number(keys, dsf.get(name), kind, keys.path(place, name));
  };
  const damping = read('damping', 'inverse length', '0.2 /A');
  if (!(damping >= 0)) throw range(keys, keys.path(place, 'damping'), damping, 'a damping of 0 /A or more');
  const cutoff = read('cutoff', 'length', '12 A');
  if (!(cutoff > 0)) throw range(keys, keys.path(place, 'cutoff'), cutoff, 'a cutoff above 0 A');
  const accept = dsf.get('accept-approximation') ?? false;
  if (typeof accept !== 'boolean') {
    throw keys.fail('WRONG_TYPE', keys.path(place, 'accept-approximation'), `expected true or false, got ${show(accept)}`);
  }
  if (Object.keys(charges).length === 0) {
    throw keys.fail(
      'SPECIES_WITHOUT_CHARGE',
      key('charges'),
      `${keys.spell(method)} needs the charge of every species, and none is given`,
      {
        hint: 'such as charges: { Li: 1, Cl: -1 }',
      },
    );
  }
  return { method, value: { method, damping, cutoff } as Electrostatics, accept };
}

function readTerms(keys: Keys, value: unknown, key: string, method: string): PairTerm[] {
  if (value === undefined) {
    if (method !== 'none') return [];
    throw keys.fail('MISSING_KEY', key, 'a pair potential needs pair terms', {
      hint: 'a list of { form, cutoff, at-cutoff, parameters }',
    });
  }
  if (!Array.isArray(value)) throw keys.fail('WRONG_TYPE', key, `expected a list of pair terms, got ${show(value)}`);
  const terms: PairTerm[] = [];
  const seen = new Map<string, string>();
  value.forEach((entry, index) => {
    const place = `${key}[${index}]`;
    const names = ['form', 'cutoff', 'at-cutoff', 'parameters', 'damping', 'taper-from'];
    const block = keys.known(entry, place, names, 'a pair term { form, cutoff, at-cutoff, parameters }');
    const at = (name: string) => keys.path(place, name);
    const form = readForm(keys, block.get('form'), at('form'));
    const treatment = readTreatment(keys, block.get('at-cutoff'), at('at-cutoff'));
    for (const name of ['damping', 'taper-from']) if (block.has(name)) throw keys.notAvailable(at(name), `"${keys.spell(name)}"`);
    if (!block.has('cutoff')) throw keys.fail('MISSING_KEY', at('cutoff'), 'needed, such as 10 A');
    const cutoff = number(keys, block.get('cutoff'), 'length', at('cutoff'));
    if (!(cutoff > 0)) throw range(keys, at('cutoff'), cutoff, 'a cutoff above 0 A');
    const pairs = Object.entries(
      keys.object(block.get('parameters'), at('parameters'), `a map by pair, such as { Li-Cl: {...} }`),
    );
    if (pairs.length === 0)
      throw keys.fail('MISSING_KEY', at('parameters'), 'no pair is given', { hint: 'such as { Li-Cl: {...} }' });
    for (const [name, input] of pairs) {
      const where = keys.below(at('parameters'), name);
      const species = readPair(keys, name, where);
      const identity = `${form} ${[...species].sort().join('-')}`;
      const before = seen.get(identity);
      if (before) {
        throw keys.fail('PAIR_DUPLICATE', where, `the same pair and form stands at ${before} already`, {
          hint: 'keep one of the two',
        });
      }
      seen.set(identity, where);
      terms.push({ form, species, cutoff, treatment, parameters: readParameters(keys, form, input, where) });
    }
  });
  return terms;
}

function readForm(keys: Keys, value: unknown, key: string): PairForm {
  const names = Object.keys(FORM_PARAMETERS) as PairForm[];
  if (value === undefined) throw keys.fail('MISSING_KEY', key, `needed: one of ${names.join(', ')}`);
  const text = typeof value === 'string' ? value : show(value);
  if (!names.includes(text as PairForm) && !LATER_FORMS.includes(text)) {
    throw keys.unknown('UNKNOWN_FORM', key, 'form', text, [...names, ...LATER_FORMS]);
  }
  return keys.choice(text, key, names, LATER_FORMS);
}

function readTreatment(keys: Keys, value: unknown, key: string): CutoffTreatment {
  if (value === undefined) {
    throw keys.fail('CUTOFF_TREATMENT_MISSING', key, `say how the term ends at its cutoff:\n  ${TREATMENT_LINES.join('\n  ')}`, {
      hint: 'force-shift is right for dynamics; there is no default because each choice is another force field',
    });
  }
  return keys.choice(value, key, TREATMENTS, LATER_TREATMENTS);
}

function readPair(keys: Keys, name: string, key: string): [string, string] {
  const parts = name.split('-');
  if (parts.length !== 2) throw keys.fail('PAIR_NAME', key, `"${name}" is not a pair, expected two elements such as Li-Cl`);
  for (const symbol of parts) element(keys, symbol, key);
  return parts as [string, string];
}

function readParameters(keys: Keys, form: PairForm, value: unknown, key: string): Record<string, number> {
  const rules = FORM_PARAMETERS[form];
  const names = Object.keys(rules);
  const input = keys.object(value, key, `the parameters ${names.join(', ')}`);
  for (const name of Object.keys(input)) {
    if (!names.includes(name)) throw keys.unknown('UNKNOWN_KEY', keys.below(key, name), 'parameter', name, names);
  }
  return Object.fromEntries(
    names.map((name) => {
      const where = keys.below(key, name);
      const { kind, sign } = rules[name]!;
      if (input[name] === undefined) {
        const zero = sign === 'positive' ? '' : '; write 0 where it is meant to be zero';
        throw keys.fail('PARAMETER_MISSING', where, `${form} needs ${names.join(', ')}${zero}`);
      }
      const parameter = number(keys, input[name], kind, where);
      const right = sign === 'any' || (sign === 'positive' ? parameter > 0 : parameter >= 0);
      if (!right) throw range(keys, where, parameter, `a number ${sign === 'positive' ? 'above 0' : 'of 0 or more'}`);
      return [name, parameter];
    }),
  );
}

/** A quantity; energies may also be given as temperatures (`119.8 K`, times the Boltzmann constant). */
function number(keys: Keys, value: unknown, kind: QuantityKind, key: string): number {
  if (typeof value === 'number' && !Number.isFinite(value)) throw range(keys, key, value, 'a finite number');
  try {
    const kelvin = kind.startsWith('energy') && typeof value === 'string' && /\bK\b/.test(value);
    return kelvin ? quantity(value.replace(/\bK\b/, 'eV'), kind, key) * BOLTZMANN : quantity(value, kind, key);
  } catch (error) {
    if (!(error instanceof IonclayError)) throw error;
    const place = key === '' ? '' : `${key}: `;
    throw keys.fail(error.code, key, error.message.startsWith(place) ? error.message.slice(place.length) : error.message, {
      hint: error.hint,
      cause: error,
    });
  }
}

function element(keys: Keys, symbol: string, key: string): void {
  try {
    requireElement(symbol, key);
  } catch (error) {
    if (!(error instanceof IonclayError)) throw error;
    throw keys.fail(error.code, key, `"${symbol}" is not a chemical element`, { hint: error.hint, cause: error });
  }
}

function range(keys: Keys, key: string, value: number, expected: string) {
  return keys.fail('PARAMETER_RANGE', key, `${value} is out of range, expected ${expected}`);
}
