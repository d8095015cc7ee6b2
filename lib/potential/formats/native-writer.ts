/**
 * Parameters as the tree of native models (deep-potential.md 2.4), for `.dp` files that DeePMD-kit reads. What that form cannot say
 * exactly is refused with the reason; rules of frozen graphs that do not change its energies are kept beside it (stored-section.ts).
 */
import { PotentialError } from '../../errors.js';
import type {
  Activation,
  DeepPotentialParameters,
  Descriptor,
  ExternalParameters,
  Layer,
  Network,
} from '../deep-potential-parameters.js';
import { descriptorWidth, fittingExtras } from './assemble.js';
import type { Json } from './training-script.js';

/** An array in a tree that is going to be written. */
export class TreeArray {
  constructor(
    readonly shape: readonly number[],
    readonly values: Float64Array,
    readonly single = false,
  ) {}
}

export function cannotExpress(reason: string, hint?: string): PotentialError {
  return new PotentialError('MODEL_NOT_EXPRESSIBLE', `the native form (.dp) has no such model: ${reason}`, { hint });
}

/** The tree below `model`; arrays are TreeArrays. */
export function nativeModelTree(p: DeepPotentialParameters): Json {
  refuse(p);
  const single = p.precision === 'float32';
  const types = p.typeNames.length > 0 ? [...p.typeNames] : null;
  const parts = p.descriptors.map((d) => descriptorTree(p, d, types, single));
  const descriptor = parts.length === 1 ? parts[0]! : { '@class': 'Descriptor', type: 'hybrid', '@version': 1, list: parts };
  return {
    type_map: types ?? [],
    atom_exclude_types: marked(p.atomExcluded),
    pair_exclude_types: markedPairs(p.pairExcluded, p.ntypes),
    rcond: null,
    preset_out_bias: null,
    '@variables': {
      out_bias: new TreeArray([1, p.ntypes, 1], p.outBias),
      out_std: new TreeArray([1, p.ntypes, 1], p.outStd),
    },
    '@class': 'Model',
    type: 'standard',
    '@version': 2,
    descriptor,
    fitting: fittingTree(p, types, single),
  };
}

function refuse(p: DeepPotentialParameters): void {
  // DeePMD-kit knows the objects of its archives; a native file is then kept as it is.
  const convert = p.format === 'pth' ? 'convert it first: dp convert-backend model.pth model.dp' : undefined;
  if (p.pairTable) throw cannotExpress('a pair table that is switched with a net', convert);
  if (p.typeConstants) throw cannotExpress('type embeddings as input of the fitting net');
  if (p.outStd.some((x) => x !== 1)) throw cannotExpress('energies that are scaled (out_std): the native form ignores it');
  if (p.descriptors.some((d) => d.tables))
    throw cannotExpress('tables without the nets that they were made from', 'compress the model that has the nets');
  for (const d of p.descriptors) {
    const affine = d.nets.some((net) => net.layers.some((layer) => typeof layer.shortcut === 'object'));
    if (d.mixed || d.strip || d.constants || affine)
      throw cannotExpress(`${d.label}, whose nets are read with the type embeddings in them`, convert);
    const slots = d.sel.reduce((sum, n) => sum + n, 0);
    if (d.slots !== slots)
      throw cannotExpress(`a divisor (${d.slots}) other than the sum of sel (${slots}): sel was edited after training`);
    if (d.oneSided && !paddingGivesNothing(p, d))
      throw cannotExpress('excluded pairs whose empty slots are masked too, with means of the environment rows other than 0');
  }
}

/** Whether rows of empty slots are zero for every centre that has an excluded neighbour: then it is the same whether they are masked. */
function paddingGivesNothing(p: DeepPotentialParameters, d: Descriptor): boolean {
  const perCentre = d.davg.length / p.ntypes;
  return d.excluded.every((code, pair) => {
    if (code !== 2) return true;
    const centre = Math.floor(pair / p.ntypes);
    return d.davg.subarray(centre * perCentre, (centre + 1) * perCentre).every((x) => x === 0);
  });
}

