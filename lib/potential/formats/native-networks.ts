/** Networks and arrays in the tree of native models (deep-potential.md 2.4). */
import { PotentialError } from '../../errors.js';
import { parseActivation } from '../activation.js';
import type { EmbeddingTable, Layer, Network } from '../deep-potential-parameters.js';
import { makeLayer, makeNetwork, makeTable } from './assemble.js';
import { checkPrecision, checkVersion } from './native-refusals.js';
import { exportAgain, object } from './native-tree.js';
import { wrongShape } from './refusal.js';
import type { Json } from './training-script.js';

export interface NativeArray {
  /** Stored as float32. */
  readonly single: boolean;
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** Turns a leaf below `@variables` into numbers. */
export type ArrayReader = (leaf: unknown, path: string) => NativeArray;

/** Which nets a collection has and what they map. */
export interface CollectionShape {
  /** 0: one net; 1: one a type; 2: one a pair. */
  readonly ndim: 0 | 1 | 2;
  readonly ntypes: number;
  readonly inputs: number;
  /** null: any number. */
  readonly outputs: number | null;
}

export class NetworkReader {
  /** Nets and layers by their part of the tree: texts and pickles may name one part at many places, which are then one net. */
  private readonly nets = new Map<Json, Network>();
  private readonly layers = new Map<Json, Layer>();

  constructor(readonly array: ArrayReader) {}

  variable(holder: Json, key: string, path: string, meaning: string): NativeArray {
    const leaf = holder[key];
    if (leaf === undefined || leaf === null) {
      throw new PotentialError('MODEL_MISSING_TENSOR', `the model has no array "${path}.${key}" (${meaning})`, {
        key: `${path}.${key}`,
        tensor: key,
        hint: exportAgain,
      });
    }
    return this.array(leaf, `${path}.${key}`);
  }

  optional(holder: Json, key: string, path: string): Float64Array | null {
    const leaf = holder[key];
    return leaf === undefined || leaf === null ? null : this.array(leaf, `${path}.${key}`).values;
  }

  /** Nets, [T] or [T * T] with index centre * T + neighbour (one net for ndim 0). In the file the first key runs fastest. */
  collection(value: unknown, path: string, { ndim, ntypes, inputs, outputs }: CollectionShape): (Network | null)[] {
    const collection = object(value, path);
    checkVersion(collection, 'NetworkCollection', path);
    if (collection.ndim !== ndim) throw wrongShape(`${path}.ndim`, String(ndim), JSON.stringify(collection.ndim) ?? 'nothing');
    const total = ntypes ** ndim;
    const list = collection.networks;
    if (!Array.isArray(list) || list.length !== total)
      throw wrongShape(`${path}.networks`, `a list of ${total} nets`, Array.isArray(list) ? String(list.length) : 'none');
    return Array.from({ length: total }, (_, k) => {
      const stored = ndim === 2 ? Math.floor(k / ntypes) + ntypes * (k % ntypes) : k;
      if (list[stored] === null || list[stored] === undefined) return null;
      return this.network(list[stored], `${path}.networks[${stored}]`, inputs, outputs);
    });
  }

  /** The one net of a collection that has no keys. */
  single(value: unknown, path: string, inputs: number, outputs: number | null): Network {
    const [net] = this.collection(value, path, { ndim: 0, ntypes: 1, inputs, outputs });
    if (!net) throw missingNet(path, 'the one that all types share');
    return net;
  }

  network(value: unknown, path: string, inputs: number, outputs: number | null): Network {
    const net = object(value, path);
    const known = this.nets.get(net);
    if (known) {
      // Within it all is checked; here only that it fits.
      const ends = [known.layers[0]!.inputs, known.layers.at(-1)!.outputs] as const;
      if (ends[0] !== inputs || (outputs !== null && ends[1] !== outputs))
        throw wrongShape(path, `${inputs} inputs and ${outputs ?? 'any number of'} outputs`, `${ends[0]} and ${ends[1]}`);
      return known;
    }
    checkVersion(net, 'EmbeddingNetwork', path);
    if (!Array.isArray(net.layers) || net.layers.length === 0)
      throw wrongShape(`${path}.layers`, 'a list of layers', JSON.stringify(net.layers)?.slice(0, 80) ?? 'nothing');
    const layers = net.layers.map((layer, k) => this.layer(layer, `${path}.layers[${k}]`));
    const made = makeNetwork(layers, inputs, outputs, path);
    this.nets.set(net, made);
    return made;
  }

