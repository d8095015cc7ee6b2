// biome-ignore-all lint/correctness/noPrecisionLoss: constants are written as their source prints them, the compiler rounds once
/**
 * Units and constants. Angstrom, femtosecond, eV, kelvin, amu, elementary charge; stress in GPa, conductivity in mS/cm,
 * diffusivity in cm2/s. Constants are CODATA 2018 (dynamics.md 1); more digits than a double holds are given so that the
 * compiler rounds once.
 */
import { IonclayError, nearest } from './errors.js';

/** Boltzmann constant, eV/K. */
export const BOLTZMANN = 8.617333262145177433663659334e-5;
/** One atomic mass unit in eV fs^2/A^2, the mass unit of the integrators. */
export const AMU = 103.642696526805046390409411;
/** e^2/(4 pi eps0), eV A. */
export const COULOMB = 14.39964547842567205852538983;
/** 1 eV/A^3 in GPa. */
export const EV_PER_A3_IN_GPA = 160.2176634;
/** 1 GPa in eV/A^3. */
export const GPA_IN_EV_PER_A3 = 6.241509074460762607776240981e-3;
/** 1 amu/A^3 in g/cm^3. */
export const AMU_PER_A3_IN_G_PER_CM3 = 1.6605390666;
/** 1 eV/A in kcal/mol/A. */
export const EV_IN_KCAL_PER_MOL = 23.06054783061902925;
/** 1 eV in kJ/mol. */
export const EV_IN_KJ_PER_MOL = 96.4853321233100184;
/** 1 A^2/fs in cm^2/s. */
export const A2_PER_FS_IN_CM2_PER_S = 0.1;
/** Slope of the charge MSD (e^2 A^2/fs) over V T (A^3 K) to mS/cm, 1/6 included: analysis.md 0.1, K_E. */
export const EINSTEIN_CONDUCTIVITY = 3.0987479638628506e10;
/** Planck constant over 2 pi, eV fs. */
export const HBAR = 0.658211956950906569834;

/** Exponents of (length, time, energy, temperature, mass, charge). */
type Dimension = readonly [number, number, number, number, number, number];

interface Unit {
  dimension: Dimension;
  /** Size in A, fs, eV, K, amu, e. */
  size: number;
}

const L: Dimension = [1, 0, 0, 0, 0, 0];
const T: Dimension = [0, 1, 0, 0, 0, 0];
const E: Dimension = [0, 0, 1, 0, 0, 0];
const K: Dimension = [0, 0, 0, 1, 0, 0];
const M: Dimension = [0, 0, 0, 0, 1, 0];
const Q: Dimension = [0, 0, 0, 0, 0, 1];
const P: Dimension = [-3, 0, 1, 0, 0, 0];
const NONE: Dimension = [0, 0, 0, 0, 0, 0];

const UNITS: Record<string, Unit> = {
  A: { dimension: L, size: 1 },
  Angstrom: { dimension: L, size: 1 },
  angstrom: { dimension: L, size: 1 },
  Å: { dimension: L, size: 1 },
  nm: { dimension: L, size: 10 },
  pm: { dimension: L, size: 0.01 },
  cm: { dimension: L, size: 1e8 },
  m: { dimension: L, size: 1e10 },
  fs: { dimension: T, size: 1 },
  ps: { dimension: T, size: 1e3 },
  ns: { dimension: T, size: 1e6 },
  us: { dimension: T, size: 1e9 },
  ms: { dimension: T, size: 1e12 },
  s: { dimension: T, size: 1e15 },
  min: { dimension: T, size: 6e16 },
  h: { dimension: T, size: 3.6e18 },
  eV: { dimension: E, size: 1 },
  meV: { dimension: E, size: 1e-3 },
  keV: { dimension: E, size: 1e3 },
  'kJ/mol': { dimension: E, size: 1 / EV_IN_KJ_PER_MOL },
  'kcal/mol': { dimension: E, size: 1 / EV_IN_KCAL_PER_MOL },
  K: { dimension: K, size: 1 },
  amu: { dimension: M, size: 1 },
  u: { dimension: M, size: 1 },
  e: { dimension: Q, size: 1 },
  Pa: { dimension: P, size: GPA_IN_EV_PER_A3 * 1e-9 },
  kPa: { dimension: P, size: GPA_IN_EV_PER_A3 * 1e-6 },
  MPa: { dimension: P, size: GPA_IN_EV_PER_A3 * 1e-3 },
  GPa: { dimension: P, size: GPA_IN_EV_PER_A3 },
  bar: { dimension: P, size: GPA_IN_EV_PER_A3 * 1e-4 },
  kbar: { dimension: P, size: GPA_IN_EV_PER_A3 * 1e-1 },
  atm: { dimension: P, size: GPA_IN_EV_PER_A3 * 1.01325e-4 },
};

/** Physical quantities that a key or an option may ask for. */
export type QuantityKind = keyof typeof KINDS;

const scale = (...parts: [Dimension, number][]): Dimension =>
  NONE.map((_, i) => parts.reduce((sum, [dimension, power]) => sum + dimension[i]! * power, 0)) as unknown as Dimension;

