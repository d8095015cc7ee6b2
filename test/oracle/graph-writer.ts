/** The plainest writer of frozen graphs: the nodes that a reader of parameters needs, nothing that could be run (deep-potential.md 2.2). */
import type {
  Activation,
  DeepPotentialParameters,
  Descriptor,
  EmbeddingTable,
  Network,
} from '../../lib/potential/deep-potential-parameters';
import {
  bytesField,
  constant,
  type Encoding,
  float32Field,
  join,
  node,
  stringTensor,
  tensor,
  varintBytes,
  varintField,
} from './graph-nodes';
import { activationText, fullStatistics } from './random-model';

export { varintBytes } from './graph-nodes';

export type TrainingModel = Record<string, unknown> & {
  descriptor: Record<string, unknown>;
  fitting_net: Record<string, unknown>;
};

/** Nets that take types as input, as the file has them: for descriptors whose parameters hold what is made of them. */
export interface RawTypes {
  readonly embedding: Network;
  /** One a descriptor: the net of s (and types where there is no strip net), the strip net. */
  readonly nets: readonly { readonly s: Network; readonly strip: Network | null }[];
}

export interface GraphOptions {
  /** Without the training input, as old versions wrote it. */
  script?: boolean;
  encoding?: Encoding;
  /** Nodes left out, by name. */
  without?: string[];
  /** Further nodes. */
  extra?: Uint8Array[];
  modelType?: string;
  modelVersion?: string | null;
  /** Values that replace those of a tensor. */
  replace?: Record<string, { shape: number[]; values: ArrayLike<number> }>;
  scriptChanges?: (script: { model: TrainingModel }) => void;
  originalSel?: number[];
  types?: RawTypes;
}

const activationOps: Record<string, string> = {
  tanh: 'Tanh',
  relu: 'Relu',
  relu6: 'Relu6',
  softplus: 'Softplus',
  sigmoid: 'Sigmoid',
  gelu: 'GeluCustom',
};

class GraphWriter {
  readonly out: Uint8Array[] = [];

  constructor(
    readonly p: DeepPotentialParameters,
    readonly options: GraphOptions,
  ) {}

  write(name: string, make: () => Uint8Array): void {
    if (!this.options.without?.includes(name)) this.out.push(make());
  }

  text(name: string, value: string): void {
    this.write(name, () => constant(name, stringTensor(value)));
  }

  integers(name: string, shape: number[], values: ArrayLike<number>): void {
    const encoding = this.options.encoding === 'unpacked' ? 'unpacked' : 'list';
    this.write(name, () => constant(name, tensor(shape, values, 'int32', encoding)));
  }

  floats(name: string, shape: number[], values: ArrayLike<number>): void {
    const { encoding = 'content', replace = {} } = this.options;
    this.write(name, () => {
      const use = replace[name] ?? { shape, values };
      const same = Array.from(use.values).every((v) => v === use.values[0]);
      return join([
        constant(name, tensor(use.shape, use.values, 'float64', encoding === 'splat' && !same ? 'list' : encoding)),
        node(`${name}/read`, 'Identity', [name]),
      ]);
    });
  }

  /** An activation operation where the graph has one of its own. */
  activation(scope: string, label: string, { name }: Activation): void {
    const op = activationOps[name];
    this.out.push(node(`${scope}/add${label}`, 'BiasAdd', []));
    if (op) this.out.push(node(`${scope}/${op}${label}`, op, [`${scope}/add${label}`]));
  }

  /** An embedding net, `matrix_k` with something after. */
  embedding(scope: string, after: string, net: Network): void {
    for (const [k, layer] of net.layers.entries()) {
      this.floats(`${scope}/matrix_${k + 1}${after}`, [layer.inputs, layer.outputs], layer.weights);
      this.floats(`${scope}/bias_${k + 1}${after}`, [layer.outputs], layer.bias);
      if (layer.idt) this.floats(`${scope}/idt_${k + 1}${after}`, [1, layer.outputs], layer.idt);
      this.activation(scope, `${after}_${k}`, layer.activation);
    }
  }

