/** Frozen graphs whose nets know the types by an embedding: se_e2_a with type embedding and se_atten (deep-potential.md 1.13, 1.14). */
import type { Descriptor, Network } from '../deep-potential-parameters.js';
import { foldTypeEmbedding, requireCapacity } from './assemble.js';
import { evaluateNetwork } from './evaluate-network.js';
import { activationOf, type GraphModel, type GraphPart, layerCount, networkNames, readNetwork } from './graph-networks.js';
import { readStrippedTable } from './graph-tables.js';
import { requireFinite, unsupported, wrongShape } from './refusal.js';
import { isSet, section } from './training-script.js';

export interface TypeEmbedding {
  /** te_t of every type, [T, k]. */
  readonly rows: Float64Array;
  /** The net that makes them; null where the graph holds only what it makes. */
  readonly net: Network | null;
}

/** null where the model has none. */
export function readTypeEmbedding(model: GraphModel): TypeEmbedding | null {
  const { graph, script, ntypes } = model;
  const pattern = /^type_embed_net(\w*)\/matrix_(\d+)$/;
  let found = 0;
  let scope = 'type_embed_net';
  for (const name of graph.nodes.keys()) {
    const match = pattern.exec(name);
    if (!match) continue;
    found = Math.max(found, Number(match[2]));
    scope = `type_embed_net${match[1]}`;
  }
  const settings = section(script, 'model', 'type_embedding');
  if (isSet(settings.use_econf_tebd))
    throw unsupported('use_econf_tebd', 'electron configurations as input of the type embedding');
  if (found === 0) {
    const stored = graph.tensor('t_typeebd');
    if (!stored) return null;
    const [count = 0, width = 0] = stored.shape;
    // A row of zeros for "no atom" may follow.
    if (stored.shape.length !== 2 || (count !== ntypes && count !== ntypes + 1) || width === 0)
      throw wrongShape('tensor "t_typeebd"', `a matrix of ${ntypes} rows, one a type`, `shape [${stored.shape.join(', ')}]`);
    return { rows: requireFinite(stored.values.slice(0, ntypes * width), 'tensor "t_typeebd"'), net: null };
  }
  const layers = layerCount(found, settings, `${scope}/matrix_1`);
  const activation = activationOf(model, settings, 'model.type_embedding', new RegExp(`^${scope}/`), { name: 'linear' });
  const names = networkNames(scope, '', 'of the type embedding');
  const net = readNetwork(model, names, layers, ntypes, activation, settings.resnet_dt === true, true);
  const width = net.layers.at(-1)!.outputs;
  requireCapacity(ntypes * width, 'type embedding');
  const rows = new Float64Array(ntypes * width);
  for (let t = 0; t < ntypes; t++) {
    const hot = new Float64Array(ntypes);
    hot[t] = 1;
    rows.set(evaluateNetwork(net, hot), t * width);
  }
  return { rows: requireFinite(rows, 'type embedding'), net };
}

type Nets = Pick<Descriptor, 'label' | 'oneSided' | 'width' | 'nets' | 'netOf' | 'padNetOf' | 'tables' | 'tableOf' | 'strip'>;

/** Whether the nets of this part take the types as input: their tensors carry no numbers of types. */
export function knowsTypes({ model, suffix, mixed }: GraphPart): boolean {
  const scope = `filter_type_all${suffix}`;
  return (
    mixed ||
    model.graph.has(`${scope}/matrix_1`) ||
    [...model.graph.nodes.values()].some((node) => node.op === 'TabulateFusionSeAtten' && node.name.startsWith(`${scope}/`))
  );
}

