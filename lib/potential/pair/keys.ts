/**
 * Reading of option objects in both spellings: kebab-case as in study files, camelCase as in the library. Unknown and doubled keys are
 * errors with the nearest known name; paths in messages are spelled as the user spells them.
 */
import { type ErrorDetails, nearest, PotentialError } from '../../errors.js';

/** Where the options stand: messages and errors name keys below `key`, in the spelling of its world. */
export interface OptionPlace {
  /** Path of the options in the study, such as `potential`; without it the library's camelCase is used. */
  readonly key?: string;
  /** File that the options come from. */
  readonly file?: string;
}

export const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const camel = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Makes paths and errors for one set of options. */
export class Keys {
  constructor(private readonly place: OptionPlace = {}) {}

  /** A contract key (kebab-case) as the user would write it. */
  spell(name: string): string {
    return this.place.key === undefined ? camel(name) : name;
  }

  /** Path of a key below a parent path ('' = top). */
  path(parent: string, name: string): string {
    return parent === '' ? this.spell(name) : `${parent}.${this.spell(name)}`;
  }

  get top(): string {
    return this.place.key ?? '';
  }

  fail(code: string, key: string, message: string, details: ErrorDetails = {}): PotentialError {
    const where = key === '' ? '' : `${key}: `;
    return new PotentialError(code, where + message, { ...(key === '' ? {} : { key }), file: this.place.file, ...details });
  }

  /** The object at `key`; error where it is something else. */
  object(value: unknown, key: string, what: string): Record<string, unknown> {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      throw this.fail('WRONG_TYPE', key, `expected ${what}, got ${show(value)}`);
    }
    return value as Record<string, unknown>;
  }

  /** Values by contract key. Error for a key that is not known, and for one that is given in both spellings. */
  known(value: unknown, key: string, names: readonly string[], what: string): Map<string, unknown> {
    const out = new Map<string, unknown>();
    for (const [given, entry] of Object.entries(this.object(value, key, what))) {
      const name = names.includes(given) ? given : kebab(given);
      if (!names.includes(name)) throw this.unknown('UNKNOWN_KEY', this.below(key, given), 'key', given, names);
      if (out.has(name)) throw this.fail('DUPLICATE_KEY', this.path(key, name), 'given twice, in both spellings');
      if (entry !== undefined) out.set(name, entry);
    }
    return out;
  }

  /** One of the names; `later` are those that the contract has and this version not. */
  choice<T extends string>(value: unknown, key: string, names: readonly T[], later: readonly string[] = []): T {
    const text = typeof value === 'string' ? value : show(value);
    if (names.includes(text as T)) return text as T;
    if (later.includes(text)) throw this.notAvailable(key, `"${text}"`, `available: ${names.join(', ')}`);
    throw this.unknown('UNKNOWN_VALUE', key, 'value', text, [...names, ...later]);
  }

  unknown(code: string, key: string, noun: string, name: string, names: readonly string[]): PotentialError {
    const spelled = noun === 'key' ? names.map((known) => this.spell(known)) : names;
    const guess = nearest(name, spelled);
    const hint = guess ? `did you mean "${guess}"?` : `known here: ${spelled.join(', ')}`;
    return this.fail(code, key, `unknown ${noun} "${name}"; ${hint}`, { hint });
  }

  notAvailable(key: string, what: string, hint?: string): PotentialError {
    return this.fail('NOT_AVAILABLE', key, `${what} is not available in this version`, { hint });
  }

  /** Path of a name that is kept exactly as the user wrote it. */
  below(parent: string, name: string): string {
    return parent === '' ? name : `${parent}.${name}`;
  }
}

export function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
