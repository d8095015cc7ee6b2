/** Parsers of option values: lists `A,B`, maps `A=x,B=y`, numbers, quantities with units. Wrong ones are errors of status 2. */
import { availableParallelism } from 'node:os';
import { StudyError } from '../errors.js';
import { type QuantityKind, quantity } from '../units.js';

const wrong = (flag: string, value: string, expected: string) =>
  new StudyError('BAD_OPTION', `${flag}: "${value}" is not what this option takes, expected ${expected}`, { key: flag });

/** `Mg,Cl` -> ['Mg', 'Cl']. */
export const list =
  (flag: string, example = 'names separated by commas, such as Mg,Cl') =>
  (value: string): string[] => {
    const items = value.split(',').map((item) => item.trim());
    if (items.some((item) => item === '')) throw wrong(flag, value, example);
    return items;
  };

/** `Mg=2,Cl=-1` -> { Mg: '2', Cl: '-1' }; each name once. */
export const map =
  (flag: string, example = 'pairs such as Mg=2,Cl=-1') =>
  (value: string): Record<string, string> => {
    const out: Record<string, string> = {};
    for (const item of value.split(',')) {
      const match = /^\s*([^=\s]+)\s*=\s*(\S(?:.*\S)?)\s*$/.exec(item);
      if (!match) throw wrong(flag, value, example);
      if (Object.hasOwn(out, match[1]!)) throw wrong(flag, value, `${match[1]} only once`);
      out[match[1]!] = match[2]!;
    }
    return out;
  };

/** `Mg=2,Cl=-1` -> { Mg: 2, Cl: -1 } in the unit of `kind`. */
export const quantityMap =
  (flag: string, kind: QuantityKind, example?: string) =>
  (value: string): Record<string, number> =>
    Object.fromEntries(
      Object.entries(map(flag, example)(value)).map(([name, text]) => [name, quantity(text, kind, `${flag} ${name}`)]),
    );

/** A physical quantity in the package's unit. */
export const quantityOption = (flag: string, kind: QuantityKind) => (value: string) => quantity(value, kind, flag);

/** `0.1,0.2` -> [0.1, 0.2]. */
export const numbers =
  (flag: string) =>
  (value: string): number[] => {
    const example = 'numbers separated by commas, such as 0.1,0.2';
    return list(
      flag,
      example,
    )(value).map((item) => {
      const number = Number(item);
      if (!Number.isFinite(number)) throw wrong(flag, value, example);
      return number;
    });
  };

/** A whole number of at least `least`. */
export const wholeNumber =
  (flag: string, least = 1) =>
  (value: string): number => {
    const number = Number(value);
    if (!/^\d+$/.test(value.trim()) || !Number.isSafeInteger(number) || number < least) {
      throw wrong(flag, value, `a whole number of at least ${least}`);
    }
    return number;
  };

/** One of the given words. */
export const oneOf =
  <T extends string>(flag: string, words: readonly T[]) =>
  (value: string): T => {
    if (!words.includes(value as T)) throw wrong(flag, value, `one of ${words.join(', ')}`);
    return value as T;
  };

/** For options that may be given several times. */
export const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

/** All cores that this process may use. */
export const allCores = (): number => availableParallelism();
