/** Native models as HDF5 (`.dp`): the tree is a JSON attribute, arrays are datasets (deep-potential.md 2.4). */
import { PotentialError } from '../../errors.js';
import type { DeepPotentialParameters } from '../deep-potential-parameters.js';
import { Hdf5File } from './hdf5.js';
import { type NativeArray, nativeParameters } from './native-model.js';
import type { NativeSource } from './native-source.js';

export function parseNativeHdf5(bytes: Uint8Array): DeepPotentialParameters {
  const { tree, array } = openNativeHdf5(bytes);
  return nativeParameters(tree, array, 'dp');
}

/** The tree and its arrays, before anything is made of them. */
export function openNativeHdf5(bytes: Uint8Array): NativeSource {
  const file = new Hdf5File(bytes);
  const json = file.rootAttribute('json');
  if (json === undefined) {
    throw new PotentialError(
      'MODEL_FORMAT_UNKNOWN',
      `an HDF5 file without the attribute "json" of native models; it holds ${file.names().slice(0, 5).join(', ') || 'nothing'}`,
      {
        hint: 'give a model written by dp convert-backend (.dp)',
      },
    );
  }
  let tree: unknown;
  try {
    tree = JSON.parse(json);
  } catch (cause) {
    throw new PotentialError('MODEL_CORRUPT', `the attribute "json" of the file is not JSON: ${(cause as Error).message}`, {
      cause,
      hint: 'the file is damaged: copy it again and compare its SHA-256 with that of the source',
    });
  }
  // Parts of the tree may name the same dataset: it is read once.
  const known = new Map<string, NativeArray>();
  const array = (leaf: unknown, path: string): NativeArray => {
    if (typeof leaf !== 'string') {
      throw new PotentialError(
        'MODEL_CORRUPT',
        `${path}: the name of a dataset is expected, found ${JSON.stringify(leaf)?.slice(0, 80)}`,
        { key: path },
      );
    }
    const before = known.get(leaf);
    if (before) return before;
    const dataset = file.dataset(leaf);
    if (!dataset) {
      throw new PotentialError('MODEL_MISSING_TENSOR', `the model has no dataset "${leaf}" (${path})`, {
        key: path,
        tensor: leaf,
        hint: 'the file is damaged or was edited; export the model again',
      });
    }
    const read = { single: dataset.kind === 'float32', shape: dataset.shape, values: dataset.values };
    known.set(leaf, read);
    return read;
  };
  return { tree, array };
}
