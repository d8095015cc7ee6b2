/** Attributes of the objects of a TorchScript model, and its networks in the form of native models (deep-potential.md 2.4, 2.5). */
import { PotentialError } from '../../errors.js';
import { PickleObject, PickleTensor, type PickleValue } from './pickle.js';
import { wrongShape } from './refusal.js';
import type { TorchArchive } from './torch-archive.js';

export type Plain = null | boolean | number | string;

/** An object with its path, for messages. Every attribute is asked for as what it must be. */
export class TorchObject {
  private constructor(
    private readonly target: PickleObject,
    readonly path: string,
    private readonly archive: TorchArchive,
  ) {}

  static root(archive: TorchArchive): TorchObject {
    return TorchObject.of(archive.root, 'model', archive);
  }

  private static of(value: PickleValue, path: string, archive: TorchArchive): TorchObject {
    if (value instanceof PickleObject) return new TorchObject(value, path, archive);
    throw new PotentialError('MODEL_CORRUPT', `the model has no object "${path}"`, {
      key: path,
      hint: 'the file is no model that dp --pt freeze wrote',
    });
  }

  /** Class without module. */
  get kind(): string {
    return this.target.kind;
  }

  has(key: string): boolean {
    return (this.target.attributes.get(key) ?? null) !== null;
  }

  private value(key: string): PickleValue {
    const value = this.target.attributes.get(key);
    if (value !== undefined) return value;
    throw new PotentialError('MODEL_MISSING_TENSOR', `the model has no attribute "${this.path}.${key}"`, {
      key: `${this.path}.${key}`,
      hint: 'the file is damaged, or of a version that names its attributes otherwise',
    });
  }

  object(key: string): TorchObject {
    return TorchObject.of(this.value(key), `${this.path}.${key}`, this.archive);
  }

  /** A number, a text, a truth value, or a list of these. */
  plain(key: string): Plain | Plain[] {
    const value = this.value(key);
    if (isPlain(value)) return value;
    if (Array.isArray(value) && value.every(isPlain)) return value;
    throw wrongShape(`${this.path}.${key}`, 'numbers or text', 'something else');
  }

  /** The same, null where there is none. */
  optional(key: string): Plain | Plain[] {
    return this.has(key) ? this.plain(key) : null;
  }

  /** Those of the attributes that are there, by their names. */
  options(keys: readonly string[]): Record<string, Plain | Plain[]> {
    return Object.fromEntries(keys.filter((key) => this.has(key)).map((key) => [key, this.plain(key)]));
  }

  /** What stands for a tensor in the tree. */
  tensor(key: string): string {
    return this.leaf(this.value(key), key);
  }

  optionalTensor(key: string): string | null {
    return this.has(key) ? this.tensor(key) : null;
  }

  /** A number that some versions keep as a tensor. */
  number(key: string): Plain | Plain[] {
    const value = this.target.attributes.get(key);
    return value instanceof PickleTensor
      ? (this.archive.array(value, `${this.path}.${key}`).values[0] ?? null)
      : this.optional(key);
  }

  /** Members of a ModuleList: attributes "0", "1" ... */
  objects(): TorchObject[] {
    return this.members().map((member, k) => TorchObject.of(member, `${this.path}.${k}`, this.archive));
  }

  /** Members of a ParameterList. */
  tensors(): string[] {
    return this.members().map((member, k) => this.leaf(member, String(k)));
  }

  private members(): PickleValue[] {
    const out: PickleValue[] = [];
    for (let value = this.target.attributes.get('0'); value !== undefined; value = this.target.attributes.get(String(out.length)))
      out.push(value);
    return out;
  }

  private leaf(value: PickleValue, key: string): string {
    if (value instanceof PickleTensor) return this.archive.leaf(value);
    throw new PotentialError('MODEL_CORRUPT', `${this.path}.${key}: a tensor is expected`, {
      key: `${this.path}.${key}`,
      hint: 'the file is no model that dp --pt freeze wrote',
    });
  }

  /** Types of an AtomExcludeMask: its mask has one number a type, 0 where it is excluded. */
  excludedTypes(key: string): number[] {
    if (!this.has(key)) return [];
    const mask = this.object(key).mask();
    return [...mask.keys()].filter((t) => mask[t] === 0);
  }

  /** Pairs of a PairExcludeMask: its mask is [T + 1, T + 1], the last type standing for empty slots. */
  excludedPairs(key: string): [number, number][] {
    if (!this.has(key)) return [];
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
    if (!(tensor instanceof PickleTensor)) throw wrongShape(path, 'a tensor', 'something else');
    return this.archive.array(tensor, path).values;
  }

  /** What `make` makes of this object, made once however often the object occurs. */
  once(make: (object: TorchObject) => object): object {
    const known = this.archive.made.get(this.target) ?? make(this);
    this.archive.made.set(this.target, known);
    return known;
  }
}

function isPlain(value: PickleValue): value is Plain {
  return value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string';
}

/** A NetworkCollection. */
export function networks(collection: TorchObject): Record<string, unknown> {
  const nets = collection.object('networks').objects();
  return {
    '@class': 'NetworkCollection',
    '@version': 1,
    ndim: collection.plain('ndim'),
    ntypes: collection.optional('ntypes'),
    network_type: nets[0]?.has('out_dim') ? 'fitting_network' : 'embedding_network',
    networks: nets.map((net) => net.once(network)),
  };
}

/** An EmbeddingNet, or a FittingNet, which knows its output. The sizes and names beside the layers are for DeePMD-kit. */
export function network(net: TorchObject): Record<string, unknown> {
  const fitting = net.has('out_dim');
  return {
    '@class': fitting ? 'FittingNetwork' : 'EmbeddingNetwork',
    '@version': fitting ? 1 : 2,
    ...net.options(['in_dim', 'neuron', 'activation_function', 'resnet_dt', 'precision']),
    ...net.options(fitting ? ['out_dim', 'bias_out'] : ['bias']),
    layers: net
      .object('layers')
      .objects()
      .map((mlp) => mlp.once(layer)),
  };
}

function layer(mlp: TorchObject): Record<string, unknown> {
  return {
    '@class': 'Layer',
    '@version': 2,
    bias: mlp.has('bias'),
    use_timestep: mlp.has('idt'),
    trainable: true,
    // Output layers have no function.
    activation_function: mlp.plain('activate_name') ?? 'none',
    resnet: mlp.plain('resnet'),
    precision: mlp.optional('precision'),
    '@variables': { w: mlp.tensor('matrix'), b: mlp.optionalTensor('bias'), idt: mlp.optionalTensor('idt') },
  };
}