  /** A table operation: its constants carry names that mean nothing. */
  table(name: string, op: string, t: EmbeddingTable, inputs: string[]): void {
    const width = t.coefficients.length / t.rows / 6;
    this.floats(`Const_of_${name.replaceAll('/', '_')}`, [t.rows, 6 * width], t.coefficients);
    this.floats(`${name}/table_info`, [6], [t.lower, t.upper, t.max, t.step, t.coarseStep, -1]);
    const sources = [`Const_of_${name.replaceAll('/', '_')}/read`, `${name}/table_info/read`, ...inputs];
    this.write(name, () => node(name, op, sources, { last_layer_size: varintField(3, width), T: varintField(6, 2) }));
  }

  descriptor(d: Descriptor, index: number): void {
    const { p, options } = this;
    const suffix = p.descriptors.length > 1 ? `_${index}` : '';
    const T = p.ntypes;
    const N = d.sel.reduce((a, b) => a + b, 0);
    const radial = d.kind === 'se_e2_r';
    const own = `descrpt_attr${suffix}`;
    const full = (values: Float64Array) => fullStatistics(p, d, values).filter((_, k) => !radial || k % 4 === 0);
    this.floats(`${own}/t_avg`, [T, (radial ? 1 : 4) * N], full(d.davg));
    this.floats(`${own}/t_std`, [T, (radial ? 1 : 4) * N], full(d.dstd));
    if (options.script ?? true) this.integers(`${own}/sel`, [d.sel.length], d.sel);
    const original = options.originalSel;
    if (original) this.integers(`${own}/original_sel`, [original.length], original);
    const op = radial ? 'ProdEnvMatR' : d.mixed ? 'ProdEnvMatAMix' : 'ProdEnvMatA';
    const list = (values: readonly number[]) =>
      bytesField(
        1,
        options.encoding === 'unpacked'
          ? join(values.map((n) => varintField(3, n)))
          : bytesField(
              3,
              values.flatMap((n) => varintBytes(n)),
            ),
      );
    const attributes: Record<string, Uint8Array> = radial
      ? { rcut: float32Field(4, d.cutoff), rcut_smth: float32Field(4, d.cutoffSmooth), sel: list(d.sel) }
      : {
          rcut_a: float32Field(4, -1),
          rcut_r: float32Field(4, d.cutoff),
          rcut_r_smth: float32Field(4, d.cutoffSmooth),
          sel_a: list(d.sel),
          sel_r: list(d.sel.map(() => 0)),
        };
    const name = index === 0 ? op : `${op}_${index}`;
    this.write(name, () =>
      node(name, op, ['c', 't', 'n', 'b', 'm', `${own}/t_avg/read`, `${own}/t_std/read`], {
        ...attributes,
        T: varintField(6, 2),
      }),
    );
    const all = `filter_type_all${suffix}`;
    const raw = options.types?.nets[index];
    if (raw) {
      const side = raw.strip && (d.oneSided ? '_one_side_ebd' : '_two_side_ebd');
      if (!d.tables) this.embedding(all, '', raw.s);
      if (raw.strip && !d.tables) this.embedding(all, side!, raw.strip);
      if (d.tables) this.strippedTable(d, all);
      return;
    }
    for (let pair = 0; pair < (d.oneSided ? T : T * T); pair++) {
      const scope = d.oneSided ? all : `filter_type_${Math.floor(pair / T)}${suffix}`;
      const neighbour = pair % T;
      const net = d.nets[d.netOf[pair]!];
      if (net) this.embedding(scope, `_${neighbour}`, net);
      const table = d.tables?.[d.tableOf![pair]!];
      if (table) this.pairTableOperation(d, scope, neighbour, table, name);
    }
  }

