/** Small random native models of every kind as the tree that files hold (deep-potential.md 2.4), and the three forms of that tree. */
import { stringify } from 'yaml';
import type { Activation, Network } from '../../lib/potential/deep-potential-parameters';
import { writeHdf5 } from './native-writer';
import { RandomNetworks } from './random-networks';

export type Tree = { [key: string]: unknown };

/** An array of the tree. */
export class Leaf {
  readonly values: Float64Array;
  constructor(
    readonly shape: readonly number[],
    values: ArrayLike<number>,
  ) {
    this.values = Float64Array.from(values);
  }
}

const T = 2;
const typeNames = ['A', 'B'];
const tanh: Activation = { name: 'tanh' };

class TreeBuilder {
  readonly make: RandomNetworks;

  constructor(seed: number) {
    this.make = new RandomNetworks(seed);
  }

  array(shape: number[], spread: number, mean = 0): Leaf {
    return new Leaf(
      shape,
      this.make.array(
        shape.reduce((a, b) => a * b, 1),
        spread,
        mean,
      ),
    );
  }

  network(net: Network): Tree {
    return {
      '@class': 'EmbeddingNetwork',
      '@version': 2,
      layers: net.layers.map((layer) => ({
        '@class': 'Layer',
        '@version': 2,
        activation_function: layer.activation.name === 'linear' ? 'none' : layer.activation.name,
        // Files say what they ask for, whether the widths allow it or not.
        resnet: layer.activation.name !== 'linear',
        precision: 'float64',
        '@variables': {
          w: new Leaf([layer.inputs, layer.outputs], layer.weights),
          b: new Leaf([layer.outputs], layer.bias),
          idt: layer.idt && new Leaf([layer.outputs], layer.idt),
        },
      })),
    };
  }

  embedding(neuron: number[], inputs = 1): Tree {
    return this.network(this.make.embedding(neuron, tanh, inputs));
  }

  collection(ndim: number, networks: Tree[]): Tree {
    return { '@class': 'NetworkCollection', '@version': 1, ndim, ntypes: T, network_type: 'embedding_network', networks };
  }

  statistics(slots: number, components: number, zero = false): Tree {
    const perType = (spread: number, mean: number, only: number) => {
      const values: number[] = [];
      for (let t = 0; t < T; t++) {
        const row = Array.from({ length: components }, (_, c) => (c < only ? mean + this.make.number(spread) : 0));
        for (let k = 0; k < slots; k++) values.push(...row);
      }
      return new Leaf([T, slots, components], values);
    };
    return { davg: perType(zero ? 0 : 0.1, zero ? 0 : 0.2, zero ? 0 : 1), dstd: perType(0.1, 0.4, components) };
  }

  grouped(kind: 'se_e2_a' | 'se_r', oneSided: boolean, changes: Tree = {}): Tree {
    const sel = [7, 6];
    return {
      '@class': 'Descriptor',
      '@version': 2,
      type: kind,
      rcut: 4.1,
      rcut_smth: 1.2,
      sel,
      type_one_side: oneSided,
      env_protection: 0,
      exclude_types: [],
      precision: 'float64',
      type_map: typeNames,
      ...(kind === 'se_e2_a' ? { axis_neuron: 2 } : {}),
      '@variables': this.statistics(13, kind === 'se_e2_a' ? 4 : 1),
      embeddings: this.collection(
        oneSided ? 1 : 2,
        Array.from({ length: oneSided ? T : T * T }, () => this.embedding([2, 4])),
      ),
      ...changes,
    };
  }

  /** `neuron` [7, 14] and tebd 3: the first layer is as wide as its input (s, te_j, te_i). */
  attention(mode: 'concat' | 'strip', changes: Tree = {}, neuron = [7, 14], oneSided = false): Tree {
    const tebd = 3;
    const inputs = (oneSided ? 1 : 2) * tebd;
    const te = this.embedding([tebd], T);
    return {
      '@class': 'Descriptor',
      '@version': 2,
      type: 'dpa1',
      ntypes: T,
      rcut: 4.3,
      rcut_smth: 1.1,
      sel: [12],
      axis_neuron: 2,
      tebd_dim: tebd,
      tebd_input_mode: mode,
      attn_layer: 0,
      smooth_type_embedding: true,
      type_one_side: oneSided,
      concat_output_tebd: true,
      use_econf_tebd: false,
      env_protection: 0,
      exclude_types: [],
      precision: 'float64',
      type_map: typeNames,
      '@variables': this.statistics(12, 4, true),
      type_embedding: { '@class': 'TypeEmbedNet', '@version': 2, ntypes: T, use_econf_tebd: false, embedding: te },
      embeddings: this.collection(0, [this.embedding(neuron, mode === 'concat' ? 1 + inputs : 1)]),
      ...(mode === 'strip' ? { embeddings_strip: this.collection(0, [this.embedding(neuron, inputs)]) } : {}),
      ...changes,
    };
  }