  private layer(value: unknown, path: string): Layer {
    const layer = object(value, path);
    const known = this.layers.get(layer);
    if (known) return known;
    checkVersion(layer, 'Layer', path);
    checkPrecision(layer.precision, `${path}.precision`);
    const variables = object(layer['@variables'], `${path}.@variables`);
    const weights = this.variable(variables, 'w', `${path}.@variables`, 'weights of a layer');
    const [inputs = 0, outputs = 0] = weights.shape;
    if (weights.shape.length !== 2 || inputs === 0 || outputs === 0)
      throw wrongShape(`${path}.@variables.w`, 'a matrix', `shape [${weights.shape.join(', ')}]`);
    const shortcut =
      layer.resnet !== true ? 'none' : outputs === inputs ? 'identity' : outputs === 2 * inputs ? 'double' : 'none';
    const made = makeLayer(
      {
        inputs,
        outputs,
        weights: weights.values,
        bias: this.optional(variables, 'b', `${path}.@variables`) ?? new Float64Array(outputs),
        idt: this.optional(variables, 'idt', `${path}.@variables`),
        activation: parseActivation(layer.activation_function, `${path}.activation_function`),
        shortcut,
      },
      path,
    );
    this.layers.set(layer, made);
    return made;
  }

  /**
   * Tables of a compressed descriptor (its key `compress`), in the order of `collection`; null without. One-sided ones are stored by
   * neighbour type, two-sided ones at neighbour * T + centre; an empty array is an excluded pair.
   */
  tables(compress: unknown, path: string, ndim: 0 | 1 | 2, ntypes: number, width: number): (EmbeddingTable | null)[] {
    const where = `${path}.@variables`;
    const variables = object(object(compress, path)['@variables'], where);
    const [data, info] = [variables.compress_data, variables.compress_info];
    const total = ntypes ** ndim;
    if (!Array.isArray(data) || !Array.isArray(info) || data.length !== total || info.length !== total) {
      throw wrongShape(
        where,
        `${total} arrays in compress_data and in compress_info`,
        `${Array.isArray(data) ? data.length : 'none'} and ${Array.isArray(info) ? info.length : 'none'}`,
      );
    }
    return Array.from({ length: total }, (_, k) => {
      const stored = ndim === 2 ? (k % ntypes) * ntypes + Math.floor(k / ntypes) : k;
      const name = `${where}.compress_data[${stored}]`;
      const table = this.array(data[stored], name);
      if (table.values.length === 0) return null;
      const header = this.array(info[stored], `${where}.compress_info[${stored}]`);
      const [rows = 0, columns = 0] = table.shape;
      if (table.shape.length !== 2) throw wrongShape(name, 'a matrix', `shape [${table.shape.join(', ')}]`);
      return makeTable(header.values, table.values, rows, columns, width, table.single, name);
    });
  }
}

export function missingNet(path: string, which: string): PotentialError {
  return new PotentialError('MODEL_MISSING_TENSOR', `${path} has no net for ${which}`, { key: path, hint: exportAgain });
}

/** Width of the last layer, the same for all nets. */
export function commonWidth(nets: readonly (Network | null)[], path: string): number {
  const widths = new Set(nets.flatMap((net) => (net ? [net.layers.at(-1)!.outputs] : [])));
  const [width] = widths;
  if (width === undefined || widths.size !== 1)
    throw wrongShape(path, 'nets of one width', widths.size === 0 ? 'none' : [...widths].join(', '));
  return width;
}
