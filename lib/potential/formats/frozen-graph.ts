/** TensorFlow frozen graphs (`.pb`, plain and compressed, of versions 0.12 to 3.x) to parameters (deep-potential.md 2.2, 2.3). */
import type { DeepPotentialParameters, Descriptor, Network } from '../deep-potential-parameters.js';
import { countParameters, descriptorWidth, fittingExtras, groupedNets, markPairs } from './assemble.js';
import { Graph } from './graph.js';
import { cutoffs, divisorOf, graphParts, refuseUnknownExclusion, statisticsOf } from './graph-environment.js';
import { readBiases, readFitting, readParameters, vacuumTypes } from './graph-fitting.js';
import { embeddingScope, type GraphModel, type GraphPart, readEmbedding } from './graph-networks.js';
import { readPairTable } from './graph-pair-table.js';
import { refuseGraph } from './graph-refusals.js';
import { isCompressed, readTables } from './graph-tables.js';
import { knowsTypes, readTypedNets, readTypeEmbedding, type TypeEmbedding } from './graph-types.js';
import { requireCount, unsupported, wrongShape } from './refusal.js';
import { parseTrainingScript, section } from './training-script.js';

export function parseFrozenGraph(bytes: Uint8Array): DeepPotentialParameters {
  const graph = new Graph(bytes);
  const script = parseTrainingScript(graph.string('train_attr/training_script'));
  refuseGraph(graph, script);
  const named = (graph.string('model_attr/tmap') ?? '').split(/\s+/).filter(Boolean);
  // Some versions left the node empty although the training input names the types.
  const typeNames = named.length > 0 ? named : texts(section(script, 'model').type_map);
  const ntypes = requireCount(
    graph.number('descrpt_attr/ntypes') ?? graph.number('t_ntypes'),
    'number of types (descrpt_attr/ntypes)',
    1,
    512,
  );
  if (typeNames.length > 0 && typeNames.length !== ntypes) {
    throw wrongShape('type names (model_attr/tmap)', `${ntypes} names`, `${typeNames.length}: ${typeNames.join(' ')}`);
  }
  const model: GraphModel = { graph, script, ntypes, typeNames, kinds: new Set() };
  const parts = graphParts(model);
  const embedding = readTypeEmbedding(model);
  const raw: Network[] = [];
  const drafts = parts.map((part) => readDescriptor(part, embedding, raw));

  const fitting = readFitting(model);
  if (embedding && !fitting.shared)
    throw unsupported('type embedding', 'it comes together with a fitting net for every type', 'freeze the model again');
  const typeConstants = embedding?.rows ?? null;
  const frameParameters = readParameters(model, 'f');
  const atomParameters = readParameters(model, 'a');
  const extras = fittingExtras(typeConstants, ntypes, frameParameters, atomParameters, null);
  const inputs = fitting.nets[0]!.layers[0]!.inputs;
  if (fitting.nets.some((net) => net.layers[0]!.inputs !== inputs))
    throw wrongShape('fitting nets', `${inputs} inputs for every type`, 'another number');
  const descriptors = withAxes(parts, drafts, inputs, extras, ntypes, fitting.shared);
  const cutoff = Math.max(...descriptors.map((d) => d.cutoff));
  const pairTable = readPairTable(model, descriptors[0]!.cutoff);
  if (pairTable && descriptors.length > 1)
    throw unsupported('pairtab', 'a pair table beside a hybrid descriptor: whose neighbours it sees is not defined');

  return {
    format: 'pb',
    version: guessVersion(graph, parts[0]!),
    family: 'graph',
    typeNames,
    ntypes,
    cutoff,
    descriptors,
    pairExcluded: new Uint8Array(ntypes * ntypes),
    atomExcluded: new Uint8Array(ntypes),
    fittingExcluded: new Uint8Array(ntypes),
    fitting: fitting.nets,
    typeConstants,
    frameParameters,
    atomParameters,
    caseConstants: null,
    subtractVacuum: vacuumTypes(model, fitting.shared),
    ...readBiases(model),
    pairTable,
    precision: precisionOf(model.kinds),
    parameterCount: countParameters(raw, embedding?.net ? [embedding.net] : [], fitting.nets),
    trainingScript: script,
    minNeighbourDistance: positive(graph.tensor('train_attr/min_nbor_dist')?.values[0]),
    storedTables: null,
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string') ? value : [];
}

function precisionOf(kinds: ReadonlySet<string>): string {
  return kinds.size === 1 ? [...kinds][0]! : `mixed (${[...kinds].sort().join(', ')})`;
}

/** A descriptor without its axis, which only the fitting net tells in old files. */
type Draft = Omit<Descriptor, 'axis'>;

function readDescriptor(part: GraphPart, embedding: TypeEmbedding | null, raw: Network[]): Draft {
  const { model, kind, mixed, sel, settings } = part;
  const { ntypes } = model;
  const excluded = markPairs(
    settings.exclude_types,
    ntypes,
    mixed ? 1 : 2,
    'model.descriptor.exclude_types of the training input',
  );
  const common = {
    kind,
    ...cutoffs(part),
    envProtection: 0,
    mixed,
    sel,
    slots: divisorOf(part),
    ...statisticsOf(part),
    excluded,
    constants: null,
  };
  if (kind === 'se_e2_a' && knowsTypes(part)) {
    if (!embedding)
      throw wrongShape(`operation "${part.node.name}"`, 'a type embedding (type_embed_net/matrix_1) for its nets', 'none');
    if (model.script === null) refuseUnknownExclusion(part);
    const nets = readTypedNets(part, embedding, excluded, raw);
    if (nets.strip?.smoothing === 'cubic' && common.perSlotStatistics)
      throw unsupported('smooth_type_embedding', 'statistics of the environment rows that differ from slot to slot');
    return { ...common, ...nets };
  }
  const scope = embeddingScope(part);
  if (scope.oneSided && model.script === null) refuseUnknownExclusion(part);
  const compression = isCompressed(part, scope) ? readTables(part, scope, excluded) : null;
  const nets = compression ? compression.tables.map(() => null) : readEmbedding(part, scope, excluded);
  const present = nets.filter((net) => net !== null);
  const width = compression ? compression.width : (present[0]?.layers.at(-1)?.outputs ?? 0);
  if (width === 0) throw wrongShape('embedding', 'at least one pair of types that is not excluded', 'none');
  for (const net of present)
    if (net.layers.at(-1)!.outputs !== width)
      throw wrongShape('embedding nets', `all of width ${width}`, `${net.layers.at(-1)!.outputs}`);
  raw.push(...present);
  return {
    ...common,
    label: kind,
    width,
    oneSided: scope.oneSided,
    ...groupedNets(kind, ntypes, scope.oneSided, nets, compression?.tables ?? null, excluded),
    strip: null,
  };
}

/**
 * M2 of every se_e2_a part: from the training input, else from the inputs of the fitting net where one part alone has an axis. Either way
 * the inputs of the fitting net must be what the parts give.
 */
function withAxes(
  parts: readonly GraphPart[],
  drafts: readonly Draft[],
  inputs: number,
  extras: number,
  ntypes: number,
  shared: boolean,
): Descriptor[] {
  const first = `first fitting matrix (${shared ? 'layer_0' : 'layer_0_type_0'}/matrix)`;
  const beside = extras > 0 ? `, and ${extras} further inputs,` : '';
  const stated = parts.map(({ kind, settings }) =>
    kind === 'se_e2_r' ? 0 : (settings.axis_neuron ?? settings.n_axis_neuron ?? null),
  );
  const open = stated.flatMap((axis, k) => (axis === null ? [k] : []));
  if (open.length > 1)
    throw unsupported(
      'hybrid',
      'the axes (axis_neuron) of its descriptors are not known: the graph holds no training input',
      'freeze the model again with a version that stores its training input',
    );
  const descriptors = drafts.map((draft, k): Descriptor => {
    const axis = stated[k];
    if (axis === null || draft.kind === 'se_e2_r') return { ...draft, axis: 0 };
    if (typeof axis !== 'number' || !Number.isInteger(axis) || axis < 1 || axis > draft.width)
      throw wrongShape('axis_neuron of the training input', `an integer from 1 to ${draft.width}`, JSON.stringify(axis));
    return { ...draft, axis };
  });
  const known = descriptorWidth(descriptors, ntypes) + extras;
  const [k] = open;
  if (k === undefined) {
    if (known !== inputs)
      throw wrongShape(
        first,
        `${known} rows (${descriptors.map((d) => (d.kind === 'se_e2_r' ? d.width : `axis_neuron ${d.axis} x width ${d.width}`)).join(' + ')}${beside.replace(/,$/, '')})`,
        `${inputs}`,
      );
    return descriptors;
  }
  const { width } = drafts[k]!;
  const axis = (inputs - known) / width;
  if (!Number.isInteger(axis) || axis < 1 || axis > width) {
    throw wrongShape(
      first,
      `a multiple of the embedding width ${width}${known > 0 ? ` and ${known} more` : ''} as rows, at most its square`,
      `${inputs}`,
    );
  }
  return descriptors.map((d, index) => (index === k ? { ...d, axis } : d));
}

function positive(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) && value > 0 ? value : null;
}

function guessVersion(graph: Graph, { node }: GraphPart): string {
  if (node.op === 'DescrptNorot') return 'graph of 0.12';
  const version = graph.string('model_attr/model_version')?.trim();
  if (version === '1.1') return 'graph 1.1 (2.1 to 3.x)';
  if (version === '1.0') return 'graph 1.0 (2.0)';
  if (graph.has('fitting_attr/dfparam') && !graph.has('fitting_attr/daparam')) return 'graph of 1.0';
  return node.attributes.has('T') ? 'graph of 1.3' : 'graph of 1.2';
}