  /** A table of rough quintics: the numbers mean nothing, their places everything. Empty where a pair is excluded. */
  compress(width: number, count: number, empty: number[] = [], more: Tree = {}): Tree {
    const rows = Math.round(3 / 0.25) + Math.round(4 / 0.5);
    const all = Array.from({ length: count }, (_, k) => k);
    return {
      ...more,
      '@variables': {
        compress_data: all.map((k) => (empty.includes(k) ? new Leaf([0], []) : this.array([rows, 6 * width], 0.5))),
        compress_info: all.map((k) => (empty.includes(k) ? new Leaf([0], []) : new Leaf([6], [-1, 2, 6, 0.25, 0.5, -1]))),
      },
    };
  }

  /** `width` of D. */
  fitting(width: number, mixed: boolean, changes: Tree = {}): Tree {
    const extra = ['numb_fparam', 'numb_aparam', 'dim_case_embd'].reduce((sum, key) => sum + Number(changes[key] ?? 0), 0);
    return {
      '@class': 'Fitting',
      '@version': 4,
      type: 'ener',
      numb_fparam: 0,
      numb_aparam: 0,
      dim_case_embd: 0,
      mixed_types: mixed,
      precision: 'float64',
      exclude_types: [],
      atom_ener: null,
      '@variables': { bias_atom_e: this.array([T, 1], 2) },
      nets: this.collection(
        mixed ? 0 : 1,
        Array.from({ length: mixed ? 1 : T }, () => this.network(this.make.fitting(width + extra, [3, 6, 6], tanh))),
      ),
      ...changes,
    };
  }

  model(descriptor: Tree, fitting: Tree, changes: Tree = {}): Tree {
    return {
      '@class': 'Model',
      '@version': 2,
      type: 'standard',
      type_map: typeNames,
      atom_exclude_types: [],
      pair_exclude_types: [],
      '@variables': { out_bias: this.array([1, T, 1], 3), out_std: this.array([1, T, 1], 0.2, 1) },
      descriptor,
      fitting,
      ...changes,
    };
  }

  zbl(): Tree {
    const cells = 40;
    const rows: number[] = [];
    // A short-ranged repulsion as cubics of each cell: value and slope of exp(-2 r) at its left end, nothing more.
    for (let pair = 0; pair < T * T; pair++)
      for (let k = 0; k < cells; k++) rows.push(0, 0, -0.2 * Math.exp(-0.2 * k), Math.exp(-0.2 * k));
    const standard = this.model(this.attention('strip'), this.fitting(14 * 2 + 3, true));
    const table = {
      '@class': 'Model',
      '@version': 2,
      type: 'pairtab',
      type_map: typeNames,
      rcut: 4.0,
      sel: 12,
      '@variables': { out_bias: this.array([1, T, 1], 0), out_std: this.array([1, T, 1], 0, 1) },
      tab: {
        '@class': 'PairTab',
        '@version': 1,
        '@variables': { tab_info: new Leaf([4], [0, 0.1, cells, T]), tab_data: new Leaf([T * T * cells * 4], rows) },
      },
    };
    const { descriptor, fitting, ...outer } = standard;
    return { ...outer, type: 'zbl', models: [standard, table], sw_rmin: 1.1, sw_rmax: 1.9, smin_alpha: 0.1 };
  }
}

const widthA = 4 * 2;

