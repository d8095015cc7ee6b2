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
      return { type: 'se_atten_v2', type_map, ...attention(descriptor, ['tebd_input_mode', 'smooth_type_embedding']) };
    case 'DescrptHybrid':
      return {
        ...classOf(1),
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

function classOf(version: number): Tree {
  return { '@class': 'Descriptor', '@version': version };
}

/** Version 3 is that of descriptors with tables. What DeePMD-kit wants to know of the training is kept for it. */
function environment(block: TorchObject, compressed: boolean): Tree {
  const env_protection = block.optional('env_protection') ?? 0;
  const [rcut, rcut_smth] = [block.plain('rcut'), block.plain('rcut_smth')];
  return {
    ...classOf(compressed ? 3 : 2),
    rcut,
    rcut_smth,
    sel: block.plain('sel'),
    env_protection,
    env_mat: { rcut, rcut_smth, protection: env_protection, use_exp_switch: block.optional('use_exp_switch') === true },
    exclude_types: block.excludedPairs('emask'),
    precision: block.plain('precision'),
    ...block.options(['neuron', 'resnet_dt', 'set_davg_zero', 'activation_function']),
    trainable: true,
    spin: null,
    '@variables': { davg: block.tensor('mean'), dstd: block.tensor('stddev') },
  };
}

function grouped(block: TorchObject): Tree {
  if (block.optional('old_impl') === true) throw unsupported('old_impl', 'networks of the first PyTorch version');
  const compressed = block.optional('compress') === true;
  return {
    ...environment(block, compressed),
    embeddings: networks(block.object('filter_layers')),
    ...(compressed ? { compress: tables(block) } : {}),
  };
}

/** `fixed` are options that the class of a descriptor does not store because it has only one choice. */
function attention(descriptor: TorchObject, fixed: readonly string[] = []): Tree {
  const block = descriptor.object('se_atten');
  const embedding = descriptor.object('type_embedding').object('embedding');
  const compressed = block.optional('geo_compress') === true;
  const { neuron } = block.options(['neuron']);
  const tree: Tree = {
    ...environment(block, compressed),
    ntypes: block.plain('ntypes'),
    type_one_side: block.plain('type_one_side'),
    axis_neuron: block.plain('axis_neuron'),
    attn_layer: block.plain('attn_layer'),
    tebd_dim: block.plain('tebd_dim'),
    tebd_input_mode: block.plain('tebd_input_mode'),
    smooth_type_embedding: block.plain('smooth'),
    ...block.options(['attn_dotr', 'scaling_factor', 'normalize', 'temperature', 'trainable_ln', 'ln_eps', 'lmax']),
    attn: block.optional('attn_dim') ?? 0,
    attn_mask: false,
    concat_output_tebd: descriptor.plain('concat_output_tebd'),
    use_econf_tebd: descriptor.optional('use_econf_tebd') ?? false,
    use_tebd_bias: descriptor.optional('use_tebd_bias') ?? false,
    type_embedding: {
      '@class': 'TypeEmbedNet',
      '@version': 2,
      ...embedding.options(['ntypes', 'neuron', 'resnet_dt', 'precision', 'activation_function', 'padding', 'type_map']),
      use_econf_tebd: embedding.optional('use_econf_tebd') ?? false,
      use_tebd_bias: embedding.optional('use_tebd_bias') ?? false,
      trainable: true,
      embedding: embedding.object('embedding_net').once(network),
    },
    embeddings: networks(block.object('filter_layers')),
    ...(block.has('filter_layers_strip') ? { embeddings_strip: networks(block.object('filter_layers_strip')) } : {}),
    // None of them, in the form of those that are some.
    attention_layers: {
      '@class': 'NeighborGatedAttention',
      '@version': 1,
      layer_num: 0,
      nnei: block.optional('nnei'),
      embed_dim: Array.isArray(neuron) ? neuron.at(-1) : null,
      hidden_dim: block.optional('attn_dim'),
      dotr: block.optional('attn_dotr'),
      do_mask: false,
      ...block.options(['scaling_factor', 'normalize', 'trainable_ln', 'ln_eps', 'precision']),
      temperature: block.optional('temperature'),
      attention_layers: [],
    },
    ...(compressed ? { compress: attentionTables(block) } : {}),
  };
  return Object.fromEntries(Object.entries(tree).filter(([key]) => !fixed.includes(key)));
}

function attentionTables(block: TorchObject): Tree {
  const { '@variables': variables } = tables(block) as { '@variables': Tree };
  const type_embd_data = block.optionalTensor('type_embd_data');
  return { geo_compress: true, '@variables': { ...variables, ...(type_embd_data ? { type_embd_data } : {}) } };
}

/** Parameters lists in the order of native models; a part that is not there is an empty tensor. */
function tables(block: TorchObject): Tree {
  const list = (key: string) => block.object(key).tensors();
  return { '@variables': { compress_data: list('compress_data'), compress_info: list('compress_info') } };
}
