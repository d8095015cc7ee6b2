/** Kinds of frozen graphs that are not evaluated, each refused by its name (deep-potential.md 2.7). */
import type { Graph } from './graph.js';
import { unsupported } from './refusal.js';
import { isObject, isSet, type Json, section } from './training-script.js';

/** Operations that give a kind away. */
const operations: readonly [pattern: RegExp, word: string, why: string][] = [
  [/nvnmd/i, 'nvnmd', 'a quantised model for special hardware'],
  [/^DprcPairwiseIdx$/, 'pairwise_dprc', 'a pairwise range correction on top of another calculation'],
  [/^DescrptSeAMask$/, 'se_a_mask', 'a descriptor of masked atoms'],
  [/^DescrptSeAEf/, 'se_a_ef', 'a descriptor in an electric field'],
  [/^Descrpt$/, 'loc_frame', 'local-frame descriptors'],
  [/^TabulateFusionSeT/, 'se_e3', 'three-body embedding'],
];

const nodes: readonly [pattern: RegExp, word: string, why: string][] = [
  [/^spin_attr\//, 'spin', 'spins are degrees of freedom of their own'],
  [/(^|\/)attention_layer_/, 'attention', 'se_atten (dpa1) with attention layers'],
  [/^share_.*_type_|^share_/, 'layer_name', 'fitting layers shared by name'],
  [/^filter_type_all(_\d+)?\/matrix_\d+_\d+_\d+$/, 'se_e3', 'three-body embedding'],
];

export function refuseGraph(graph: Graph, script: Json | null): void {
  // A node count of zero is a text that happens to begin like a graph; the format is not known then.
  const kind = graph.string('model_attr/model_type');
  if (kind !== undefined && kind !== 'ener')
    throw unsupported(kind, `model_attr/model_type is "${kind}", an energy model ("ener") is needed`);

  const modifier = [...graph.nodes.keys()].find((name) => name.startsWith('modifier_attr/'));
  if (modifier) {
    const type = graph.string('modifier_attr/type') ?? 'modifier';
    throw unsupported(type, 'a long-range modifier (dplr) that needs a second model and an Ewald sum');
  }
  const names = [...graph.nodes.keys()].filter((name) => !name.startsWith('gradients/'));
  for (const [pattern, word, why] of nodes.slice(0, 3)) {
    if (names.some((name) => pattern.test(name))) throw unsupported(word, why);
  }
  const groups = new Set(names.map((name) => /^(fitting_attr_[^/]+)\//.exec(name)?.[1]).filter(Boolean));
  if (groups.size > 0 || isSet(section(script, 'model').fitting_net_dict))
    throw unsupported('multi-task', 'several fitting nets in one file', 'freeze one task (head) alone');

  const ops = new Set([...graph.nodes.values()].filter((node) => !node.name.startsWith('gradients/')).map((node) => node.op));
  const found = [...ops];
  for (const [pattern, word, why] of operations) {
    if (found.some((op) => pattern.test(op))) throw unsupported(word, why);
  }
  for (const [pattern, word, why] of nodes.slice(3)) {
    if (names.some((name) => pattern.test(name))) throw unsupported(word, why);
  }
  const version = graph.string('model_attr/model_version');
  if (version !== undefined) {
    const match = /^(\d+)\.(\d+)$/.exec(version.trim());
    if (!match || Number(match[1]) !== 1 || Number(match[2]) > 1) {
      throw unsupported(
        'model_version',
        `model_attr/model_version is "${version}"; 1.0 and 1.1 are known`,
        'update ionclay, or convert the model with the program that made it',
      );
    }
  }
  refuseScript(script);
}

/** What only the training input tells. */
function refuseScript(script: Json | null): void {
  const model = section(script, 'model');
  const type = model.type;
  if (typeof type === 'string' && type !== 'standard' && type !== 'ener')
    throw unsupported(type, `the model type of its training input is "${type}"`);
  if (isSet(model.spin)) throw unsupported('spin', 'spins are degrees of freedom of their own');
  if (isSet(model.pair_exclude_types))
    throw unsupported('pair_exclude_types', 'pairs excluded for the whole model are not defined for graphs');
  if (isSet(model.atom_exclude_types))
    throw unsupported('atom_exclude_types', 'atoms excluded for the whole model are not defined for graphs');
  const descriptor = section(model, 'descriptor');
  if (descriptor.type === 'hybrid') {
    for (const part of Array.isArray(descriptor.list) ? descriptor.list : []) refuseDescriptor(isObject(part) ? part : {});
  } else refuseDescriptor(descriptor);
  const fitting = section(model, 'fitting_net');
  if (typeof fitting.type === 'string' && fitting.type !== 'ener')
    throw unsupported(fitting.type, `the fitting net of its training input is "${fitting.type}"`);
  for (const key of ['use_aparam_as_mask', 'tot_ener_zero', 'layer_name']) {
    if (isSet(fitting[key])) throw unsupported(key, `fitting_net.${key} of its training input is set`);
  }
}

const descriptors = ['se_e2_a', 'se_a', 'se_e2_r', 'se_r', 'se_atten', 'se_atten_v2', 'dpa1'];

function refuseDescriptor(descriptor: Json): void {
  const { type } = descriptor;
  if (typeof type === 'string' && !descriptors.includes(type))
    throw unsupported(type, `the descriptor of its training input is "${type}"`);
  if (isSet(descriptor.env_protection)) throw unsupported('env_protection', 'a shifted distance is not defined for graphs');
  if (typeof descriptor.attn_layer === 'number' && descriptor.attn_layer > 0)
    throw unsupported('attention', 'se_atten (dpa1) with attention layers');
}