const kinds = {
  se_e2_a: (b: TreeBuilder) =>
    b.model(b.grouped('se_e2_a', false, { exclude_types: [[0, 1]] }), b.fitting(widthA, false, { atom_ener: [null, -2] }), {
      pair_exclude_types: [[0, 0]],
      atom_exclude_types: [0],
    }),
  'se_e2_a, one-sided': (b: TreeBuilder) => b.model(b.grouped('se_e2_a', true), b.fitting(widthA, false, { exclude_types: [1] })),
  'se_e2_a, parameters': (b: TreeBuilder) =>
    b.model(
      b.grouped('se_e2_a', true),
      b.fitting(widthA, false, {
        numb_fparam: 2,
        numb_aparam: 1,
        dim_case_embd: 2,
        default_fparam: [0.25, -1.5],
        '@variables': {
          bias_atom_e: b.array([T, 1], 2),
          fparam_avg: b.array([2], 1),
          fparam_inv_std: b.array([2], 0.5, 1),
          aparam_avg: b.array([1], 1),
          aparam_inv_std: b.array([1], 0.5, 1),
          case_embd: new Leaf([2], [0, 1]),
        },
      }),
    ),
  se_e2_r: (b: TreeBuilder) => b.model(b.grouped('se_r', true, { exclude_types: [[0, 0]] }), b.fitting(4, false)),
  hybrid: (b: TreeBuilder) => {
    const inner = {
      '@class': 'Descriptor',
      '@version': 1,
      type: 'hybrid',
      list: [b.grouped('se_r', true), b.grouped('se_e2_a', false)],
    };
    const list = [b.grouped('se_e2_a', true, { rcut: 3.3 }), inner];
    return b.model({ '@class': 'Descriptor', '@version': 1, type: 'hybrid', list }, b.fitting(2 * widthA + 4, false));
  },
  'dpa1, concat': (b: TreeBuilder) => b.model(b.attention('concat'), b.fitting(14 * 2 + 3, true)),
  'dpa1, concat, one-sided': (b: TreeBuilder) =>
    b.model(
      b.attention('concat', { concat_output_tebd: false }, [8, 8], true),
      b.fitting(8 * 2, true, { atom_ener: [null, -2] }),
    ),
  'dpa1, strip': (b: TreeBuilder) =>
    b.model(b.attention('strip', { smooth_type_embedding: false, exclude_types: [[0, 0]] }), b.fitting(14 * 2 + 3, true)),
  'dpa1, strip, smooth, davg': (b: TreeBuilder) =>
    b.model(b.attention('strip', { '@variables': b.statistics(12, 4) }, [2, 4], true), b.fitting(4 * 2 + 3, true)),
  zbl: (b: TreeBuilder) => b.zbl(),
  // The pair (0, 1) in either order has no table.
  'se_e2_a, compressed': (b: TreeBuilder) =>
    b.model(
      b.grouped('se_e2_a', false, { '@version': 3, exclude_types: [[0, 1]], compress: b.compress(4, 4, [1, 2]) }),
      b.fitting(widthA, false),
    ),
  'se_e2_r, compressed': (b: TreeBuilder) =>
    b.model(b.grouped('se_r', true, { '@version': 3, compress: b.compress(4, 2) }), b.fitting(4, false)),
  'dpa1, compressed': (b: TreeBuilder) =>
    b.model(
      b.attention('strip', { '@version': 3, compress: b.compress(14, 1, [], { geo_compress: true }) }),
      b.fitting(14 * 2 + 3, true),
    ),
} as const;

export type NativeKind = keyof typeof kinds;
export const NATIVE_KINDS = Object.keys(kinds) as NativeKind[];

/** A model of the kind. */
export function nativeModel(kind: NativeKind, seed = 1): Tree {
  return { software: 'test', backend: 'test', min_nbor_dist: 0.75, model: kinds[kind](new TreeBuilder(seed)) };
}

/** The same tree with other leaves; null where there are none. */
export function mapLeaves(value: unknown, leaf: (array: Leaf) => unknown): unknown {
  if (value instanceof Leaf) return leaf(value);
  if (Array.isArray(value)) return value.map((entry) => mapLeaves(entry, leaf));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, mapLeaves(entry, leaf)]));
}

function nested({ shape, values }: Leaf): unknown {
  let at = 0;
  const build = (depth: number): unknown =>
    depth === shape.length ? values[at++] : Array.from({ length: shape[depth]! }, () => build(depth + 1));
  return build(0);
}

function asText(tree: Tree): unknown {
  return mapLeaves(tree, (array) => ({
    '@class': 'np.ndarray',
    '@is_variable': true,
    '@version': 1,
    dtype: 'float64',
    value: nested(array),
  }));
}

export function nativeYaml(tree: Tree): Uint8Array {
  return new TextEncoder().encode(stringify(asText(tree), { aliasDuplicateObjects: false }));
}

export function nativeJson(tree: Tree): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(asText(tree)));
}

export function nativeHdf5(tree: Tree): Uint8Array {
  const arrays: { shape: number[]; values: Float64Array }[] = [];
  const json = mapLeaves(tree, ({ shape, values }) => {
    arrays.push({ shape: [...shape], values });
    return `/variable_${String(arrays.length - 1).padStart(4, '0')}`;
  });
  return writeHdf5(JSON.stringify(json), arrays);
}
