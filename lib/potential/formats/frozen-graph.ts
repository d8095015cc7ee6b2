/** TensorFlow frozen graphs (`.pb`, plain and compressed, of versions 0.12 to 3.x) to parameters (deep-potential.md 2.2, 2.3). */
import { PotentialError } from '../../errors.js';
import type { DeepPotentialParameters, Descriptor } from '../deep-potential-parameters.js';
import { countParameters, groupedNets, markPairs, reduceStatistics } from './assemble.js';
import { floatAttribute, Graph, type GraphNode, integerListAttribute } from './graph.js';
import { embeddingScope, type GraphModel, readEmbedding, readFitting } from './graph-networks.js';
import { refuseGraph } from './graph-refusals.js';
import { readTables } from './graph-tables.js';
import { requireCount, requireFinite, unsupported, wrongShape } from './refusal.js';
import { type Json, parseTrainingScript, section } from './training-script.js';

const environmentOps = ['ProdEnvMatA', 'DescrptSeA', 'DescrptNorot'];

export function parseFrozenGraph(bytes: Uint8Array): DeepPotentialParameters {
  const graph = new Graph(bytes);
  const script = parseTrainingScript(graph.string('train_attr/training_script'));
  refuseGraph(graph, script);
  const environment = environmentOperation(graph);
  const version = guessVersion(graph, environment);

  const typeNames = (graph.string('model_attr/tmap') ?? '').split(/\s+/).filter(Boolean);
  const ntypes = requireCount(
    graph.number('descrpt_attr/ntypes') ?? graph.number('t_ntypes'),
    'number of types (descrpt_attr/ntypes)',
    1,
    512,
  );
  if (typeNames.length > 0 && typeNames.length !== ntypes) {
    throw wrongShape('type names (model_attr/tmap)', `${ntypes} names`, `${typeNames.length}: ${typeNames.join(' ')}`);
  }
  const { cutoff, cutoffSmooth, switchWidth } = cutoffs(environment);
  const sel = slotsOf(graph, environment, ntypes);
  const slots = sel.reduce((sum, n) => sum + n, 0);
  const original = graph.tensor('descrpt_attr/original_sel');
  const divisor = original ? original.values.reduce((sum, n) => sum + n, 0) : slots;
  if (!(slots > 0 && divisor > 0 && Number.isFinite(divisor))) throw wrongShape('sel', 'at least one slot', `${sel.join(' ')}`);

  const davg = statistics(graph, environment, 5, 't_avg');
  const dstd = statistics(graph, environment, 6, 't_std');

  const scope = embeddingScope(graph);
  const kinds = new Set<string>();
  const model: GraphModel = { graph, script, ntypes, typeNames, sel, kinds };
  const exclusions = section(script, 'model', 'descriptor').exclude_types;
  const excluded = markPairs(exclusions, ntypes, 2, 'model.descriptor.exclude_types of the training input');
  if (scope.oneSided && script === null) refuseUnknownExclusion(graph);

  const compressed =
    graph.string('model_type') === 'compressed_model' || graph.operations('TabulateFusionSeA', 'TabulateFusion').length > 0;
  const compression = compressed ? readTables(model, scope, excluded) : null;
  const embedding = compression ? compression.tables.map(() => null) : readEmbedding(model, scope, excluded);
  const nets = embedding.filter((net) => net !== null);
  const width = compression ? compression.width : (nets[0]?.layers.at(-1)?.outputs ?? 0);
  if (width === 0) throw wrongShape('embedding', 'at least one pair of types that is not excluded', 'none');
  for (const net of nets)
    if (net.layers.at(-1)!.outputs !== width)
      throw wrongShape('embedding nets', `all of width ${width}`, `${net.layers.at(-1)!.outputs}`);

  const fitting = readFitting(model, null);
  const inputs = fitting[0]!.layers[0]!.inputs;
  const axis = inputs / width;
  if (!Number.isInteger(axis) || axis < 1 || axis > width) {
    throw wrongShape(
      'first fitting matrix (layer_0_type_0/matrix)',
      `a multiple of the embedding width ${width} as rows, at most its square`,
      `${inputs}`,
    );
  }
  if (fitting.some((net) => net.layers[0]!.inputs !== inputs))
    throw wrongShape('fitting nets', `${inputs} inputs for every type`, 'another number');
  const axisNeuron = section(script, 'model', 'descriptor').axis_neuron ?? section(script, 'model', 'descriptor').n_axis_neuron;
  if (typeof axisNeuron === 'number' && axisNeuron !== axis)
    throw wrongShape(
      'first fitting matrix',
      `${axisNeuron * width} rows (axis_neuron ${axisNeuron} x width ${width})`,
      `${inputs}`,
    );

  const descriptor: Descriptor = {
    kind: 'se_e2_a',
    label: 'se_e2_a',
    cutoff,
    cutoffSmooth,
    switchWidth,
    envProtection: 0,
    mixed: false,
    sel,
    slots: divisor,
    ...reduceStatistics(davg, dstd, ntypes, slots),
    width,
    axis,
    oneSided: scope.oneSided,
    ...groupedNets('se_e2_a', ntypes, scope.oneSided, embedding, compression?.tables ?? null, excluded),
    excluded,
    strip: null,
    constants: null,
  };
  return {
    format: 'pb',
    version,
    family: 'graph',
    typeNames,
    ntypes,
    cutoff,
    descriptors: [descriptor],
    pairExcluded: new Uint8Array(ntypes * ntypes),
    atomExcluded: new Uint8Array(ntypes),
    fittingExcluded: new Uint8Array(ntypes),
    fitting,
    typeConstants: null,
    frameParameters: null,
    atomParameters: null,
    caseConstants: null,
    subtractVacuum: vacuumTypes(script, ntypes),
    atomBias: perType(graph, ['fitting_attr/t_bias_atom_e'], ntypes, 0),
    // The newest versions nest the scope of these two.
    outStd: perType(graph, ['model_attr/t_out_std', 'model_attr/model_attr/t_out_std'], ntypes, 1),
    outBias: perType(graph, ['model_attr/t_out_bias', 'model_attr/model_attr/t_out_bias'], ntypes, 0),
    pairTable: null,
    precision: kinds.size === 1 ? [...kinds][0]! : `mixed (${[...kinds].sort().join(', ')})`,
    parameterCount: countParameters(embedding, fitting),
    trainingScript: script,
    minNeighbourDistance: positive(graph.tensor('train_attr/min_nbor_dist')?.values[0]),
    storedTables: null,
  };
}

