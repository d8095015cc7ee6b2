/** Attributes of the objects of a TorchScript model, and its networks in the form of native models (deep-potential.md 2.4, 2.5). */
import { PotentialError } from '../../errors.js';
import type { NativeArray } from './native-networks.js';
import { PickleObject, PickleTensor, type PickleValue } from './pickle.js';
import { wrongShape } from './refusal.js';

/** Where the numbers of a tensor come from. */
interface Tensors {
  array(tensor: PickleTensor, path: string): NativeArray;
}

/** An object with its path, for messages. */
export class TorchObject {
  private constructor(
    private readonly target: PickleObject,
    readonly path: string,
    private readonly tensors: Tensors,
  ) {}

  static of(value: PickleValue, path: string, tensors: Tensors): TorchObject {
    if (value instanceof PickleObject) return new TorchObject(value, path, tensors);
    throw new PotentialError('MODEL_CORRUPT', `the model has no object "${path}"`, {
      key: path,
      hint: 'the file is no model that dp --pt freeze wrote',
    });
  }

  /** Class without module. */
  get kind(): string {
    return this.target.kind;
  }

  optional(key: string): PickleValue {
    return this.target.attributes.get(key) ?? null;
  }

  value(key: string): PickleValue {
    const value = this.target.attributes.get(key);
    if (value !== undefined) return value;
    throw new PotentialError('MODEL_MISSING_TENSOR', `the model has no attribute "${this.path}.${key}"`, {
      key: `${this.path}.${key}`,
      hint: 'the file is damaged, or of a version that names its attributes otherwise',
    });
  }

  object(key: string): TorchObject {
    return TorchObject.of(this.value(key), `${this.path}.${key}`, this.tensors);
  }

  list(key: string): PickleValue[] | null {
    const value = this.optional(key);
    if (value === null || Array.isArray(value)) return value;
    throw wrongShape(`${this.path}.${key}`, 'a list', typeof value);
  }

  /** Members of a ModuleList or ParameterList: attributes "0", "1" ... */
  members(): PickleValue[] {
    const out: PickleValue[] = [];
    for (let value = this.target.attributes.get('0'); value !== undefined; value = this.target.attributes.get(String(out.length)))
      out.push(value);
    return out;
  }

  /** The same, each an object. */
  objects(): TorchObject[] {
    return this.members().map((member, k) => TorchObject.of(member, `${this.path}.${k}`, this.tensors));
  }

  /** Types of an AtomExcludeMask: its mask has one number a type, 0 where it is excluded. */
  excludedTypes(key: string): number[] {
    if (this.optional(key) === null) return [];
    const mask = this.object(key).mask();
    return [...mask.keys()].filter((t) => mask[t] === 0);
  }

  /** Pairs of a PairExcludeMask: its mask is [T + 1, T + 1], the last type standing for empty slots. */
  excludedPairs(key: string): [number, number][] {
    if (this.optional(key) === null) return [];
    const mask = this.object(key).mask();
    const size = Math.round(Math.sqrt(mask.length));
    if (size * size !== mask.length || size < 2)
      throw wrongShape(`${this.path}.${key}.type_mask`, 'a square', `${mask.length} numbers`);
    const pairs: [number, number][] = [];
    for (let a = 0; a < size - 1; a++)
      for (let b = a; b < size - 1; b++) if (mask[a * size + b] === 0 || mask[b * size + a] === 0) pairs.push([a, b]);
    return pairs;
  }

  private mask(): Float64Array {
    const tensor = this.value('type_mask');
    const path = `${this.path}.type_mask`;
    if (!(tensor instanceof PickleTensor)) throw wrongShape(path, 'a tensor', typeof tensor);
    return this.tensors.array(tensor, path).values;
  }
}

/** A NetworkCollection. */
export function networks(collection: TorchObject): Record<string, unknown> {
  return { ndim: collection.value('ndim'), networks: collection.object('networks').objects().map(network) };
}

/** An EmbeddingNet or FittingNet. */
export function network(net: TorchObject): Record<string, unknown> {
  return { layers: net.object('layers').objects().map(layer) };
}

function layer(mlp: TorchObject): Record<string, unknown> {
  return {
    // Output layers have no function.
    activation_function: mlp.value('activate_name') ?? 'none',
    resnet: mlp.value('resnet'),
    precision: mlp.optional('precision'),
    '@variables': { w: mlp.value('matrix'), b: mlp.optional('bias'), idt: mlp.optional('idt') },
  };
}