  /** The operation reads a slice of the slots of its neighbour type. */
  private pairTableOperation(d: Descriptor, scope: string, neighbour: number, table: EmbeddingTable, rows: string): void {
    const components = d.kind === 'se_e2_r' ? 1 : 4;
    const offset = d.sel.slice(0, neighbour).reduce((a, b) => a + b, 0);
    // Operations are numbered, not named by types.
    const name = `${scope}/${d.kind === 'se_e2_r' ? 'TabulateFusionSeR' : 'TabulateFusionSeA'}${neighbour === 0 ? '' : `_${neighbour}`}`;
    const slice = `${scope}/Slice_${neighbour}`;
    this.integers(`${slice}/begin`, [2], [0, components * offset]);
    this.integers(`${slice}/size`, [2], [-1, components * d.sel[neighbour]!]);
    this.out.push(node(slice, 'Slice', [rows, `${slice}/begin`, `${slice}/size`]));
    this.out.push(node(`${slice}/Reshape`, 'Reshape', [slice]));
    const op = d.kind === 'se_e2_r' ? 'TabulateFusionSeR' : 'TabulateFusionSeA';
    this.table(name, op, table, d.kind === 'se_e2_r' ? [`${slice}/Reshape`] : ['s', `${slice}/Reshape:0`]);
  }

  /** One operation for all types; factors by (centre, neighbour) with a further row for empty slots. */
  private strippedTable(d: Descriptor, scope: string): void {
    const T = this.p.ntypes;
    const M = d.width;
    const factors = new Float64Array((d.oneSided ? T + 1 : (T + 1) ** 2) * M);
    for (let centre = 0; centre < (d.oneSided ? 1 : T); centre++)
      for (let neighbour = 0; neighbour <= T; neighbour++) {
        const values =
          neighbour < T
            ? d.strip!.factors.subarray((centre * T + neighbour) * M, (centre * T + neighbour + 1) * M)
            : d.strip!.padFactors.subarray(centre * d.sel.length * M, (centre * d.sel.length + 1) * M);
        factors.set(values, (centre * (T + 1) + neighbour) * M);
      }
    this.floats('Const_factors', [factors.length / M, M], factors);
    this.out.push(node(`${scope}/embedding_lookup`, 'GatherV2', ['Const_factors/read', 'index', 'axis']));
    this.out.push(node(`${scope}/embedding_lookup/Identity`, 'Identity', [`${scope}/embedding_lookup`]));
    this.out.push(node(`${scope}/mul`, 'Mul', [`${scope}/embedding_lookup/Identity`, 'switch']));
    this.table(`${scope}/TabulateFusionSeAtten`, 'TabulateFusionSeAtten', d.tables![0]!, ['s', 'rows', `${scope}/mul`]);
  }

  fitting(): void {
    const shared = this.p.typeConstants !== null;
    for (const [t, net] of this.p.fitting.slice(0, shared ? 1 : undefined).entries()) {
      for (const [k, layer] of net.layers.entries()) {
        const type = shared ? '' : `_type_${t}`;
        const scope = k === net.layers.length - 1 ? `final_layer${type}` : `layer_${k}${type}`;
        this.floats(`${scope}/matrix`, [layer.inputs, layer.outputs], layer.weights);
        this.floats(`${scope}/bias`, [layer.outputs], layer.bias);
        if (layer.idt) this.floats(`${scope}/idt`, [layer.outputs], layer.idt);
        this.activation(scope, '', layer.activation);
      }
    }
  }

  parameters(): void {
    for (const [letter, values] of [['f', this.p.frameParameters] as const, ['a', this.p.atomParameters] as const]) {
      if (!values) continue;
      this.integers(`fitting_attr/d${letter}param`, [], [values.count]);
      this.floats(`fitting_attr/t_${letter}param_avg`, [values.count], values.average);
      this.floats(`fitting_attr/t_${letter}param_istd`, [values.count], values.inverseStd);
    }
  }

  pairTable(): void {
    const { pairTable: t, ntypes } = this.p;
    if (!t) return;
    this.floats('model_attr/t_tab_info', [4], [t.smallest, t.step, t.cells, ntypes]);
    this.floats('model_attr/t_tab_data', [t.coefficients.length], t.coefficients);
    this.write('SoftMinSwitch', () =>
      node('SoftMinSwitch', 'SoftMinSwitch', ['type', 'rij', 'nlist', 'natoms'], {
        alpha: float32Field(4, t.alpha),
        rmin: float32Field(4, t.from),
        rmax: float32Field(4, t.to),
      }),
    );
  }
}

