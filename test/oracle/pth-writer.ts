/** TorchScript models: the tree of a native model as the objects and attributes that the PyTorch classes have (deep-potential.md 2.5). */
import { ZipArchive } from '../../lib/potential/formats/zip';
import { Leaf, type Tree } from './native-trees';
import { Instance, type PthOptions, TypedList, writePth } from './pickle-writer';

const torch = '__torch__.torch.nn.modules.container';
const deepmd = '__torch__.deepmd.pt';

/** What modules store as it is: numbers, text, truth values, and lists of these. */
function plainOf(tree: Tree): { [key: string]: unknown } {
  const scalar = (value: unknown) => value === null || ['boolean', 'number', 'string'].includes(typeof value);
  return Object.fromEntries(
    Object.entries(tree).flatMap(([key, value]): [string, unknown][] => {
      if (key.startsWith('@')) return [];
      if (scalar(value)) return [[key, value]];
      if (!Array.isArray(value) || !value.every(scalar)) return [];
      if (value.length > 0 && value.every(Number.isInteger)) return [[key, new TypedList(value, 'build_intlist')]];
      return [[key, value]];
    }),
  );
}

function moduleList(members: readonly unknown[], mangle = 0): Instance {
  return new Instance(`${torch}.___torch_mangle_${mangle}.ModuleList`, {
    training: false,
    ...Object.fromEntries(members.map((member, k) => [String(k), member])),
  });
}

function network(net: Tree): Instance {
  const layers = (net.layers as Tree[]).map((layer) => {
    const { w, b, idt } = layer['@variables'] as Tree;
    const name = layer.activation_function;
    return new Instance(`${deepmd}.model.network.mlp.MLPLayer`, {
      ...plainOf(layer),
      matrix: w,
      bias: b,
      training: false,
      use_timestep: idt !== null,
      activate_name: name === 'none' ? null : name,
      precision: 'float64',
      prec: 7,
      idt,
      resnet: layer.resnet,
      activate: new Instance(`${deepmd}.utils.utils.ActivationFn`, { activation: name }),
    });
  });
  return new Instance('__torch__.deepmd.dpmodel.utils.network.EN', { ...plainOf(net), layers: moduleList(layers) });
}

function collection(value: unknown): Instance | null {
  if (value === undefined) return null;
  const tree = value as Tree;
  const nets = moduleList((tree.networks as Tree[]).map(network), 3);
  return new Instance(`${deepmd}.model.network.mlp.NetworkCollection`, { ...plainOf(tree), networks: nets, _networks: nets });
}

function pairMask(pairs: unknown, ntypes: number): Instance {
  const size = ntypes + 1;
  const mask = new Float64Array(size * size).fill(1);
  for (const [a, b] of pairs as [number, number][]) mask[a * size + b] = mask[b * size + a] = 0;
  return new Instance(`${deepmd}.utils.exclude_mask.PairExcludeMask`, { ntypes, type_mask: new Leaf([size * size], mask) });
}

function typeMask(types: unknown, ntypes: number): Instance {
  const mask = Float64Array.from({ length: ntypes }, (_, t) => ((types as number[]).includes(t) ? 0 : 1));
  return new Instance(`${deepmd}.utils.exclude_mask.AtomExcludeMask`, { ntypes, type_mask: new Leaf([ntypes], mask) });
}

function names(value: unknown): TypedList {
  return new TypedList(value as string[], 'restore_type_tag');
}

function block(tree: Tree, ntypes: number): { [key: string]: unknown } {
  const { davg, dstd } = tree['@variables'] as Tree;
  const compress = tree.compress as Tree | undefined;
  const tables = compress?.['@variables'] as Tree | undefined;
  const list = (key: string) =>
    new Instance(
      `${torch}.ParameterList`,
      Object.fromEntries(((tables?.[key] ?? []) as Leaf[]).map((leaf, k) => [String(k), leaf])),
    );
  return {
    ...plainOf(tree),
    mean: davg,
    stddev: dstd,
    rcut: tree.rcut,
    rcut_smth: tree.rcut_smth,
    sel: new TypedList(tree.sel as number[], 'build_intlist'),
    precision: tree.precision,
    env_protection: tree.env_protection,
    ntypes,
    emask: pairMask(tree.exclude_types, ntypes),
    filter_layers: collection(tree.embeddings),
    compress: tables !== undefined,
    geo_compress: tables !== undefined,
    type_embd_data: tables?.type_embd_data ?? null,
    compress_info: list('compress_info'),
    compress_data: list('compress_data'),
  };
}

