/** The plainest writers of native models: the tree of deep-potential.md 2.4 as YAML, JSON, or HDF5 of superblock 0. */
import { stringify } from 'yaml';
import type { DeepPotentialParameters, EmbeddingTable, Network } from '../../lib/potential/deep-potential-parameters';
import { activationText, fullStatistics } from './random-model';

export interface PlainArray {
  shape: number[];
  values: ArrayLike<number>;
}

type Tree = Record<string, unknown>;

/** New values by path (`model.fitting.nets.networks.1`); undefined takes the key away. */
export type Changes = Record<string, unknown>;

function change(tree: Tree, changes: Changes): void {
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.');
    const last = keys.pop()!;
    const holder = keys.reduce((at, key) => at[key] as Tree, tree);
    if (value === undefined) delete holder[last];
    else holder[last] = value;
  }
}

/** The tree; `leaf` turns an array into what the file holds in its place. */
export function nativeTree(p: DeepPotentialParameters, leaf: (array: PlainArray) => unknown): Tree {
  const T = p.ntypes;
  const d = p.descriptors[0]!;
  const N = d.sel.reduce((a, b) => a + b, 0);
  const pairs = (map: Uint8Array) => {
    const out: number[][] = [];
    for (let a = 0; a < T; a++) for (let b = a; b < T; b++) if (map[a * T + b]) out.push([a, b]);
    return out;
  };
  const types = (map: Uint8Array) => [...map.keys()].filter((t) => map[t]);
  const network = (net: Network, kind: string) => ({
    '@class': kind,
    '@version': 1,
    layers: net.layers.map((layer) => ({
      '@class': 'Layer',
      '@version': 1,
      activation_function: layer.activation.name === 'linear' ? 'none' : activationText(layer.activation),
      resnet: layer.shortcut !== 'none',
      precision: 'float64',
      '@variables': {
        w: leaf({ shape: [layer.inputs, layer.outputs], values: layer.weights }),
        b: leaf({ shape: [layer.outputs], values: layer.bias }),
        idt: layer.idt ? leaf({ shape: [layer.outputs], values: layer.idt }) : null,
      },
    })),
  });
  // In files the first key (the centre type) runs fastest.
  const order = Array.from({ length: d.oneSided ? T : T * T }, (_, k) => (d.oneSided ? k : (k % T) * T + Math.floor(k / T)));
  const netAt = (k: number) => d.nets[d.netOf[k]!];
  const tableAt = (k: number) => d.tables?.[d.tableOf![k]!];
  const table = (t: EmbeddingTable) => leaf({ shape: [t.rows, t.coefficients.length / t.rows], values: t.coefficients });
  const header = (t: EmbeddingTable) => leaf({ shape: [6], values: [t.lower, t.upper, t.max, t.step, t.coarseStep, -1] });
  return {
    backend: 'test',
    min_nbor_dist: p.minNeighbourDistance,
    model: {
      '@class': 'Model',
      '@version': 2,
      type: 'standard',
      type_map: p.typeNames,
      atom_exclude_types: types(p.atomExcluded),
      pair_exclude_types: pairs(p.pairExcluded),
      '@variables': {
        out_bias: leaf({ shape: [1, T, 1], values: p.outBias }),
        out_std: leaf({ shape: [1, T, 1], values: p.outStd }),
      },
      descriptor: {
        '@class': 'Descriptor',
        '@version': d.tables ? 3 : 2,
        type: 'se_e2_a',
        rcut: d.cutoff,
        rcut_smth: d.cutoffSmooth,
        sel: d.sel,
        axis_neuron: d.axis,
        type_one_side: d.oneSided,
        exclude_types: pairs(d.excluded),
        env_protection: d.envProtection,
        precision: 'float64',
        '@variables': {
          davg: leaf({ shape: [T, N, 4], values: fullStatistics(p, d, d.davg) }),
          dstd: leaf({ shape: [T, N, 4], values: fullStatistics(p, d, d.dstd) }),
        },
        embeddings: {
          '@class': 'NetworkCollection',
          '@version': 1,
          ndim: d.oneSided ? 1 : 2,
          ntypes: T,
          network_type: 'embedding_network',
          networks: order.map((k) => (netAt(k) ? network(netAt(k)!, 'EmbeddingNetwork') : null)),
        },
        ...(d.tables
          ? {
              compress: {
                '@variables': {
                  compress_data: order.map((k) => (tableAt(k) ? table(tableAt(k)!) : leaf({ shape: [0], values: [] }))),
                  compress_info: order.map((k) => (tableAt(k) ? header(tableAt(k)!) : leaf({ shape: [0], values: [] }))),
                },
              },
            }
          : {}),
      },
      fitting: {
        '@class': 'Fitting',
        '@version': 3,
        type: 'ener',
        numb_fparam: 0,
        numb_aparam: 0,
        dim_case_embd: 0,
        mixed_types: false,
        precision: 'float64',
        exclude_types: types(p.fittingExcluded),
        atom_ener: p.subtractVacuum.some(Boolean) ? [...p.subtractVacuum].map((v) => (v ? -1 : null)) : [],
        '@variables': { bias_atom_e: leaf({ shape: [T, 1], values: p.atomBias }), fparam_avg: null },
        nets: {
          '@class': 'NetworkCollection',
          '@version': 1,
          ndim: 1,
          ntypes: T,
          network_type: 'fitting_network',
          networks: p.fitting.map((net) => network(net, 'FittingNetwork')),
        },
      },
    },
  };
}

