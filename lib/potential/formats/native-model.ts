/** The tree of native models (`.dp`, `.yaml`) to parameters (deep-potential.md 2.4), whatever holds its arrays. */
import { PotentialError } from '../../errors.js';
import { parseActivation } from '../activation.js';
import type { DeepPotentialParameters, EmbeddingTable, Layer, Network } from '../deep-potential-parameters.js';
import { countParameters, makeLayer, makeNetwork, makeTable, markPairs, markTypes, reduceStatistics } from './assemble.js';
import { checkPrecision, checkVersion, refuseDescriptor, refuseFitting, refuseModel } from './native-refusals.js';
import { requireCount, requireFinite, wrongShape } from './refusal.js';
import { isObject, isSet, type Json } from './training-script.js';

export interface NativeArray {
  /** Stored as float32. */
  readonly single: boolean;
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** Turns a leaf below `@variables` into numbers. */
export type ArrayReader = (leaf: unknown, path: string) => NativeArray;

export function nativeParameters(tree: unknown, array: ArrayReader, format: 'dp' | 'yaml' | 'json'): DeepPotentialParameters {
  const model = object(isObject(tree) ? tree.model : undefined, 'model');
  refuseModel(model);
  checkVersion(model, 'Model', 'model');
  const descriptor = object(model.descriptor, 'model.descriptor');
  refuseDescriptor(descriptor);
  checkVersion(descriptor, 'Descriptor', 'model.descriptor');
  const fitting = object(model.fitting, 'model.fitting');
  refuseFitting(fitting);
  checkVersion(fitting, 'Fitting', 'model.fitting');
  const script = isObject((tree as Json).model_def_script) ? ((tree as Json).model_def_script as Json) : null;

  const ntypes = requireCount(Array.isArray(descriptor.sel) ? descriptor.sel.length : undefined, 'model.descriptor.sel', 1, 512);
  const sel = (descriptor.sel as unknown[]).map((n) =>
    requireCount(typeof n === 'number' ? n : undefined, 'model.descriptor.sel', 0, 1_000_000),
  );
  const slots = sel.reduce((sum, n) => sum + n, 0);
  if (slots === 0) throw wrongShape('model.descriptor.sel', 'at least one slot', sel.join(' '));
  const typeNames = names(model.type_map ?? descriptor.type_map, ntypes);
  const cutoff = number(descriptor, 'rcut', 'model.descriptor');
  const cutoffSmooth = number(descriptor, 'rcut_smth', 'model.descriptor');
  if (!(cutoff > 0 && cutoffSmooth >= 0 && cutoffSmooth < cutoff))
    throw wrongShape('model.descriptor', '0 <= rcut_smth < rcut', `rcut_smth ${cutoffSmooth}, rcut ${cutoff}`);
  const environment = isObject(descriptor.env_mat) ? descriptor.env_mat : {};
  const envProtection = Number(descriptor.env_protection ?? environment.protection ?? 0);
  if (!Number.isFinite(envProtection))
    throw wrongShape('model.descriptor.env_protection', 'a number', String(descriptor.env_protection));

  const reader = new NetworkReader(array);
  const variables = object(descriptor['@variables'], 'model.descriptor.@variables');
  const davg = reader.variable(variables, 'davg', 'model.descriptor.@variables', 'mean of the environment rows').values;
  const dstd = reader.variable(
    variables,
    'dstd',
    'model.descriptor.@variables',
    'standard deviation of the environment rows',
  ).values;
  const oneSided = descriptor.type_one_side === true;
  const excluded = markPairs(descriptor.exclude_types, ntypes, 1, 'model.descriptor.exclude_types');

  const embedding = reader.collection(
    descriptor.embeddings,
    'model.descriptor.embeddings',
    oneSided ? 1 : 2,
    ntypes,
    1,
    null,
    false,
  );
  const widths = new Set(embedding.flatMap((net) => (net ? [net.layers.at(-1)!.outputs] : [])));
  if (widths.size !== 1)
    throw wrongShape('model.descriptor.embeddings', 'nets of one width', widths.size === 0 ? 'none' : [...widths].join(', '));
  const [width] = widths as unknown as [number];
  for (const [k, net] of embedding.entries()) {
    if (!net && sel[k % ntypes]! > 0) {
      const pair = oneSided ? `neighbour type ${k}` : `centre type ${Math.floor(k / ntypes)}, neighbour type ${k % ntypes}`;
      throw new PotentialError('MODEL_MISSING_TENSOR', `model.descriptor.embeddings has no net for ${pair}`, {
        key: 'model.descriptor.embeddings',
        hint: 'the file is damaged or was edited; export the model again',
      });
    }
  }
  const axis = requireCount(
    typeof descriptor.axis_neuron === 'number' ? descriptor.axis_neuron : undefined,
    'model.descriptor.axis_neuron',
    1,
    width,
  );
  const tables = readTables(reader, descriptor.compress, oneSided, ntypes, width);

  const mixed = fitting.mixed_types === true;
  const nets = reader.collection(fitting.nets, 'model.fitting.nets', mixed ? 0 : 1, ntypes, width * axis, 1, true);
  const fittingNets = Array.from({ length: ntypes }, (_, t) => {
    const net = nets[mixed ? 0 : t];
    if (!net)
      throw new PotentialError('MODEL_MISSING_TENSOR', `model.fitting.nets has no net for ${typeNames[t] ?? `type ${t}`}`, {
        key: 'model.fitting.nets',
        hint: 'the file is damaged or was edited; export the model again',
      });
    return net;
  });
  const perType = (holder: Json, key: string, path: string): Float64Array => {
    const parent = isObject(holder['@variables']) ? holder['@variables'] : {};
    if (parent[key] === undefined || parent[key] === null) return new Float64Array(ntypes);
    const { values } = reader.variable(parent, key, `${path}.@variables`, key);
    if (values.length !== ntypes)
      throw wrongShape(`${path}.@variables.${key}`, `${ntypes} values, one a type`, String(values.length));
    return requireFinite(values, `${path}.@variables.${key}`);
  };
  const [descriptorPrecision, fittingPrecision] = [
    checkPrecision(descriptor.precision, 'model.descriptor.precision'),
    checkPrecision(fitting.precision, 'model.fitting.precision'),
  ];
  const distance = Number((tree as Json).min_nbor_dist);
  return {
    format,
    version: versionText(tree as Json),
    family: 'native',
    typeNames,
    ntypes,
    cutoff,
    cutoffSmooth,
    switchWidth: cutoff - cutoffSmooth,
    sel,
    slots,
    envProtection,
    ...reduceStatistics(davg, dstd, ntypes, slots),
    oneSided,
    width,
    axis,
    embedding,
    tables,
    excluded,
    pairExcluded: markPairs(model.pair_exclude_types, ntypes, 1, 'model.pair_exclude_types'),
    atomExcluded: markTypes(model.atom_exclude_types, ntypes, 'model.atom_exclude_types'),
    fittingExcluded: markTypes(fitting.exclude_types, ntypes, 'model.fitting.exclude_types'),
    fitting: fittingNets,
    subtractVacuum: vacuumTypes(fitting.atom_ener, ntypes),
    atomBias: perType(fitting, 'bias_atom_e', 'model.fitting'),
    // Native models do not use out_std for energies (1.8).
    outStd: new Float64Array(ntypes).fill(1),
    outBias: perType(model, 'out_bias', 'model'),
    precision:
      descriptorPrecision === fittingPrecision
        ? descriptorPrecision
        : `descriptor ${descriptorPrecision}, fitting ${fittingPrecision}`,
    parameterCount: countParameters(embedding, fittingNets),
    trainingScript: script,
    minNeighbourDistance: Number.isFinite(distance) && distance > 0 ? distance : null,
  };
}

function versionText(tree: Json): string {
  const parts = [tree.software, tree.version, tree.backend && `(${String(tree.backend)})`].filter(
    (part) => typeof part === 'string',
  );
  return parts.length > 0 ? `native, ${parts.join(' ').slice(0, 200)}` : 'native';
}

function object(value: unknown, path: string): Json {
  if (isObject(value)) return value;
  throw new PotentialError('MODEL_CORRUPT', `the model has no mapping "${path}"`, {
    key: path,
    hint: 'the file is damaged or was edited; export the model again',
  });
}

function number(holder: Json, key: string, path: string): number {
  const value = holder[key];
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw wrongShape(`${path}.${key}`, 'a number', JSON.stringify(value) ?? 'nothing');
  return value;
}

function names(value: unknown, ntypes: number): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.some((name) => typeof name !== 'string'))
    throw wrongShape('model.type_map', 'a list of names', (JSON.stringify(value) ?? '').slice(0, 80));
  if (value.length !== 0 && value.length !== ntypes) throw wrongShape('model.type_map', `${ntypes} names`, `${value.length}`);
  return value as string[];
}