function descriptor(tree: Tree, ntypes: number): Instance {
  const path = `${deepmd}.model.descriptor`;
  const type_map = tree.type_map && names(tree.type_map);
  switch (tree.type) {
    case 'se_e2_a': {
      const sea = { ...block(tree, ntypes), axis_neuron: tree.axis_neuron, type_one_side: tree.type_one_side, old_impl: false };
      return new Instance(`${path}.se_a.DescrptSeA`, { type_map, sea: new Instance(`${path}.se_a.DescrptBlockSeA`, sea) });
    }
    case 'se_r':
      return new Instance(`${path}.se_r.DescrptSeR`, { type_map, ...block(tree, ntypes) });
    case 'se_atten_v2':
    case 'dpa1': {
      const second = tree.type === 'se_atten_v2';
      const attention = new Instance(`${path}.se_atten.DescrptBlockSeAtten`, {
        ...block(tree, ntypes),
        axis_neuron: tree.axis_neuron,
        type_one_side: tree.type_one_side,
        attn_layer: tree.attn_layer,
        attn_dim: tree.attn,
        tebd_dim: tree.tebd_dim,
        tebd_input_mode: second ? 'strip' : tree.tebd_input_mode,
        smooth: second || tree.smooth_type_embedding,
        filter_layers_strip: collection(tree.embeddings_strip),
      });
      const te = new Instance(`${deepmd}.model.network.network.TypeEmbedNetConsistent`, {
        ...plainOf(tree.type_embedding as Tree),
        embedding_net: network((tree.type_embedding as Tree).embedding as Tree),
      });
      return new Instance(`${path}.${second ? 'se_atten_v2.DescrptSeAttenV2' : 'dpa1.DescrptDPA1'}`, {
        type_map,
        se_atten: attention,
        concat_output_tebd: tree.concat_output_tebd,
        use_econf_tebd: tree.use_econf_tebd,
        use_tebd_bias: tree.use_tebd_bias,
        type_embedding: new Instance(`${deepmd}.model.network.network.TypeEmbedNet`, { embedding: te }),
      });
    }
    default:
      return new Instance(`${path}.hybrid.DescrptHybrid`, {
        descrpt_list: moduleList((tree.list as Tree[]).map((part) => descriptor(part, ntypes))),
      });
  }
}

function fitting(tree: Tree, ntypes: number): Instance {
  const list = tree.default_fparam as number[] | undefined;
  const vacuum = tree.atom_ener as (number | null)[] | null;
  return new Instance(`${deepmd}.model.task.ener.EnergyFittingNet`, {
    ...plainOf(tree),
    ...(tree['@variables'] as Tree),
    numb_fparam: tree.numb_fparam,
    numb_aparam: tree.numb_aparam,
    dim_case_embd: tree.dim_case_embd,
    default_fparam: list ? new TypedList(list, 'build_doublelist') : null,
    mixed_types: tree.mixed_types,
    precision: tree.precision,
    remove_vaccum_contribution: vacuum?.map((energy) => energy !== null),
    use_aparam_as_mask: false,
    emask: typeMask(tree.exclude_types, ntypes),
    filter_layers: collection(tree.nets),
  });
}

function atomicModel(tree: Tree): Instance {
  const type_map = tree.type_map as string[];
  const ntypes = type_map.length;
  const list = (key: string) => (tree[key] ?? []) as unknown[];
  const common = {
    ...(tree['@variables'] as Tree),
    type_map: names(type_map),
    atom_excl: list('atom_exclude_types').length > 0 ? typeMask(tree.atom_exclude_types, ntypes) : null,
    pair_excl: list('pair_exclude_types').length > 0 ? pairMask(tree.pair_exclude_types, ntypes) : null,
  };
  const path = `${deepmd}.model.atomic_model`;
  if (tree.type === 'zbl') {
    const models = moduleList((tree.models as Tree[]).map(atomicModel));
    const { sw_rmin, sw_rmax, smin_alpha } = tree;
    const zbl = { ...common, models, sw_rmin, sw_rmax, smin_alpha };
    return new Instance(`${path}.linear_atomic_model.DPZBLLinearEnergyAtomicModel`, zbl);
  }
  if (tree.type === 'pairtab') {
    const arrays = (tree.tab as Tree)['@variables'] as Tree;
    return new Instance(`${path}.pairtab_atomic_model.PairTabAtomicModel`, {
      ...common,
      rcut: tree.rcut,
      sel: tree.sel,
      ...arrays,
    });
  }
  return new Instance(`${path}.energy_atomic_model.DPEnergyAtomicModel`, {
    ...common,
    descriptor: descriptor(tree.descriptor as Tree, ntypes),
    fitting_net: fitting(tree.fitting as Tree, ntypes),
  });
}

/** Root object of a model. */
export function torchModel(tree: Tree, className?: string): Instance {
  const model = tree.model as Tree;
  const kind = model.type === 'zbl' ? 'dp_zbl_model.DPZBLModel' : 'ener_model.EnergyModel';
  return new Instance(className ?? `${deepmd}.model.model.${kind}`, {
    training: false,
    model_def_script: '{"type_map": []}',
    min_nbor_dist: tree.min_nbor_dist,
    atomic_model: atomicModel(model),
  });
}

export function nativePth(tree: Tree, options?: PthOptions): Uint8Array {
  return writePth(torchModel(tree), options);
}

/** The root object, and its pickle, to be damaged and written with the storages of the root. */
export function picklePth(tree: Tree): { root: Instance; pickle: Uint8Array } {
  const root = torchModel(tree);
  return { root, pickle: new ZipArchive(writePth(root)).read('model/data.pkl').slice() };
}
