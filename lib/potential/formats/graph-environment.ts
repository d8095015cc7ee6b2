/** Environment operations of a frozen graph: one a sub-descriptor, with its cutoffs, slots and statistics (deep-potential.md 1.3, 2.2). */
import { PotentialError } from '../../errors.js';
import type { Descriptor } from '../deep-potential-parameters.js';
import { reduceStatistics } from './assemble.js';
import { floatAttribute, type Graph, type GraphNode, integerListAttribute } from './graph.js';
import type { GraphModel, GraphPart } from './graph-networks.js';
import { requireCount, unsupported, wrongShape } from './refusal.js';
import { isObject, type Json, section } from './training-script.js';

const angular = ['ProdEnvMatA', 'DescrptSeA', 'DescrptNorot'];
const mixed = ['ProdEnvMatAMix'];
const radial = ['ProdEnvMatR', 'DescrptSeR'];

/** More sub-descriptors than any model has. */
const mostParts = 64;

/** All sub-descriptors in the order of the hybrid. */
export function graphParts(model: GraphModel): GraphPart[] {
  const { graph } = model;
  const found = graph.operations(...angular, ...mixed, ...radial);
  if (found.length === 0) {
    throw new PotentialError(
      graph.nodes.size > 0 ? 'MODEL_MISSING_TENSOR' : 'MODEL_FORMAT_UNKNOWN',
      `the graph has no environment operation (${[...angular, ...mixed, ...radial].join(', ')}); it has ${graph.nodes.size} nodes`,
      { hint: 'this is not a frozen Deep Potential, or the file is damaged', tensor: 'ProdEnvMatA' },
    );
  }
  if (found.length > mostParts) throw wrongShape('environment operations', `at most ${mostParts}`, String(found.length));
  const parts = found.map((node) => ({ node, index: indexOf(graph, node) })).sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
  const descriptor = section(model.script, 'model', 'descriptor');
  const list = descriptor.type === 'hybrid' && Array.isArray(descriptor.list) ? (descriptor.list as unknown[]) : null;
  if (list && list.length !== found.length)
    throw wrongShape(
      'environment operations',
      `${list.length}, one for each descriptor of the hybrid in the training input`,
      found.map((node) => node.name).join(', '),
    );
  return parts.map(({ node, index }, k) => {
    if (found.length > 1 && index !== k)
      throw wrongShape(
        `operation "${node.name}"`,
        `statistics descrpt_attr_${k}/t_avg, those of descriptor ${k} of the hybrid`,
        node.inputs[5] ?? 'none',
      );
    const settings = list ? list[k] : descriptor;
    const isMixed = mixed.includes(node.op);
    const kind = radial.includes(node.op) ? 'se_e2_r' : 'se_e2_a';
    const suffix = index === null ? '' : `_${index}`;
    const own: Json = isObject(settings) ? settings : {};
    const sel = slotsOf(graph, node, suffix, isMixed ? null : model.ntypes, kind === 'se_e2_r' ? 'sel' : 'sel_a');
    return { model, node, kind, mixed: isMixed, suffix, settings: own, sel };
  });
}

/** k of `descrpt_attr_k/t_avg`, the operation's own statistics; null without a number. */
function indexOf(graph: Graph, node: GraphNode): number | null {
  const name = graph.constantOf(node.inputs[5] ?? '')?.name ?? '';
  const match = /^descrpt_attr([^/]*)\//.exec(name);
  if (!match || match[1] === '') return null;
  const index = /^_(\d{1,3})$/.exec(match[1]!);
  if (!index) throw unsupported('hybrid', `a descriptor made of descriptors of descriptors, or with a name of its own (${name})`);
  return Number(index[1]);
}

/** Attributes of the operation are float32, and so is the denominator of the switch (1.3). */
export function cutoffs({ node, kind }: GraphPart): Pick<Descriptor, 'cutoff' | 'cutoffSmooth' | 'switchWidth'> {
  const [far, near] = kind === 'se_e2_r' ? ['rcut', 'rcut_smth'] : ['rcut_r', 'rcut_r_smth'];
  const cutoff = floatAttribute(node, far!);
  const cutoffSmooth = floatAttribute(node, near!);
  if (cutoff === undefined || cutoffSmooth === undefined) {
    throw new PotentialError(
      'MODEL_MISSING_TENSOR',
      `operation "${node.name}" has no attribute ${cutoff === undefined ? far : near} (cutoff radius)`,
      {
        hint: 'the file is damaged; freeze the model again',
        tensor: node.name,
      },
    );
  }
  const local = floatAttribute(node, 'rcut_a') ?? -1;
  if (local >= 0 || (integerListAttribute(node, 'sel_r') ?? []).some((n) => n !== 0))
    throw unsupported('loc_frame', 'local-frame descriptors');
  const switchWidth = Math.fround(Math.fround(cutoff) - Math.fround(cutoffSmooth));
  if (!(cutoff > 0 && cutoffSmooth >= 0 && switchWidth > 0 && Number.isFinite(cutoff))) {
    throw wrongShape(`cutoffs of "${node.name}"`, '0 <= rcut_smth < rcut', `rcut_smth ${cutoffSmooth}, rcut ${cutoff}`);
  }
  return { cutoff, cutoffSmooth, switchWidth };
}