/** The section of a descriptor in the training input. */
function settingsOf(
  p: DeepPotentialParameters,
  d: Descriptor,
  raw: RawTypes['nets'][number] | undefined,
): Record<string, unknown> {
  const T = p.ntypes;
  const exclude: number[][] = [];
  for (let a = 0; a < T; a++) for (let b = a; b < T; b++) if (d.excluded[a * T + b]) exclude.push([a, b]);
  const first = raw?.s ?? d.nets[0];
  return {
    type: d.mixed ? 'se_atten' : d.kind,
    ...(first
      ? {
          neuron: first.layers.map((l) => l.outputs),
          activation_function: activationText(first.layers[0]!.activation),
          resnet_dt: first.layers.some((l) => l.idt),
        }
      : { neuron: [1], activation_function: 'tanh', resnet_dt: false }),
    ...(d.kind === 'se_e2_a' ? { axis_neuron: d.axis } : {}),
    ...(d.mixed ? { attn_layer: 0, smooth_type_embedding: d.strip?.smoothing === 'cubic' } : {}),
    type_one_side: d.oneSided,
    exclude_types: exclude,
  };
}

export function writeGraph(p: DeepPotentialParameters, options: GraphOptions = {}): Uint8Array {
  const { script = true, extra = [], modelType = 'ener', modelVersion = '1.1', types } = options;
  const writer = new GraphWriter(p, options);
  const T = p.ntypes;
  if (script) {
    const hidden = p.fitting[0]!.layers.slice(0, -1);
    const [only, ...others] = p.descriptors.map((d, k) => settingsOf(p, d, types?.nets[k]));
    const document = {
      model: {
        type_map: p.typeNames,
        ...(types
          ? {
              type_embedding: {
                neuron: types.embedding.layers.map((l) => l.outputs),
                activation_function: activationText(types.embedding.layers[0]!.activation),
                resnet_dt: types.embedding.layers.some((l) => l.idt),
              },
            }
          : {}),
        ...(p.pairTable ? { use_srtab: 'table.txt', srtab_add_bias: p.pairTable.addBias } : {}),
        descriptor: (others.length > 0 ? { type: 'hybrid', list: [only, ...others] } : only) as Record<string, unknown>,
        fitting_net: {
          type: 'ener',
          neuron: hidden.map((l) => l.outputs),
          activation_function: hidden[0] ? activationText(hidden[0].activation) : 'tanh',
          resnet_dt: hidden.some((l) => l.idt),
          atom_ener: p.subtractVacuum.some(Boolean) ? [...p.subtractVacuum].map((v) => (v ? -1 : null)) : [],
          ...(p.frameParameters?.defaults ? { default_fparam: [...p.frameParameters.defaults] } : {}),
        } as Record<string, unknown>,
      },
    };
    options.scriptChanges?.(document);
    writer.text('train_attr/training_script', JSON.stringify(document));
    if (p.minNeighbourDistance !== null) writer.floats('train_attr/min_nbor_dist', [], [p.minNeighbourDistance]);
  }
  writer.text('model_attr/tmap', p.typeNames.join(' '));
  writer.text('model_attr/model_type', modelType);
  if (modelVersion !== null) writer.text('model_attr/model_version', modelVersion);
  if (p.descriptors.some((d) => d.tables)) writer.text('model_type', 'compressed_model');
  writer.floats('model_attr/model_attr/t_out_bias', [1, T, 1], p.outBias);
  writer.floats('model_attr/model_attr/t_out_std', [1, T, 1], p.outStd);
  writer.floats('fitting_attr/t_bias_atom_e', [T], p.atomBias);
  writer.integers('descrpt_attr/ntypes', [], [T]);
  if (types) writer.embedding('type_embed_net', '', types.embedding);
  for (const [index, d] of p.descriptors.entries()) writer.descriptor(d, index);
  writer.fitting();
  writer.parameters();
  writer.pairTable();
  // versions { producer: 1 }
  return join([...writer.out, ...extra, bytesField(4, varintField(1, 1))]);
}