/** Types beyond the list count as assigned, null entries do not; a list of nulls alone means none (1.8). */
function vacuumTypes(list: unknown, ntypes: number): Uint8Array {
  const out = new Uint8Array(ntypes);
  if (!Array.isArray(list) || list.every((value) => value === null || value === undefined)) return out;
  for (let t = 0; t < ntypes; t++) out[t] = t >= list.length || (list[t] !== null && list[t] !== undefined) ? 1 : 0;
  return out;
}

/** One-sided tables are stored by neighbour type, two-sided ones at neighbour * T + centre; an empty array is an excluded pair. */
function readTables(
  reader: NetworkReader,
  compress: unknown,
  oneSided: boolean,
  ntypes: number,
  width: number,
): (EmbeddingTable | null)[] | null {
  if (!isSet(compress)) return null;
  const path = 'model.descriptor.compress.@variables';
  const variables = object(isObject(compress) ? compress['@variables'] : undefined, path);
  const [data, info] = [variables.compress_data, variables.compress_info];
  const total = oneSided ? ntypes : ntypes * ntypes;
  if (!Array.isArray(data) || !Array.isArray(info) || data.length !== total || info.length !== total) {
    throw wrongShape(
      path,
      `${total} arrays in compress_data and in compress_info`,
      `${Array.isArray(data) ? data.length : 'none'} and ${Array.isArray(info) ? info.length : 'none'}`,
    );
  }
  return Array.from({ length: total }, (_, k) => {
    const stored = oneSided ? k : (k % ntypes) * ntypes + Math.floor(k / ntypes);
    const where = `${path}.compress_data[${stored}]`;
    const table = reader.array(data[stored], where);
    if (table.values.length === 0) return null;
    const header = reader.array(info[stored], `${path}.compress_info[${stored}]`);
    const [rows = 0, columns = 0] = table.shape;
    if (table.shape.length !== 2) throw wrongShape(where, 'a matrix', `shape [${table.shape.join(', ')}]`);
    return makeTable(header.values, table.values, rows, columns, width, table.single, where);
  });
}

