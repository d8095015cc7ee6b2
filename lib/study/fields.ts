/**
 * Building blocks of the study's grammar: maps that know their keys, physical quantities, choices. The second line of an issue's message
 * is the hint that the user gets.
 */
import { z } from 'zod';
import { IonclayError, nearest } from '../errors.js';
import { type QuantityKind, quantity as readQuantity } from '../units.js';

/** Code and hint travel with the issue: zod keeps `params` of custom issues. */
export interface IssueParams {
  code?: string;
  hint?: string;
}

const article = (noun: string) => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;

/** A number in the package's unit or text with a unit; the parsed value is in the package's unit. */
export function quantity(kind: QuantityKind, example: string, options: { above?: number; least?: number } = {}) {
  const expected = `expected ${article(kind)} such as ${example}`;
  return z
    .union([z.number(), z.string()], { error: () => expected })
    .meta({ description: `${article(kind)}, such as ${example}; a bare number is in the package's unit`, examples: [example] })
    .transform((input, context) => {
      try {
        const value = readQuantity(input, kind, '');
        const low =
          options.above !== undefined ? !(value > options.above) : options.least !== undefined && !(value >= options.least);
        if (!low) return value;
        const limit = options.above !== undefined ? `above ${options.above}` : `at least ${options.least}`;
        context.addIssue({
          code: 'custom',
          message: `${JSON.stringify(input)} must be ${limit}, ${expected}`,
          params: { code: 'BAD_VALUE' },
        });
      } catch (error) {
        if (!(error instanceof IonclayError)) throw error;
        const message = error.message.replace(/^: /, '');
        context.addIssue({ code: 'custom', message, params: { code: error.code, hint: error.hint } satisfies IssueParams });
      }
      return z.NEVER;
    });
}

/** A map whose unknown keys are errors with the nearest known name. */
export function block<Shape extends z.ZodRawShape>(what: string, shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') {
        const name = issue.keys[0]!;
        const guess = nearest(name, known);
        return `unknown key "${name}"\n${guess ? `did you mean "${guess}"?` : `known here: ${known.join(', ')}`}`;
      }
      return `expected ${what}`;
    },
  });
}

/** One of the words. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, {
    error: (issue) => {
      const given = typeof issue.input === 'string' ? nearest(issue.input, words) : undefined;
      return `expected one of ${words.join(', ')}${given ? `\ndid you mean "${given}"?` : ''}`;
    },
  });
}

/** A whole number of at least `least`. */
export const whole = (least: number) =>
  z.number({ error: () => `expected a whole number of at least ${least}` }).refine((n) => Number.isSafeInteger(n) && n >= least, {
    error: () => `expected a whole number of at least ${least}`,
  });

export const number = () => z.number({ error: () => 'expected a number' });

export const text = (what: string) => z.string({ error: () => `expected ${what}` }).min(1, { error: () => `expected ${what}` });

export const flag = () => z.boolean({ error: () => 'expected true or false' });

/** A list; `what` says of what. */
export const listOf = <T extends z.ZodType>(item: T, what: string) =>
  z.array(item, { error: () => `expected a list of ${what}` });

/** A map from names (species, pairs ...) to values. */
export const mapOf = <T extends z.ZodType>(value: T, what: string) =>
  z.record(z.string(), value, { error: () => `expected ${what}` });

/** A block whose content another room checks, or that this version does not build. */
export const anything = (what: string) => z.record(z.string(), z.unknown(), { error: () => `expected ${what}` });
