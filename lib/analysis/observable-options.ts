/** Options of observables as studies and the command line give them: kebab-case keys, text or numbers; checked, with the key in every error. */
import { nearest, StudyError } from '../errors.js';
import { type QuantityKind, quantity } from '../units.js';

export type OptionKind =
  | 'species-list'
  | 'pairs'
  | 'lags'
  | 'times'
  | 'window'
  | 'reference'
  | 'charges'
  | 'cutoffs'
  | 'estimator'
  | 'normalisation'
  | Extract<QuantityKind, 'time' | 'length' | 'temperature' | 'rate'>;

export interface OptionDefinition {
  readonly kind: OptionKind;
  readonly description: string;
  /** What happens without it, in words; undefined = required. */
  readonly default?: string;
  /** Key in the echoed options, ending in its unit. */
  readonly echo: string;
}

/** Values by library name (camelCase). */
export type OptionValues = Record<string, unknown>;

const bad = (key: string, value: unknown, expected: string) =>
  new StudyError(
    'OPTION_VALUE',
    `${key}: ${JSON.stringify(value)?.slice(0, 80)} is not what this option takes, expected ${expected}`,
    { key },
  );

const words = (value: unknown, key: string, example: string): string[] => {
  const list = typeof value === 'string' ? value.split(',').map((s) => s.trim()) : value;
  if (!Array.isArray(list) || list.length === 0 || list.some((item) => typeof item !== 'string' || item === ''))
    throw bad(key, value, example);
  return list as string[];
};

/** Splits text at commas, keeps lists; every item a number or text. */
const items = (value: unknown, key: string, example: string): (number | string)[] => {
  const list = typeof value === 'string' ? value.split(',').map((s) => s.trim()) : typeof value === 'number' ? [value] : value;
  if (!Array.isArray(list) || list.length === 0) throw bad(key, value, example);
  return list as (number | string)[];
};

const pairsMap = (value: unknown, key: string, example: string): Record<string, number | string> => {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, number | string>;
  if (typeof value !== 'string') throw bad(key, value, example);
  return Object.fromEntries(
    value.split(',').map((item) => {
      const match = /^\s*([^=\s]+)\s*=\s*(.*\S)\s*$/.exec(item);
      if (!match) throw bad(key, value, example);
      return [match[1]!, match[2]!];
    }),
  );
};

const oneOf = (value: unknown, key: string, known: readonly string[]): string => {
  if (typeof value === 'string' && known.includes(value)) return value;
  const guess = typeof value === 'string' ? nearest(value, known) : undefined;
  throw new StudyError('OPTION_VALUE', `${key}: ${JSON.stringify(value)} is not one of ${known.join(', ')}`, {
    key,
    hint: guess && `did you mean "${guess}"?`,
  });
};

/** The value of one option in the package's units. */
export function optionValue(kind: OptionKind, value: unknown, key: string): unknown {
  switch (kind) {
    case 'species-list':
      return words(value, key, 'species such as Mg,Cl');
    case 'pairs':
      return words(value, key, 'pairs such as Mg-Cl,Ga-F');
    case 'times':
      return items(value, key, 'times such as 1 ps,50 ps').map((item) => quantity(item, 'time', key));
    case 'window': {
      const list = items(value, key, 'two lag times such as 10 ps,50 ps');
      if (list.length !== 2) throw bad(key, value, 'two lag times such as 10 ps,50 ps');
      return list.map((item) => quantity(item, 'time', key));
    }
    case 'lags': {
      // A bare whole number counts lags; anything with a unit is a list of times.
      const whole = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
      if (typeof whole === 'number') {
        if (!Number.isInteger(whole) || whole < 1)
          throw bad(key, value, 'a positive whole number of lags, or lag times such as 1 ps,10 ps');
        return whole;
      }
      return items(value, key, 'a number of lags, or lag times such as 1 ps,10 ps').map((item) => quantity(item, 'time', key));
    }
    case 'reference':
      if (typeof value !== 'string') throw bad(key, value, 'com, none or framework:<species,...>');
      return value;
    case 'charges':
      return Object.fromEntries(
        Object.entries(pairsMap(value, key, 'charges such as Mg=2,Cl=-1')).map(([name, z]) => [
          name,
          quantity(z, 'charge', `${key}.${name}`),
        ]),
      );
    case 'cutoffs':
      return Object.fromEntries(
        Object.entries(pairsMap(value, key, 'cut-offs such as Ga-F=2.4,Ga-Cl=2.8')).map(([name, r]) => [
          name,
          r === 'first-minimum' ? r : quantity(r, 'length', `${key}.${name}`),
        ]),
      );
    case 'estimator':
      return oneOf(value, key, ['gls', 'ols']);
    case 'normalisation':
      return oneOf(value, key, ['pairs', 'density']);
    default:
      return quantity(value, kind, key);
  }
}

export const camelCase = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