function positive(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) && value > 0 ? value : null;
}

function environmentOperation(graph: Graph): GraphNode {
  const found = graph.operations(...environmentOps);
  if (found.length === 1) return found[0]!;
  if (found.length > 1)
    throw unsupported('hybrid', `${found.length} environment operations (${found.map((node) => node.name).join(', ')})`);
  throw new PotentialError(
    graph.nodes.size > 0 ? 'MODEL_MISSING_TENSOR' : 'MODEL_FORMAT_UNKNOWN',
    `the graph has no environment operation (${environmentOps.join(', ')}); it has ${graph.nodes.size} nodes`,
    { hint: 'this is not a frozen Deep Potential, or the file is damaged', tensor: 'ProdEnvMatA' },
  );
}

/** Attributes of the operation are float32, and so is the denominator of the switch (1.3). */
function cutoffs(node: GraphNode): Pick<Descriptor, 'cutoff' | 'cutoffSmooth' | 'switchWidth'> {
  const cutoff = floatAttribute(node, 'rcut_r');
  const cutoffSmooth = floatAttribute(node, 'rcut_r_smth');
  if (cutoff === undefined || cutoffSmooth === undefined) {
    throw new PotentialError(
      'MODEL_MISSING_TENSOR',
      `operation "${node.name}" has no attribute ${cutoff === undefined ? 'rcut_r' : 'rcut_r_smth'} (cutoff radius)`,
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

function slotsOf(graph: Graph, node: GraphNode, ntypes: number): number[] {
  const attribute = integerListAttribute(node, 'sel_a');
  const tensor = graph.tensor('descrpt_attr/sel');
  const sel = tensor ? [...tensor.values] : attribute;
  if (!sel)
    throw new PotentialError(
      'MODEL_MISSING_TENSOR',
      'the model has no tensor "descrpt_attr/sel" (slots of every neighbour type)',
      { tensor: 'descrpt_attr/sel' },
    );
  if (sel.length !== ntypes) throw wrongShape('sel', `${ntypes} numbers, one a type`, `${sel.length}`);
  for (const n of sel) requireCount(n, 'sel', 0, 1_000_000);
  if (attribute && attribute.join() !== sel.join())
    throw wrongShape('descrpt_attr/sel', `the sel_a of operation "${node.name}" (${attribute.join(' ')})`, sel.join(' '));
  return sel;
}

/** The operation's own input, else the usual name. */
function statistics(graph: Graph, node: GraphNode, input: number, name: string): Float64Array {
  for (const reference of [node.inputs[input], `descrpt_attr/${name}`, name]) {
    const tensor = reference === undefined ? undefined : graph.tensor(reference);
    if (tensor) return tensor.values;
  }
  throw new PotentialError(
    'MODEL_MISSING_TENSOR',
    `the model has no tensor "descrpt_attr/${name}" (${name === 't_avg' ? 'mean' : 'standard deviation'} of the environment rows)`,
    {
      hint: 'the file is damaged or was edited; freeze the model again',
      tensor: `descrpt_attr/${name}`,
    },
  );
}

function perType(graph: Graph, names: readonly string[], ntypes: number, absent: number): Float64Array {
  for (const name of names) {
    const tensor = graph.tensor(name);
    if (!tensor) continue;
    if (tensor.values.length !== ntypes)
      throw wrongShape(`tensor "${name}"`, `${ntypes} values, one a type`, `shape [${tensor.shape.join(', ')}]`);
    return requireFinite(tensor.values, `tensor "${name}"`);
  }
  return new Float64Array(ntypes).fill(absent);
}

/** Types with an assigned vacuum energy: only those that the list names (1.8). */
function vacuumTypes(script: Json | null, ntypes: number): Uint8Array {
  const out = new Uint8Array(ntypes);
  const list = section(script, 'model', 'fitting_net').atom_ener;
  if (Array.isArray(list))
    for (let t = 0; t < Math.min(ntypes, list.length); t++) out[t] = list[t] !== null && list[t] !== undefined ? 1 : 0;
  return out;
}

/** A one-sided graph masks excluded pairs by a product between the environment and its slices; which pairs, only the training input tells. */
function refuseUnknownExclusion(graph: Graph): void {
  for (const slice of graph.operations('Slice')) {
    if (!slice.name.startsWith('filter_type_all')) continue;
    let at: GraphNode | undefined = slice;
    for (let hops = 0; hops < 16 && at; hops++) {
      const input: string | undefined = at.inputs[0];
      at = input === undefined ? undefined : graph.nodes.get(input.replace(/:\d+$/, ''));
      if (at?.op === 'Mul') {
        throw unsupported(
          'exclude_types unknown',
          'pairs of types are masked and the graph holds no training input that names them',
          'freeze the model again with a version that stores its training input',
        );
      }
    }
  }
}

function guessVersion(graph: Graph, environment: GraphNode): string {
  if (environment.op === 'DescrptNorot') return 'graph of 0.12';
  const version = graph.string('model_attr/model_version')?.trim();
  if (version === '1.1') return 'graph 1.1 (2.1 to 3.x)';
  if (version === '1.0') return 'graph 1.0 (2.0)';
  if (graph.has('fitting_attr/dfparam') && !graph.has('fitting_attr/daparam')) return 'graph of 1.0';
  return environment.attributes.has('T') ? 'graph of 1.3' : 'graph of 1.2';
}
