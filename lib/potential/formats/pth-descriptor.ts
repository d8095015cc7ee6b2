/** Descriptors of TorchScript models in the form of native models (deep-potential.md 2.4, 2.5). */
import { network, networks, type TorchObject } from './pth-object.js';
import { unsupported, wrongShape } from './refusal.js';

type Tree = Record<string, unknown>;

const others = new Map([
  ['DescrptDPA2', 'dpa2'],
  ['DescrptDPA3', 'dpa3'],
  ['DescrptSeT', 'se_e3'],
  ['DescrptSeTTebd', 'se_t_tebd'],
  ['DescrptSeZM', 'dpa4'],
]);

/** `budget` bounds hybrids of hybrids, which may share their parts. */
export function torchDescriptor(descriptor: TorchObject, budget = { parts: 64 }): Tree {
  budget.parts--;
  if (budget.parts < 0) throw wrongShape(descriptor.path, 'at most 64 parts of a descriptor', 'more');
  const type_map = descriptor.optional('type_map');
  switch (descriptor.kind) {
    case 'DescrptSeA': {
      const block = descriptor.object('sea');
      return {
        type: 'se_e2_a',
        type_map,
        axis_neuron: block.plain('axis_neuron'),
        type_one_side: block.plain('type_one_side'),
        ...grouped(block),
      };
    }
    case 'DescrptSeR':
      // Its class is one-sided by nature and has no such attribute.
      return { type: 'se_e2_r', type_map, type_one_side: descriptor.optional('type_one_side') ?? true, ...grouped(descriptor) };
    case 'DescrptDPA1':
      return { type: 'dpa1', type_map, ...attention(descriptor) };
    case 'DescrptSeAttenV2':
      return { type: 'se_atten_v2', type_map, ...attention(descriptor) };
    case 'DescrptHybrid':
      return {
        type: 'hybrid',
        list: descriptor
          .object('descrpt_list')
          .objects()
          .map((part) => torchDescriptor(part, budget)),
      };
    default: {
      const word = others.get(descriptor.kind) ?? descriptor.kind;
      throw unsupported(word, `the class of its descriptor is ${descriptor.kind}, which is not evaluated`);
    }
  }
}

function environment(block: TorchObject): Tree {
  return {
    rcut: block.plain('rcut'),
    rcut_smth: block.plain('rcut_smth'),
    sel: block.plain('sel'),
    env_protection: block.optional('env_protection') ?? 0,
    env_mat: { use_exp_switch: block.optional('use_exp_switch') === true },
    exclude_types: block.excludedPairs('emask'),
    precision: block.plain('precision'),
    '@variables': { davg: block.tensor('mean'), dstd: block.tensor('stddev') },
  };
}

function grouped(block: TorchObject): Tree {
  if (block.optional('old_impl') === true) throw unsupported('old_impl', 'networks of the first PyTorch version');
  return {
    ...environment(block),
    embeddings: networks(block.object('filter_layers')),
    compress: block.optional('compress') === true ? tables(block) : null,
  };
}

function attention(descriptor: TorchObject): Tree {
  const block = descriptor.object('se_atten');
  const embedding = descriptor.object('type_embedding').object('embedding');
  return {
    ...environment(block),
    ntypes: block.plain('ntypes'),
    type_one_side: block.plain('type_one_side'),
    axis_neuron: block.plain('axis_neuron'),
    attn_layer: block.plain('attn_layer'),
    lmax: block.optional('lmax') ?? 1,
    tebd_dim: block.plain('tebd_dim'),
    tebd_input_mode: block.plain('tebd_input_mode'),
    smooth_type_embedding: block.plain('smooth'),
    concat_output_tebd: descriptor.plain('concat_output_tebd'),
    use_econf_tebd: descriptor.optional('use_econf_tebd'),
    type_embedding: {
      use_econf_tebd: embedding.optional('use_econf_tebd'),
      embedding: embedding.object('embedding_net').once(network),
    },
    embeddings: networks(block.object('filter_layers')),
    embeddings_strip: block.has('filter_layers_strip') ? networks(block.object('filter_layers_strip')) : null,
    compress: block.optional('geo_compress') === true ? { geo_compress: true, ...tables(block) } : null,
  };
}

/** Parameters lists in the order of native models; a part that is not there is an empty tensor. */
function tables(block: TorchObject): Tree {
  const list = (key: string) => block.object(key).tensors();
  return { '@variables': { compress_data: list('compress_data'), compress_info: list('compress_info') } };
}
