/** Frame and atom parameters (deep-potential.md 1.8): what the caller gives against what a model needs. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PotentialError, StudyError, typeName } from '../errors.js';
import { fileError } from '../io/file-errors.js';
import type { DeepPotentialParameters, ExternalParameters } from './deep-potential-parameters.js';

/** One row an atom, in the order of the structure. */
export interface AtomParameters {
  /** [rows, columns]. */
  readonly values: Float64Array;
  readonly rows: number;
  readonly columns: number;
  /** Null where they were given as numbers. */
  readonly file: string | null;
}

export interface GivenParameters {
  readonly fparam?: ArrayLike<number>;
  readonly aparam?: AtomParameters;
}

/** SHA-256 of the numbers, so that a run is never continued with others. */
export function parametersHash({ values }: Pick<AtomParameters, 'values'>): string {
  return createHash('sha256')
    .update(Buffer.from(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');
}

/** Rows of numbers given by a script. */
export function atomParametersOf(rows: readonly (readonly number[])[]): AtomParameters {
  const columns = rows[0]?.length ?? 0;
  rows.forEach((row, atom) => {
    if (row.length === columns && row.every((x) => typeof x === 'number' && Number.isFinite(x)) && columns > 0) return;
    throw new StudyError(
      'BAD_VALUE',
      `aparam: row ${atom} is not ${columns || 'at least one'} finite number${columns === 1 ? '' : 's'}`,
      {
        key: 'aparam',
        atom,
      },
    );
  });
  return { values: Float64Array.from(rows.flat()), rows: rows.length, columns, file: null };
}

/** Text with one row an atom, numbers separated by blanks; empty lines and lines that begin with # are skipped. */
export function parseAtomParameters(text: string, file: string): AtomParameters {
  const values: number[] = [];
  let [rows, columns] = [0, 0];
  text.split(/\r?\n/).forEach((content, index) => {
    const trimmed = content.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const line = index + 1;
    const fail = (message: string) =>
      new StudyError('BAD_VALUE', `${file}:${line}: ${message}`, {
        file,
        line,
        key: 'aparam',
        hint: 'lines that begin with # are comments',
      });
    const words = trimmed.split(/\s+/);
    for (const word of words) {
      const value = Number(word);
      if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(word) || !Number.isFinite(value)) {
        throw fail(`"${word}" is not a finite number, expected one row an atom of numbers separated by blanks`);
      }
      values.push(value);
    }
    if (rows > 0 && words.length !== columns) {
      throw fail(`${words.length} numbers, expected ${columns} as in the rows before`);
    }
    columns = words.length;
    rows++;
  });
  if (rows === 0)
    throw new StudyError('BAD_VALUE', `${file}: there are no numbers in it`, {
      file,
      key: 'aparam',
      hint: 'write one row an atom',
    });
  return { values: Float64Array.from(values), rows, columns, file };
}

export async function readAtomParameters(file: string): Promise<AtomParameters> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw fileError(file, error, 'read');
  }
  return parseAtomParameters(text, file);
}

const numbersText = (n: number) => `${n} number${n === 1 ? '' : 's'}`;

/** Values of a frame; defaults of the model where none are given, null where it needs none. */
export function frameValues(
  name: string,
  needed: ExternalParameters | null,
  given: ArrayLike<number> | undefined,
): { values: Float64Array | null; usesDefault: boolean } {
  if (!needed) return { values: null, usesDefault: false };
  if (given === undefined) {
    if (needed.defaults) return { values: Float64Array.from(needed.defaults), usesDefault: true };
    throw new PotentialError(
      'FPARAM_MISSING',
      `model ${name} needs ${numbersText(needed.count)} for the frame (fparam), none given`,
      {
        key: 'fparam',
        hint: 'give them with --fparam 0.1,0.2 (fparam: [0.1, 0.2] in a study), in the order and unit of the training data',
      },
    );
  }
  if (typeof given !== 'object' || given === null || typeof given.length !== 'number') {
    throw new PotentialError('WRONG_TYPE', `fparam: expected a list of ${numbersText(needed.count)}, got ${typeName(given)}`, {
      key: 'fparam',
      hint: `such as [${Array(needed.count).fill('0.1').join(', ')}]`,
    });
  }
  const values = Float64Array.from(given);
  if (values.length !== needed.count || !values.every(Number.isFinite)) {
    throw new PotentialError(
      'BAD_VALUE',
      `fparam: model ${name} needs ${numbersText(needed.count)}, got ${numbersText(values.length)}${values.every(Number.isFinite) ? '' : ' that are not all finite'}`,
      { key: 'fparam', hint: 'give as many as the model was trained with, in the order and unit of the training data' },
    );
  }
  return { values, usesDefault: false };
}

/** Values of all atoms; null where the model needs none. `natoms` undefined: only the width is checked. */
export function atomValues(
  name: string,
  needed: ExternalParameters | null,
  given: AtomParameters | undefined,
  natoms?: number,
): Float64Array | null {
  if (!needed) return null;
  if (given === undefined) {
    throw new PotentialError(
      'APARAM_MISSING',
      `model ${name} needs ${numbersText(needed.count)} for each atom (aparam), none given`,
      {
        key: 'aparam',
        hint: 'give a file with one row an atom with --aparam FILE (aparam: FILE in a study)',
      },
    );
  }
  const file = given.file ?? undefined;
  const where = given.file ? `${given.file}: ` : 'aparam: ';
  if (given.columns !== needed.count) {
    const message = `${where}model ${name} needs ${numbersText(needed.count)} an atom, the rows have ${given.columns}`;
    throw new PotentialError('BAD_VALUE', message, {
      key: 'aparam',
      file,
      hint: 'one row an atom, with as many numbers as the model was trained with',
    });
  }
  if (natoms !== undefined && given.rows !== natoms) {
    const message = `${where}${given.rows} rows, the structure has ${natoms} atoms`;
    throw new PotentialError('BAD_VALUE', message, {
      key: 'aparam',
      file,
      hint: 'one row an atom, in the order of the structure',
    });
  }
  return given.values;
}

/** Refuses parameters that no model asks for: they would silently do nothing. */
export function refuseUnused(
  models: readonly { readonly name: string; readonly parameters: DeepPotentialParameters }[],
  given: GivenParameters,
): void {
  const names = models.map(({ name }) => name).join(', ');
  const verb = models.length > 1 ? 'take' : 'takes';
  if (given.fparam !== undefined && !models.some(({ parameters }) => parameters.frameParameters)) {
    throw new PotentialError('BAD_VALUE', `fparam: ${names} ${verb} no frame parameters`, {
      key: 'fparam',
      hint: 'leave them out',
    });
  }
  if (given.aparam !== undefined && !models.some(({ parameters }) => parameters.atomParameters)) {
    throw new PotentialError('BAD_VALUE', `aparam: ${names} ${verb} no atom parameters`, {
      key: 'aparam',
      hint: 'leave them out',
    });
  }
}