/** `unit`: the package's unit, used for bare numbers and in messages; `example`: what the message suggests. */
const KINDS = {
  length: { dimension: L, unit: 'A', example: '5 A' },
  time: { dimension: T, unit: 'fs', example: '10 ps' },
  energy: { dimension: E, unit: 'eV', example: '0.1 eV' },
  temperature: { dimension: K, unit: 'K', example: '300 K' },
  mass: { dimension: M, unit: 'amu', example: '6.94 amu' },
  charge: { dimension: Q, unit: 'e', example: '2 e' },
  stress: { dimension: P, unit: 'GPa', example: '10 MPa' },
  force: { dimension: scale([E, 1], [L, -1]), unit: 'eV/A', example: '0.01 eV/A' },
  rate: { dimension: scale([T, -1]), unit: '/fs', example: '1 /ps' },
  'inverse length': { dimension: scale([L, -1]), unit: '/A', example: '0.3 /A' },
  velocity: { dimension: scale([L, 1], [T, -1]), unit: 'A/fs', example: '0.01 A/fs' },
  'energy x length^6': { dimension: scale([E, 1], [L, 6]), unit: 'eV A6', example: '1.2 eV A6' },
  'energy x length^8': { dimension: scale([E, 1], [L, 8]), unit: 'eV A8', example: '1.5 eV A8' },
  number: { dimension: NONE, unit: '', example: '3' },
} as const satisfies Record<string, { dimension: Dimension; unit: string; example: string }>;

/** Names of dimensions, for messages such as `"300 ps" is a time`. */
function nameOf(dimension: Dimension): string {
  for (const [name, kind] of Object.entries(KINDS)) {
    if (kind.dimension.every((power, i) => power === dimension[i])) return name === 'number' ? 'number without a unit' : name;
  }
  return 'quantity of another dimension';
}

const an = (noun: string) => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;

/**
 * Reads a physical quantity: a number in the package's unit or text with a unit (`25 ns`, `10 MPa`, `1e9 /s`, `-53 C`,
 * `1.2 eV A6`). Throws `WRONG_DIMENSION`, `UNKNOWN_UNIT` or `E_NUMBER` naming `key`.
 * @returns the value in the package's unit (A, fs, eV, K, amu, e, GPa and their products)
 */
export function quantity(input: unknown, kind: QuantityKind, key: string): number {
  const expected = KINDS[kind];
  const wanted = `expected ${an(kind)} such as ${expected.example}`;
  if (typeof input === 'number') {
    if (!Number.isFinite(input))
      throw new IonclayError('E_NUMBER', `${key}: ${input} is not a finite number, ${wanted}`, { key });
    return input;
  }
  if (typeof input !== 'string') {
    throw new IonclayError('E_NUMBER', `${key}: ${JSON.stringify(input)?.slice(0, 80)} is not a quantity, ${wanted}`, { key });
  }
  const match = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$/.exec(input);
  if (!match)
    throw new IonclayError('E_NUMBER', `${key}: "${input.slice(0, 80)}" does not begin with a number, ${wanted}`, { key });
  const value = Number(match[1]);
  const text = match[2]!;
  if (!Number.isFinite(value))
    throw new IonclayError('E_NUMBER', `${key}: "${input.slice(0, 80)}" is out of range, ${wanted}`, { key });
  if (text === '') return value;
  if (kind === 'temperature' && (text === 'C' || text === '°C')) return value + 273.15;
  const unit = parseUnit(text, input, key, wanted);
  if (!unit.dimension.every((power, i) => power === expected.dimension[i])) {
    throw new IonclayError('WRONG_DIMENSION', `${key}: "${input}" is ${an(nameOf(unit.dimension))}, ${wanted}`, {
      key,
      hint: `a bare number is taken in ${expected.unit || 'no unit'}`,
    });
  }
  // Sizes are powers of ten of the package's unit in nearly all cases: dividing by the reciprocal keeps 10 MPa = 0.01 GPa exact.
  const ratio = kind === 'stress' ? unit.size / GPA_IN_EV_PER_A3 : unit.size;
  const inverse = 1 / ratio;
  const rounded = Math.round(inverse);
  const converted = ratio < 1 && Math.abs(inverse - rounded) < 1e-9 * rounded ? value / rounded : value * tidy(ratio);
  if (!Number.isFinite(converted))
    throw new IonclayError('E_NUMBER', `${key}: "${input.slice(0, 80)}" is out of range, ${wanted}`, { key });
  return converted;
}

/** Removes the last-digit noise of a ratio that is a whole number. */
function tidy(ratio: number): number {
  const rounded = Math.round(ratio);
  return rounded > 0 && Math.abs(ratio - rounded) < 1e-12 * rounded ? rounded : ratio;
}

/** Products of units: factors separated by blanks, `*` or `·`, `/` divides by the next factor, exponents as `A6`, `A^6`, `A-1`. */
function parseUnit(text: string, input: string, key: string, wanted: string): Unit {
  if (Object.hasOwn(UNITS, text)) return UNITS[text]!;
  let size = 1;
  let dimension: Dimension = NONE;
  const tokens = text.match(/\/|[^\s*·/]+/g) ?? [];
  let sign = 1;
  for (const [position, token] of tokens.entries()) {
    // A slash divides by the factor after it; one that is followed by none is no factor itself.
    const next = tokens[position + 1];
    if (token === '/' && next !== undefined && next !== '/') {
      sign = -1;
      continue;
    }
    const factor = /^([A-Za-zÅ°]+?)\^?([+-]?\d+)?$/.exec(token);
    const unit = factor ? (Object.hasOwn(UNITS, factor[1]!) ? UNITS[factor[1]!] : undefined) : undefined;
    if (!unit) {
      const guess = nearest(token, Object.keys(UNITS));
      throw new IonclayError('UNKNOWN_UNIT', `${key}: unknown unit "${token}" in "${input.slice(0, 80)}", ${wanted}`, {
        key,
        hint: guess ? `did you mean "${guess}"?` : undefined,
      });
    }
    const power = sign * Number(factor![2] ?? 1);
    size *= unit.size ** power;
    dimension = scale([dimension, 1], [unit.dimension, power]);
    sign = 1;
  }
  return { size, dimension };
}
