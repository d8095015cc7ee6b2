/** Potentials by name or path. */
import { StudyError, typeName } from '../errors.js';
import type { Isa } from '../native/addon.js';
import { DeepPotential } from './deep-potential.js';
import { readModel } from './model-file.js';
import type { Precision } from './potential.js';

export interface LoadPotentialOptions {
  /** Default `double`. */
  readonly precision?: Precision;
  /** Default: all cores. */
  readonly threads?: number;
  /** Default: the best of this machine, or `IONCLAY_ISA`. */
  readonly isa?: Isa;
  /** `none` (default) runs the nets of the file. */
  readonly compression?: 'none' | 'auto';
  /** Element symbols to type names or numbers of the model. */
  readonly types?: Readonly<Record<string, string | number>>;
}

/**
 * Loads a Deep Potential: a bundled name (`mg-ga-f-cl`, `li-ga-f-cl`, `li-y-cl-br`) or the path of a model file; the format is found
 * by content. Errors name the file and what is wrong (`MODEL_NOT_FOUND`, `MODEL_UNSUPPORTED`, `MODEL_CORRUPT` ...).
 */
export async function loadPotential(nameOrPath: string, options: LoadPotentialOptions = {}): Promise<DeepPotential> {
  if (typeof nameOrPath !== 'string' || nameOrPath === '') {
    throw new StudyError(
      'WRONG_TYPE',
      `model: expected a bundled name or the path of a model file, got ${typeName(nameOrPath)}`,
      {
        key: 'model',
      },
    );
  }
  if (options.precision !== undefined && options.precision !== 'double') {
    throw new StudyError('NOT_AVAILABLE', `precision: ${options.precision} is not available in this version`, {
      key: 'precision',
      hint: 'use double',
    });
  }
  if (options.compression !== undefined && options.compression !== 'none') {
    throw new StudyError('NOT_AVAILABLE', `compression: ${options.compression} is not available in this version`, {
      key: 'compression',
      hint: 'use none',
    });
  }
  return new DeepPotential(await readModel(nameOrPath), options);
}
