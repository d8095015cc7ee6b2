/** Potentials by name or path. */
import { onlyOptions, StudyError, typeName } from '../errors.js';
import type { Isa } from '../native/addon.js';
import { Committee } from './committee.js';
import { DeepPotential } from './deep-potential.js';
import { type AtomParameters, atomParametersOf, readAtomParameters, refuseUnused } from './external-parameters.js';
import { requireKernel } from './kernel-options.js';
import { readModel } from './model-file.js';
import type { Compression, Precision } from './potential.js';

export interface LoadPotentialOptions {
  /** Default `double`; `mixed`: nets and tables in float32, all sums in double. */
  readonly precision?: Precision;
  /** Default: all cores. */
  readonly threads?: number;
  /** Default: the best of this machine, or `IONCLAY_ISA`. */
  readonly isa?: Isa;
  /**
   * `none` runs the nets of the file, `auto` replaces embedding nets by tables with a measured error. Default: `none` for `evaluate`, `auto` for
   * a Simulation.
   */
  readonly compression?: Compression;
  /** Element symbols to type names or numbers of the model. */
  readonly types?: Readonly<Record<string, string | number>>;
  /** Frame parameters, for models that were trained with them. */
  readonly fparam?: readonly number[];
  /** Atom parameters: a text file with one row an atom, or the rows. */
  readonly aparam?: string | readonly (readonly number[])[];
}

/**
 * Loads a Deep Potential: a bundled name (`mg-ga-f-cl`, `li-ga-f-cl`, `li-y-cl-br`) or the path of a model file; the format is found
 * by content. A list of several is a committee: the first drives, the others give the deviation. Errors name the file and what is wrong
 * (`MODEL_NOT_FOUND`, `MODEL_UNSUPPORTED`, `MODEL_CORRUPT`, `COMMITTEE_MISMATCH`, `FPARAM_MISSING` ...).
 */
export async function loadPotential(model: string, options?: LoadPotentialOptions): Promise<DeepPotential>;
export async function loadPotential(
  models: string | readonly string[],
  options?: LoadPotentialOptions,
): Promise<DeepPotential | Committee>;
export async function loadPotential(
  given: string | readonly string[],
  options: LoadPotentialOptions = {},
): Promise<DeepPotential | Committee> {
  const names: readonly unknown[] = Array.isArray(given) ? given : [given];
  const wrong = names.length === 0 ? given : names.find((name) => typeof name !== 'string' || name === '');
  if (wrong !== undefined || names.includes(undefined)) {
    throw new StudyError(
      'WRONG_TYPE',
      `model: expected a bundled name or the path of a model file, got ${names.length === 0 ? 'an empty list' : wrong === '' ? 'an empty text' : typeName(wrong)}`,
      {
        key: 'model',
        hint: "such as loadPotential('li-y-cl-br'), or loadPotential(['a.pb', 'b.pb']) for a committee",
      },
    );
  }
  onlyOptions('loadPotential', options, ['precision', 'threads', 'isa', 'compression', 'types', 'fparam', 'aparam']);
  requireKernel(options.precision ?? 'double', options.compression ?? 'none');
  const { fparam, aparam, ...rest } = options;
  const atoms = aparam === undefined ? undefined : await atomParameters(aparam);
  const files = [];
  for (const name of names as string[]) files.push(await readModel(name));
  refuseUnused(files, { fparam, aparam: atoms });
  const members = files.map((file) => {
    const potential = new DeepPotential(file, { ...rest, fparam, aparam: atoms });
    potential.requireParameters();
    return potential;
  });
  return members.length === 1 ? members[0]! : new Committee(members, { threads: options.threads });
}

async function atomParameters(given: string | readonly (readonly number[])[]): Promise<AtomParameters> {
  return typeof given === 'string' ? readAtomParameters(given) : atomParametersOf(given);
}