function nested({ shape, values }: PlainArray): unknown {
  let at = 0;
  const build = (depth: number): unknown =>
    depth === shape.length ? values[at++] : Array.from({ length: shape[depth]! }, () => build(depth + 1));
  return build(0);
}

export function textTree(p: DeepPotentialParameters): Tree {
  return nativeTree(p, (array) => ({
    '@class': 'np.ndarray',
    '@is_variable': true,
    '@version': 1,
    dtype: 'float64',
    value: nested(array),
  }));
}

export function writeYaml(p: DeepPotentialParameters, changes: Changes = {}): Uint8Array {
  const tree = textTree(p);
  change(tree, changes);
  return new TextEncoder().encode(stringify(tree));
}

export function writeHdf5Model(p: DeepPotentialParameters, changes: Changes = {}): Uint8Array {
  const arrays: PlainArray[] = [];
  const tree = nativeTree(p, (array) => `/variable_${String(arrays.push(array) - 1).padStart(4, '0')}`);
  change(tree, changes);
  return writeHdf5(JSON.stringify(tree), arrays);
}

/** One group, contiguous float64 datasets `variable_0000` ..., one variable-length text attribute `json`. */
export function writeHdf5(json: string, arrays: PlainArray[]): Uint8Array {
  const text = new TextEncoder().encode(json);
  const round8 = (n: number) => Math.ceil(n / 8) * 8;
  const names = arrays.map((_, k) => `variable_${String(k).padStart(4, '0')}`);
  let top = 96;
  const place = (size: number) => {
    const at = top;
    top += round8(size);
    return at;
  };
  const header = place(16 + 8 + 16 + 8 + 8 + 8 + 24 + 8 + 16);
  const heapNames = 8 + names.reduce((n, name) => n + round8(name.length + 1), 0);
  const heap = place(32);
  const heapData = place(heapNames);
  const tree = place(24 + 24);
  const snod = place(8 + 40 * names.length);
  const collection = place(16 + 16 + round8(text.length) + 16);
  const objects = arrays.map(({ shape, values }) => ({
    header: place(16 + 8 + (8 + 8 * shape.length) + 8 + 24 + 8 + 24),
    data: place(8 * values.length),
  }));
  const bytes = new Uint8Array(top);
  const view = new DataView(bytes.buffer);
  const u16 = (at: number, v: number) => view.setUint16(at, v, true);
  const u32 = (at: number, v: number) => view.setUint32(at, v, true);
  const u64 = (at: number, v: number) => view.setBigUint64(at, BigInt(v), true);
  const ascii = (at: number, s: string) => bytes.set(new TextEncoder().encode(s), at);
  const message = (at: number, type: number, size: number) => {
    u16(at, type);
    u16(at + 2, size);
    return at + 8;
  };
  // Datatype of IEEE doubles; the reader needs class and size.
  const float64 = (at: number) => {
    bytes[at] = 0x11;
    u32(at + 4, 8);
  };

  bytes.set([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a], 0);
  bytes[13] = 8;
  bytes[14] = 8;
  u64(40, top);
  u64(64, header);
  u32(72, 1);
  u64(80, tree);
  u64(88, heap);

  // Root: the symbol table, the attribute.
  bytes[header] = 1;
  u16(header + 2, 2);
  u32(header + 8, 8 + 16 + 8 + 56);
  let at = message(header + 16, 0x11, 16);
  u64(at, tree);
  u64(at + 8, heap);
  at = message(at + 16, 0x0c, 56);
  bytes[at] = 1;
  u16(at + 2, 5);
  u16(at + 4, 8);
  u16(at + 6, 8);
  ascii(at + 8, 'json');
  bytes[at + 16] = 0x19;
  u32(at + 20, 16);
  bytes[at + 24] = 1;
  u32(at + 32, text.length);
  u64(at + 36, collection);
  u32(at + 44, 1);

  ascii(heap, 'HEAP');
  u64(heap + 8, heapNames);
  u64(heap + 24, heapData);
  ascii(tree, 'TREE');
  u16(tree + 6, 1);
  u64(tree + 32, snod);
  ascii(snod, 'SNOD');
  u16(snod + 6, names.length);
  let name = 8;
  for (const [k, text] of names.entries()) {
    ascii(heapData + name, text);
    u64(snod + 8 + 40 * k, name);
    u64(snod + 16 + 40 * k, objects[k]!.header);
    name += round8(text.length + 1);
  }
  ascii(collection, 'GCOL');
  u64(collection + 8, 16 + 16 + round8(text.length) + 16);
  u16(collection + 16, 1);
  u64(collection + 24, text.length);
  bytes.set(text, collection + 32);

  for (const [k, { shape, values }] of arrays.entries()) {
    const { header, data } = objects[k]!;
    bytes[header] = 1;
    u16(header + 2, 3);
    u32(header + 8, 8 + 8 + 8 * shape.length + 8 + 24 + 8 + 24);
    let at = message(header + 16, 0x01, 8 + 8 * shape.length);
    bytes[at] = 1;
    bytes[at + 1] = shape.length;
    for (const [d, n] of shape.entries()) u64(at + 8 + 8 * d, n);
    at = message(at + 8 + 8 * shape.length, 0x03, 24);
    float64(at);
    at = message(at + 24, 0x08, 24);
    bytes[at] = 3;
    bytes[at + 1] = 1;
    u64(at + 2, data);
    u64(at + 10, 8 * values.length);
    for (let v = 0; v < values.length; v++) view.setFloat64(data + 8 * v, values[v]!, true);
  }
  return bytes;
}