function descriptorTree(p: DeepPotentialParameters, d: Descriptor, types: string[] | null, single: boolean): Json {
  const precision = single ? 'float32' : 'float64';
  const first = d.nets[0]!;
  const neuron = first.layers.map((layer) => layer.outputs);
  const list = netList(p, d);
  const ndim = d.oneSided ? 1 : 2;
  const stored = Array.from({ length: list.length }, (_, k) =>
    // In the file the first key (the centre) runs fastest.
    ndim === 1 ? list[k]! : list[(k % p.ntypes) * p.ntypes + Math.floor(k / p.ntypes)]!,
  );
  return {
    '@class': 'Descriptor',
    type: d.kind === 'se_e2_a' ? 'se_e2_a' : 'se_r',
    '@version': 2,
    rcut: d.cutoff,
    rcut_smth: d.cutoffSmooth,
    sel: [...d.sel],
    neuron,
    ...(d.kind === 'se_e2_a' ? { axis_neuron: d.axis } : {}),
    resnet_dt: hasTimestep(d.nets),
    trainable: true,
    type_one_side: d.oneSided,
    exclude_types: markedPairs(d.excluded, p.ntypes),
    env_protection: d.envProtection,
    set_davg_zero: d.davg.every((x) => x === 0),
    activation_function: activationText(first.layers[0]!.activation),
    precision,
    spin: null,
    env_mat: { rcut: d.cutoff, rcut_smth: d.cutoffSmooth, protection: d.envProtection, use_exp_switch: false },
    embeddings: {
      '@class': 'NetworkCollection',
      '@version': 1,
      ndim,
      ntypes: p.ntypes,
      network_type: 'embedding_network',
      networks: stored.map((net) => networkTree(net, 'EmbeddingNetwork', single)),
    },
    '@variables': { davg: statistics(p, d, d.davg), dstd: statistics(p, d, d.dstd) },
    type_map: types,
  };
}

/** One net a neighbour type or a pair (centre * T + neighbour); where there is none, one that gives zeros. */
function netList(p: DeepPotentialParameters, d: Descriptor): Network[] {
  const zero = zeroNetwork(d.nets[0]!);
  return Array.from({ length: d.oneSided ? p.ntypes : p.ntypes ** 2 }, (_, k) => d.nets[d.netOf[k]!] ?? zero);
}

function zeroNetwork(like: Network): Network {
  return {
    layers: like.layers.map(({ inputs, outputs }) => ({
      inputs,
      outputs,
      weights: new Float64Array(inputs * outputs),
      bias: new Float64Array(outputs),
      idt: null,
      activation: { name: 'tanh' },
      shortcut: 'none',
    })),
  };
}

/** [T, N, 4], or [T, N, 1] for a radial descriptor. */
function statistics(p: DeepPotentialParameters, d: Descriptor, values: Float64Array): TreeArray {
  const slots = d.sel.reduce((sum, n) => sum + n, 0);
  const components = d.kind === 'se_e2_a' ? 4 : 1;
  const out = new Float64Array(p.ntypes * slots * components);
  for (let row = 0; row < p.ntypes * slots; row++) {
    const from = d.perSlotStatistics ? row : Math.floor(row / slots);
    for (let c = 0; c < components; c++) out[row * components + c] = values[4 * from + c]!;
  }
  return new TreeArray([p.ntypes, slots, components], out);
}