class NetworkReader {
  constructor(readonly array: ArrayReader) {}

  variable(holder: Json, key: string, path: string, meaning: string): NativeArray {
    const leaf = holder[key];
    if (leaf === undefined || leaf === null) {
      throw new PotentialError('MODEL_MISSING_TENSOR', `the model has no array "${path}.${key}" (${meaning})`, {
        key: `${path}.${key}`,
        tensor: key,
        hint: 'the file is damaged or was edited; export the model again',
      });
    }
    return this.array(leaf, `${path}.${key}`);
  }

  /**
   * Nets of a collection, [T] or [T * T] with index centre * T + neighbour (one net for ndim 0). In the file the first key runs fastest.
   * `named`: every net must be there.
   */
  collection(
    value: unknown,
    path: string,
    ndim: number,
    ntypes: number,
    inputs: number,
    outputs: number | null,
    named: boolean,
  ): (Network | null)[] {
    const collection = object(value, path);
    checkVersion(collection, 'NetworkCollection', path);
    if (collection.ndim !== ndim) throw wrongShape(`${path}.ndim`, String(ndim), JSON.stringify(collection.ndim) ?? 'nothing');
    const total = ntypes ** ndim;
    const list = collection.networks;
    if (!Array.isArray(list) || list.length !== total)
      throw wrongShape(`${path}.networks`, `a list of ${total} nets`, Array.isArray(list) ? String(list.length) : 'none');
    return Array.from({ length: total }, (_, k) => {
      const stored = ndim === 2 ? Math.floor(k / ntypes) + ntypes * (k % ntypes) : k;
      if (list[stored] === null && !named) return null;
      return this.network(list[stored], `${path}.networks[${stored}]`, inputs, outputs);
    });
  }

  private network(value: unknown, path: string, inputs: number, outputs: number | null): Network {
    const net = object(value, path);
    checkVersion(net, 'EmbeddingNetwork', path);
    if (!Array.isArray(net.layers) || net.layers.length === 0)
      throw wrongShape(`${path}.layers`, 'a list of layers', JSON.stringify(net.layers)?.slice(0, 80) ?? 'nothing');
    const layers = net.layers.map((layer, k) => this.layer(layer, `${path}.layers[${k}]`));
    return makeNetwork(layers, inputs, outputs, path);
  }

  private layer(value: unknown, path: string): Layer {
    const layer = object(value, path);
    checkVersion(layer, 'Layer', path);
    checkPrecision(layer.precision, `${path}.precision`);
    const variables = object(layer['@variables'], `${path}.@variables`);
    const weights = this.variable(variables, 'w', `${path}.@variables`, 'weights of a layer');
    const [inputs = 0, outputs = 0] = weights.shape;
    if (weights.shape.length !== 2 || inputs === 0 || outputs === 0)
      throw wrongShape(`${path}.@variables.w`, 'a matrix', `shape [${weights.shape.join(', ')}]`);
    const optional = (key: string) =>
      variables[key] === undefined || variables[key] === null
        ? null
        : this.array(variables[key], `${path}.@variables.${key}`).values;
    const shortcut =
      layer.resnet !== true ? 'none' : outputs === inputs ? 'identity' : outputs === 2 * inputs ? 'double' : 'none';
    return makeLayer(
      {
        inputs,
        outputs,
        weights: weights.values,
        bias: optional('b') ?? new Float64Array(outputs),
        idt: optional('idt'),
        activation: parseActivation(layer.activation_function, `${path}.activation_function`),
        shortcut,
      },
      path,
    );
  }
}
