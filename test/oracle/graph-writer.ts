/** The plainest writer of frozen graphs: the nodes that a reader of parameters needs, nothing that could be run (deep-potential.md 2.2). */
import type { DeepPotentialParameters } from '../../lib/potential/deep-potential-parameters';
import { activationText, fullStatistics } from './random-model';

export function varintBytes(value: number | bigint): number[] {
  let v = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  do {
    out.push(Number(v & 127n) | (v > 127n ? 128 : 0));
    v >>= 7n;
  } while (v > 0n);
  return out;
}

type Piece = Uint8Array | number[];

function join(pieces: Piece[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

export function bytesField(number: number, content: Piece | string): Uint8Array {
  const body = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return join([varintBytes(number * 8 + 2), varintBytes(body.length), body]);
}

export function varintField(number: number, value: number): Uint8Array {
  return join([varintBytes(number * 8), varintBytes(value)]);
}

function float32Field(number: number, value: number): Uint8Array {
  const body = new Uint8Array(4);
  new DataView(body.buffer).setFloat32(0, value, true);
  return join([[number * 8 + 5], body]);
}

export type Encoding = 'content' | 'list' | 'unpacked' | 'splat' | 'float32';

/** TensorProto. `splat` lists the first value only: right where all are equal. */
export function tensor(
  shape: number[],
  values: ArrayLike<number>,
  kind: 'float64' | 'int32' = 'float64',
  encoding: Encoding = 'content',
): Uint8Array {
  const single = encoding === 'float32' && kind === 'float64';
  const dims = shape.map((n) => bytesField(2, varintField(1, n)));
  const head = [varintField(1, kind === 'int32' ? 3 : single ? 1 : 2), bytesField(2, join(dims))];
  const count = encoding === 'splat' ? Math.min(1, values.length) : values.length;
  if (kind === 'int32') {
    const list = Array.from({ length: count }, (_, k) => values[k]!);
    if (encoding === 'unpacked') return join([...head, ...list.map((v) => varintField(7, v))]);
    return join([
      ...head,
      bytesField(
        7,
        list.flatMap((v) => varintBytes(v)),
      ),
    ]);
  }
  const size = single ? 4 : 8;
  const body = new Uint8Array(size * count);
  const view = new DataView(body.buffer);
  for (let k = 0; k < count; k++) single ? view.setFloat32(4 * k, values[k]!, true) : view.setFloat64(8 * k, values[k]!, true);
  if (encoding === 'content' || single) return join([...head, bytesField(4, body)]);
  if (encoding === 'unpacked')
    return join([...head, ...Array.from({ length: count }, (_, k) => join([[6 * 8 + 1], body.subarray(8 * k, 8 * k + 8)]))]);
  return join([...head, bytesField(6, body)]);
}

export function stringTensor(value: string): Uint8Array {
  return join([varintField(1, 7), bytesField(2, []), bytesField(8, value)]);
}

export function node(name: string, op: string, inputs: string[] = [], attributes: Record<string, Uint8Array> = {}): Uint8Array {
  const attrs = Object.entries(attributes).map(([key, value]) => bytesField(5, join([bytesField(1, key), bytesField(2, value)])));
  return bytesField(1, join([bytesField(1, name), bytesField(2, op), ...inputs.map((input) => bytesField(3, input)), ...attrs]));
}

export function constant(name: string, value: Uint8Array): Uint8Array {
  return node(name, 'Const', [], { value: bytesField(8, value) });
}

export type TrainingModel = Record<string, unknown> & {
  descriptor: Record<string, unknown>;
  fitting_net: Record<string, unknown>;
};

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
}

export function writeGraph(p: DeepPotentialParameters, options: GraphOptions = {}): Uint8Array {
  const {
    script = true,
    encoding = 'content',
    without = [],
    extra = [],
    modelType = 'ener',
    modelVersion = '1.1',
    replace = {},
    originalSel,
  } = options;
  const out: Uint8Array[] = [];
  const write = (name: string, make: () => Uint8Array) => {
    if (!without.includes(name)) out.push(make());
  };
  const floats = (name: string, shape: number[], values: ArrayLike<number>) =>
    write(name, () => {
      const use = replace[name] ?? { shape, values };
      const same = Array.from(use.values).every((v) => v === use.values[0]);
      return join([
        constant(name, tensor(use.shape, use.values, 'float64', encoding === 'splat' && !same ? 'list' : encoding)),
        node(`${name}/read`, 'Identity', [name]),
      ]);
    });
  const T = p.ntypes;
  const d = p.descriptors[0]!;
  const N = d.sel.reduce((a, b) => a + b, 0);
  if (script) {
    const exclude: number[][] = [];
    for (let a = 0; a < T; a++) for (let b = a; b < T; b++) if (d.excluded[a * T + b]) exclude.push([a, b]);
    const first = d.nets[0]!;
    const hidden = p.fitting[0]!.layers.slice(0, -1);
    const document = {
      model: {
        type_map: p.typeNames,
        descriptor: {
          type: 'se_e2_a',
          neuron: first.layers.map((l) => l.outputs),
          axis_neuron: d.axis,
          activation_function: activationText(first.layers[0]!.activation),
          resnet_dt: first.layers.some((l) => l.idt),
          type_one_side: d.oneSided,
          exclude_types: exclude,
        } as Record<string, unknown>,
        fitting_net: {
          type: 'ener',
          neuron: hidden.map((l) => l.outputs),
          activation_function: hidden[0] ? activationText(hidden[0].activation) : 'tanh',
          resnet_dt: hidden.some((l) => l.idt),
          atom_ener: [...p.subtractVacuum].map((v) => (v ? -1 : null)),
        } as Record<string, unknown>,
      },
    };
    options.scriptChanges?.(document);
    write('train_attr/training_script', () => constant('train_attr/training_script', stringTensor(JSON.stringify(document))));
    if (p.minNeighbourDistance !== null) floats('train_attr/min_nbor_dist', [], [p.minNeighbourDistance]);
  }
  write('model_attr/tmap', () => constant('model_attr/tmap', stringTensor(p.typeNames.join(' '))));
  write('model_attr/model_type', () => constant('model_attr/model_type', stringTensor(modelType)));
  if (modelVersion !== null)
    write('model_attr/model_version', () => constant('model_attr/model_version', stringTensor(modelVersion)));
  floats('model_attr/model_attr/t_out_bias', [1, T, 1], p.outBias);
  floats('model_attr/model_attr/t_out_std', [1, T, 1], p.outStd);
  floats('fitting_attr/t_bias_atom_e', [T], p.atomBias);
  write('descrpt_attr/ntypes', () => constant('descrpt_attr/ntypes', tensor([], [T], 'int32', 'list')));
  floats('descrpt_attr/t_avg', [T, 4 * N], fullStatistics(p, d, d.davg));
  floats('descrpt_attr/t_std', [T, 4 * N], fullStatistics(p, d, d.dstd));
  const ints = encoding === 'unpacked' ? 'unpacked' : 'list';
  if (script) write('descrpt_attr/sel', () => constant('descrpt_attr/sel', tensor([T], d.sel, 'int32', ints)));
  if (originalSel)
    write('descrpt_attr/original_sel', () => constant('descrpt_attr/original_sel', tensor([T], originalSel, 'int32', ints)));
  write('ProdEnvMatA', () =>
    node('ProdEnvMatA', 'ProdEnvMatA', ['c', 't', 'n', 'b', 'm', 'descrpt_attr/t_avg/read', 'descrpt_attr/t_std/read'], {
      rcut_a: float32Field(4, -1),
      rcut_r: float32Field(4, d.cutoff),
      rcut_r_smth: float32Field(4, d.cutoffSmooth),
      sel_a: bytesField(
        1,
        encoding === 'unpacked'
          ? join(d.sel.map((n) => varintField(3, n)))
          : bytesField(
              3,
              d.sel.flatMap((n) => varintBytes(n)),
            ),
      ),
      sel_r: bytesField(
        1,
        bytesField(
          3,
          d.sel.map(() => 0),
        ),
      ),
      T: varintField(6, 2),
    }),
  );
  const ops: Record<string, string> = {
    tanh: 'Tanh',
    relu: 'Relu',
    relu6: 'Relu6',
    softplus: 'Softplus',
    sigmoid: 'Sigmoid',
    gelu: 'GeluCustom',
  };
  for (let index = 0; index < (d.oneSided ? T : T * T); index++) {
    const net = d.nets[d.netOf[index]!];
    if (!net) continue;
    const scope = d.oneSided ? 'filter_type_all' : `filter_type_${Math.floor(index / T)}`;
    const neighbour = index % T;
    for (const [k, layer] of net.layers.entries()) {
      const suffix = `${k + 1}_${neighbour}`;
      floats(`${scope}/matrix_${suffix}`, [layer.inputs, layer.outputs], layer.weights);
      floats(`${scope}/bias_${suffix}`, [layer.outputs], layer.bias);
      if (layer.idt) floats(`${scope}/idt_${suffix}`, [1, layer.outputs], layer.idt);
      const op = ops[layer.activation.name];
      out.push(node(`${scope}/add_${index}_${k}`, 'BiasAdd', []));
      if (op) out.push(node(`${scope}/${op}_${index}_${k}`, op, [`${scope}/add_${index}_${k}`]));
    }
  }
  for (const [t, net] of p.fitting.entries()) {
    for (const [k, layer] of net.layers.entries()) {
      const scope = k === net.layers.length - 1 ? `final_layer_type_${t}` : `layer_${k}_type_${t}`;
      floats(`${scope}/matrix`, [layer.inputs, layer.outputs], layer.weights);
      floats(`${scope}/bias`, [layer.outputs], layer.bias);
      if (layer.idt) floats(`${scope}/idt`, [layer.outputs], layer.idt);
      const op = ops[layer.activation.name];
      out.push(node(`${scope}/add`, 'BiasAdd', []));
      if (op) out.push(node(`${scope}/${op}`, op, [`${scope}/add`]));
    }
  }
  out.push(...extra);
  // versions { producer: 1 }
  out.push(bytesField(4, varintField(1, 1)));
  return join(out);
}