function fittingTree(p: DeepPotentialParameters, types: string[] | null, single: boolean): Json {
  const first = p.fitting[0]!;
  const width = descriptorWidth(p.descriptors, p.ntypes);
  const inputs = width + fittingExtras(null, p.ntypes, p.frameParameters, p.atomParameters, p.caseConstants);
  const shared = p.ntypes > 1 && p.fitting.every((net) => net === first);
  // A shared net makes no difference of types.
  const mixed = shared && p.subtractVacuum.every((flag) => flag === p.subtractVacuum[0]);
  const hidden = first.layers.slice(0, -1);
  const vector = (values: Float64Array | null | undefined) => (values ? new TreeArray([values.length], values) : null);
  const external = (name: string, parameters: ExternalParameters | null) => ({
    [`${name}_avg`]: vector(parameters?.average),
    [`${name}_inv_std`]: vector(parameters?.inverseStd),
  });
  const defaults = p.frameParameters?.defaults;
  return {
    '@class': 'Fitting',
    '@version': 4,
    var_name: 'energy',
    ntypes: p.ntypes,
    dim_descrpt: width,
    neuron: hidden.map((layer) => layer.outputs),
    resnet_dt: hasTimestep(p.fitting),
    numb_fparam: p.frameParameters?.count ?? 0,
    numb_aparam: p.atomParameters?.count ?? 0,
    dim_case_embd: p.caseConstants?.length ?? 0,
    default_fparam: defaults ? [...defaults] : null,
    rcond: null,
    activation_function: activationText(hidden[0]?.activation ?? { name: 'tanh' }),
    precision: single ? 'float32' : 'float64',
    mixed_types: mixed,
    exclude_types: marked(p.fittingExcluded),
    nets: {
      '@class': 'NetworkCollection',
      '@version': 1,
      ndim: mixed ? 0 : 1,
      ntypes: p.ntypes,
      network_type: 'fitting_network',
      networks: (mixed ? [first] : p.fitting).map((net) => networkTree(net, 'FittingNetwork', single, inputs)),
    },
    '@variables': {
      bias_atom_e: new TreeArray([p.ntypes, 1], p.atomBias),
      case_embd: vector(p.caseConstants),
      ...external('fparam', p.frameParameters),
      ...external('aparam', p.atomParameters),
    },
    type_map: types,
    tot_ener_zero: false,
    trainable: first.layers.map(() => true),
    layer_name: null,
    use_aparam_as_mask: false,
    spin: null,
    type: 'ener',
    dim_out: 1,
    // Only whether an energy is assigned matters: its value is in the bias already.
    atom_ener: p.subtractVacuum.some((flag) => flag !== 0) ? Array.from(p.subtractVacuum, (flag) => (flag ? 0 : null)) : null,
  };
}

function networkTree(net: Network, kind: 'EmbeddingNetwork' | 'FittingNetwork', single: boolean, inputs = 1): Json {
  const { layers } = net;
  const own = kind === 'FittingNetwork' ? layers.slice(0, -1) : layers;
  return {
    '@class': kind,
    '@version': kind === 'FittingNetwork' ? 1 : 2,
    in_dim: inputs,
    ...(kind === 'FittingNetwork' ? { out_dim: 1, bias_out: true } : { bias: true }),
    neuron: own.map((layer) => layer.outputs),
    activation_function: activationText(own[0]?.activation ?? { name: 'tanh' }),
    resnet_dt: hasTimestep([net]),
    precision: single ? 'float32' : 'float64',
    layers: layers.map((layer) => layerTree(layer, single)),
  };
}

function layerTree(layer: Layer, single: boolean): Json {
  return {
    '@class': 'Layer',
    '@version': 2,
    bias: true,
    use_timestep: layer.idt !== null,
    activation_function: activationText(layer.activation),
    resnet: layer.shortcut !== 'none',
    precision: single ? 'float32' : 'float64',
    trainable: true,
    '@variables': {
      w: new TreeArray([layer.inputs, layer.outputs], layer.weights, single),
      b: new TreeArray([layer.outputs], layer.bias, single),
      idt: layer.idt && new TreeArray([layer.outputs], layer.idt, single),
    },
  };
}

const hasTimestep = (nets: readonly Network[]) => nets.some((net) => net.layers.some((layer) => layer.idt !== null));

function activationText({ name, threshold }: Activation): string {
  return threshold === undefined ? name : `${name}:${threshold}`;
}

const marked = (flags: Uint8Array): number[] => [...flags.keys()].filter((t) => flags[t]);

function markedPairs(flags: Uint8Array, ntypes: number): number[][] {
  return [...flags.keys()]
    .filter((pair) => flags[pair] && pair % ntypes >= Math.floor(pair / ntypes))
    .map((pair) => [Math.floor(pair / ntypes), pair % ntypes]);
}