/** `groups`: how many numbers there must be; null for one group, whatever the number of its pieces. */
function slotsOf(graph: Graph, node: GraphNode, suffix: string, groups: number | null, key: string): number[] {
  const attribute = integerListAttribute(node, key);
  const name = `descrpt_attr${suffix}/sel`;
  const tensor = graph.tensor(name);
  const sel = tensor ? [...tensor.values] : attribute;
  if (!sel)
    throw new PotentialError('MODEL_MISSING_TENSOR', `the model has no tensor "${name}" (slots of every neighbour type)`, {
      tensor: name,
    });
  if (groups !== null && sel.length !== groups) throw wrongShape('sel', `${groups} numbers, one a type`, `${sel.length}`);
  for (const n of sel) requireCount(n, 'sel', 0, 1_000_000);
  if (attribute && attribute.join() !== sel.join())
    throw wrongShape(name, `the ${key} of operation "${node.name}" (${attribute.join(' ')})`, sel.join(' '));
  const total = sel.reduce((sum, n) => sum + n, 0);
  if (total === 0) throw wrongShape('sel', 'at least one slot', sel.join(' '));
  return groups === null ? [total] : sel;
}

/** N of 1.7: that of original_sel where the graph has it, except for se_e2_r, whose graph takes the mean over the slots there are. */
export function divisorOf({ model, suffix, sel, kind }: GraphPart): number {
  const slots = sel.reduce((sum, n) => sum + n, 0);
  const original = kind === 'se_e2_a' ? model.graph.tensor(`descrpt_attr${suffix}/original_sel`) : undefined;
  if (!original) return slots;
  const divisor = original.values.reduce((sum, n) => sum + n, 0);
  if (!(divisor > 0 && Number.isFinite(divisor)))
    throw wrongShape(`descrpt_attr${suffix}/original_sel`, 'at least one slot', [...original.values].slice(0, 8).join(' '));
  return divisor;
}

export function statisticsOf(part: GraphPart): Pick<Descriptor, 'perSlotStatistics' | 'davg' | 'dstd'> {
  const { model, sel, kind } = part;
  const slots = sel.reduce((sum, n) => sum + n, 0);
  return reduceStatistics(
    statistics(part, 5, 't_avg'),
    statistics(part, 6, 't_std'),
    model.ntypes,
    slots,
    kind === 'se_e2_r' ? 1 : 4,
  );
}

/** The operation's own input, else the usual name. */
function statistics({ model, node, suffix }: GraphPart, input: number, name: string): Float64Array {
  for (const reference of [node.inputs[input], `descrpt_attr${suffix}/${name}`, name]) {
    const tensor = reference === undefined ? undefined : model.graph.tensor(reference);
    if (tensor) return tensor.values;
  }
  throw new PotentialError(
    'MODEL_MISSING_TENSOR',
    `the model has no tensor "descrpt_attr${suffix}/${name}" (${name === 't_avg' ? 'mean' : 'standard deviation'} of the environment rows)`,
    {
      hint: 'the file is damaged or was edited; freeze the model again',
      tensor: `descrpt_attr${suffix}/${name}`,
    },
  );
}

/**
 * Excluded pairs are masked by a product between the environment and the nets, except by leaving out nets of pairs; which pairs, only the
 * training input tells.
 */
export function refuseUnknownExclusion({ model, node }: GraphPart): void {
  const consumers = new Map<string, GraphNode[]>();
  for (const other of model.graph.operations('Reshape', 'Identity', 'Cast', 'Mul')) {
    for (const input of other.inputs) {
      const name = input.replace(/:0$/, '');
      const list = consumers.get(name);
      if (list) list.push(other);
      else consumers.set(name, [other]);
    }
  }
  const waiting = [node.name];
  const seen = new Set(waiting);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    for (const consumer of consumers.get(name) ?? []) {
      if (consumer.op === 'Mul')
        throw unsupported(
          'exclude_types unknown',
          'pairs of types are masked and the graph holds no training input that names them',
          'freeze the model again with a version that stores its training input',
        );
      if (!seen.has(consumer.name)) {
        seen.add(consumer.name);
        waiting.push(consumer.name);
      }
    }
  }
}
