/** `ionclay model compress`: a model file with tables of its embedding nets, so that they need not be made at every start. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { PotentialError, StudyError } from '../errors.js';
import { fileError } from '../io/file-errors.js';
import { DeepPotential } from './deep-potential.js';
import { readModel } from './model-file.js';
import { foreignDifferences, writeNativeModel } from './model-writer.js';
import type { Precision } from './potential.js';
import { type ModelSummary, storedTablesSummary } from './summary.js';

export interface CompressedModel {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly source: { readonly name: string; readonly file: string; readonly sha256: string };
  readonly tables: NonNullable<ModelSummary['stored_tables']>;
  /** Pairs of types, over all descriptors, that have a net. */
  readonly nets: number;
  /** What DeePMD-kit makes of the file where that differs from the source. */
  readonly notes: readonly string[];
}

export interface CompressOptions {
  /** Default `double`. */
  readonly precision?: Precision;
  /** Replaces a file that exists. */
  readonly force?: boolean;
}

/**
 * Writes a native model (`.dp`) with the tables that `compression: auto` would make of the model, and the same nets. Errors
 * `FILE_EXISTS`, `MODEL_NOT_EXPRESSIBLE`.
 */
export async function compressModel(
  nameOrPath: string,
  output: string,
  { precision = 'double', force = false }: CompressOptions = {},
): Promise<CompressedModel> {
  if (existsSync(output) && !force) {
    throw new StudyError('FILE_EXISTS', `${output} exists already`, { file: output, hint: 'give another name, or --force' });
  }
  const model = await readModel(nameOrPath);
  const source = await readFile(model.file);
  const { parameters } = model;
  // Said before the work of making tables.
  try {
    writeNativeModel({ parameters, bytes: source });
  } catch (error) {
    throw inFile(error, model.name);
  }
  const tables = new DeepPotential(model, { precision, compression: 'auto' }).tables();
  const bytes = writeNativeModel({ parameters, bytes: source }, tables);
  const temporary = `${output}.tmp`;
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, output);
  } catch (error) {
    // Where the path itself is impossible this fails too, and the first error says why.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(output, error, 'write');
  }
  return {
    file: output,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    source: { name: model.name, file: model.file, sha256: model.sha256 },
    tables: storedTablesSummary(tables),
    nets: parameters.descriptors.reduce((sum, d) => sum + (d.tableOf ?? d.netOf).filter((net) => net >= 0).length, 0),
    notes: foreignDifferences(parameters),
  };
}

/** The same error with the model in front: the writer knows parameters only. */
function inFile(error: unknown, name: string): unknown {
  if (!(error instanceof PotentialError) || error.file !== undefined) return error;
  const hint = error.hint ?? 'use the model as it is: compression: auto makes the tables whenever it is loaded';
  return new PotentialError(error.code, `${name}: ${error.message}`, { ...error.details, file: name, hint, cause: error });
}
