/** A native model as it lies in its file: the tree, and its arrays by leaf. */

import type { ArrayReader } from './native-networks.js';
import { TreeArray } from './native-writer.js';
import { wrongShape } from './refusal.js';
import { isObject } from './training-script.js';

export interface NativeSource {
  readonly tree: unknown;
  readonly array: ArrayReader;
}

/** Nodes of a tree that is copied; parts of a text may be named many times, and a hostile one could grow without bound. */
const MOST_NODES = 2 ** 22;

/** The same tree with its arrays in it, for writing. Arrays are the leaves below `@variables`, in lists too. */
export function copyTree({ tree, array }: NativeSource): unknown {
  const arrays = new Map<Float64Array, TreeArray>();
  let nodes = 0;
  const copy = (value: unknown, path: string, variable: boolean): unknown => {
    nodes++;
    if (nodes > MOST_NODES) throw wrongShape(path, `a tree of at most ${MOST_NODES} parts`, 'more');
    if (value === null || value === undefined) return null;
    if (Array.isArray(value)) return value.map((item, k) => copy(item, `${path}[${k}]`, variable));
    const leaf = variable && (!isObject(value) || value['@class'] === 'np.ndarray');
    if (leaf) {
      const { shape, values, single } = array(value, path);
      const known = arrays.get(values) ?? new TreeArray(shape, values, single);
      arrays.set(values, known);
      return known;
    }
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        copy(item, path ? `${path}.${key}` : key, variable || key === '@variables'),
      ]),
    );
  };
  return copy(tree, '', false);
}