/** Nets of one part; `raw` gathers them as the file has them. */
export function readTypedNets(part: GraphPart, embedding: TypeEmbedding, excluded: Uint8Array, raw: Network[]): Nets {
  const { model, suffix, settings, mixed } = part;
  const { graph, ntypes } = model;
  const scope = `filter_type_all${suffix}`;
  const label = mixed ? 'se_atten' : 'se_e2_a with type embedding';
  const groups = mixed ? 1 : ntypes;
  const silent = (pads: Int32Array) => pads.map((net, at) => (!mixed && excluded[at] === 2 ? -1 : net));

  const count = (after: string) => {
    const pattern = new RegExp(`^${scope}/matrix_(\\d+)${after}$`);
    return Math.max(0, ...[...graph.nodes.keys()].map((name) => Number(pattern.exec(name)?.[1] ?? 0)));
  };
  const fusion = graph.operations('TabulateFusionSeAtten').filter((node) => node.name.startsWith(`${scope}/`));
  const side = graph.has(`${scope}/matrix_1_two_side_ebd`)
    ? '_two_side_ebd'
    : graph.has(`${scope}/matrix_1_one_side_ebd`)
      ? '_one_side_ebd'
      : null;
  if (fusion.length === 0 && side === null) {
    const activation = activationOf(model, settings, 'model.descriptor', new RegExp(`^${scope}/`));
    const names = networkNames(scope, '', 'of s and the types');
    const layers = layerCount(count(''), settings, `${scope}/matrix_1`);
    const net = readNetwork(model, names, layers, null, activation, settings.resnet_dt === true);
    raw.push(net);
    const k = embedding.rows.length / ntypes;
    const inputs = net.layers[0]!.inputs;
    if (inputs !== 1 + k && inputs !== 1 + 2 * k)
      throw wrongShape(
        `tensor "${scope}/matrix_1"`,
        `${1 + k} or ${1 + 2 * k} rows (s and type embeddings of ${k})`,
        String(inputs),
      );
    const oneSided = inputs === 1 + k;
    const pad = mixed ? new Float64Array(k) : null;
    const folded = foldTypeEmbedding(net, embedding.rows, ntypes, oneSided, pad, `embedding net ${scope}`);
    return {
      label,
      oneSided,
      width: net.layers.at(-1)!.outputs,
      ...folded,
      padNetOf: silent(folded.padNetOf),
      tables: null,
      tableOf: null,
      strip: null,
    };
  }

  // strip mode
  const smooth = smoothing(part, excluded);
  const pairs = new Int32Array(ntypes * ntypes);
  const pads = silent(new Int32Array(ntypes * groups));
  if (fusion.length > 0) {
    if (fusion.length > 1) throw wrongShape(`scope "${scope}"`, 'one operation TabulateFusionSeAtten', String(fusion.length));
    const { table, width, factors, oneSided } = readStrippedTable(part, fusion[0]!);
    return {
      label: `${label}, strip`,
      oneSided,
      width,
      nets: [],
      netOf: new Int32Array(ntypes * ntypes).fill(-1),
      padNetOf: pads,
      tables: [table],
      tableOf: pairs,
      strip: { ...factorsOf(factors, ntypes, groups, width), smoothing: smooth },
    };
  }
  const activation = activationOf(model, settings, 'model.descriptor', new RegExp(`^${scope}/`));
  const resnetDt = settings.resnet_dt === true;
  const read = (after: string, inputs: number, meaning: string) =>
    readNetwork(
      model,
      networkNames(scope, after, meaning),
      layerCount(count(after), settings, `${scope}/matrix_1${after}`),
      inputs,
      activation,
      resnetDt,
    );
  const net = read('', 1, 'of s');
  const oneSided = side === '_one_side_ebd';
  const k = embedding.rows.length / ntypes;
  const strip = read(side!, oneSided ? k : 2 * k, 'of the types');
  raw.push(net, strip);
  const width = net.layers.at(-1)!.outputs;
  if (strip.layers.at(-1)!.outputs !== width)
    throw wrongShape(`net ${scope}/matrix_k${side}`, `${width} outputs like the net of s`, `${strip.layers.at(-1)!.outputs}`);
  requireCapacity((ntypes + 1) * ntypes * width, `net ${scope}/matrix_k${side}, its values for all pairs of types`);
  // The row of "no atom" is zero.
  const row = (t: number) => (t < ntypes ? embedding.rows.subarray(t * k, t * k + k) : new Float64Array(k));
  const known = new Map<number, Float64Array>();
  const factors = (neighbour: number, centre: number) => {
    const key = oneSided ? neighbour : centre * (ntypes + 1) + neighbour;
    let value = known.get(key);
    if (!value) {
      // The neighbour first.
      const input = oneSided ? row(neighbour) : Float64Array.of(...row(neighbour), ...row(centre));
      value = requireFinite(evaluateNetwork(strip, input), `net ${scope}/matrix_k${side}`);
      known.set(key, value);
    }
    return value;
  };
  return {
    label: `${label}, strip`,
    oneSided,
    width,
    nets: [net],
    netOf: pairs,
    padNetOf: pads,
    tables: null,
    tableOf: null,
    strip: { ...factorsOf(factors, ntypes, groups, width), smoothing: smooth },
  };
}

/** tt of all pairs, and of empty slots: their type is "no atom", index T, in every strip mode of graphs. */
function factorsOf(factors: (neighbour: number, centre: number) => Float64Array, ntypes: number, groups: number, width: number) {
  const all = new Float64Array(ntypes * ntypes * width);
  const pads = new Float64Array(ntypes * groups * width);
  for (let centre = 0; centre < ntypes; centre++) {
    for (let neighbour = 0; neighbour < ntypes; neighbour++)
      all.set(factors(neighbour, centre), (centre * ntypes + neighbour) * width);
    for (let group = 0; group < groups; group++) pads.set(factors(ntypes, centre), (centre * groups + group) * width);
  }
  return { factors: all, padFactors: pads };
}

/** Only se_atten is ever smoothed; se_atten_v2 always. */
function smoothing({ model, mixed, settings }: GraphPart, excluded: Uint8Array): 'one' | 'cubic' {
  if (!mixed) return 'one';
  if (model.script === null)
    throw unsupported(
      'smooth_type_embedding unknown',
      'the strip mode of se_atten may be smoothed and the graph holds no training input that tells',
      'freeze the model again with a version that stores its training input',
    );
  const smooth = isSet(settings.smooth_type_embedding ?? settings.type === 'se_atten_v2');
  if (smooth && excluded.some((code) => code !== 0))
    throw unsupported('exclude_types', 'excluded pairs together with a smoothed type embedding of se_atten');
  return smooth ? 'cubic' : 'one';
}
