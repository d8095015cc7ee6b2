/** The one error class of the package, and the helpers that make its messages useful. */

export interface ErrorDetails {
  hint?: string;
  file?: string;
  /** 1-based. */
  line?: number;
  column?: number;
  /** Path of the offending key, such as `stages[2].temperature`. */
  key?: string;
  /** 0-based index of the offending atom, in the user's order. */
  atom?: number;
  cause?: unknown;
  [name: string]: unknown;
}

/** What went wrong: the request (exit status 2) or the work itself (exit status 1). */
export type ErrorKind = 'request' | 'work';

/**
 * Every error that ionclay throws. `code` is stable and meant for programs; `message` says what was wrong, where,
 * and what was expected; `hint` says what to do.
 */
export class IonclayError extends Error {
  readonly code: string;
  readonly kind: ErrorKind = 'request';
  readonly hint?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly key?: string;
  readonly atom?: number;
  /** Everything else that a program may want to know about this error (plain data). */
  readonly details: Record<string, unknown>;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    const { hint, file, line, column, key, atom, cause, ...rest } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = hint;
    this.file = file;
    this.line = line;
    this.column = column;
    this.key = key;
    this.atom = atom;
    this.details = rest;
  }

  /** The document that the command line prints under `error` (keys without a value are left out). */
  toJSON(): Record<string, unknown> {
    const out: Record<string, unknown> = { code: this.code, message: this.message };
    for (const name of ['file', 'line', 'column', 'key', 'atom', 'hint'] as const) {
      if (this[name] !== undefined) out[name] = this[name];
    }
    if (Object.keys(this.details).length > 0) out.details = this.details;
    return out;
  }
}

/** Structures and their files (`E_...` codes). */
export class StructureError extends IonclayError {}

/** Models and force fields (`MODEL_...`, `PAIR_...`, `SEL_OVERFLOW` ...). */
export class PotentialError extends IonclayError {}

/** A study file or an option that is wrong. */
export class StudyError extends IonclayError {}

/** A run that failed while it was running (`NONFINITE_FORCE`, `ATOM_TOO_FAST` ...): exit status 1. */
export class SimulationError extends IonclayError {
  override readonly kind: ErrorKind = 'work';
}

/** The known name nearest to `name` by edit distance, or undefined where none is close enough to be a likely slip. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

/** Two neighbouring letters that changed places are one slip (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + change, swap));
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}

/** Error for a key or option that does not exist, with the nearest known name as the hint. */
export function unknownKey(key: string, name: string, known: readonly string[], details: ErrorDetails = {}): StudyError {
  const guess = nearest(name, known);
  return new StudyError('UNKNOWN_KEY', `${key}: unknown key "${name}"`, {
    key,
    hint: guess ? `did you mean "${guess}"?` : `known here: ${known.join(', ')}`,
    ...details,
  });
}

/** Refuses a name in `options` that is not among `known`, and anything that is no map; `what` took the options. */
export function onlyOptions(what: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new StudyError('WRONG_TYPE', `${what}: expected options, such as { ${known[0]}: ... }, got ${typeName(options)}`, {
      hint: `known here: ${known.join(', ')}`,
    });
  }
  for (const name of Object.keys(options)) if (!known.includes(name)) throw unknownKey(`${what}.${name}`, name, known);
}

/** What a value is, for messages about arguments of the wrong kind; a promise is most often one that nobody awaited. */
export function typeName(value: unknown): string {
  if (value instanceof Promise) return 'a promise (is an await missing?)';
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'another object' : `a ${typeof value}`;
}

/** Error for something that the contract names and this version does not build yet. */
export function notAvailable(key: string, what: string, hint?: string, details: ErrorDetails = {}): StudyError {
  return new StudyError('NOT_AVAILABLE', `${key}: ${what} is not available in this version`, { key, hint, ...details });
}
