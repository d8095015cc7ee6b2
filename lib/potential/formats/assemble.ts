/** The last part of every model reader: statistics, consistency of the sizes, the finished parameters. */
import type { Descriptor, EmbeddingTable, ExternalParameters, Layer, Network } from '../deep-potential-parameters.js';
import { requireFinite, wrongShape } from './refusal.js';

export function makeLayer(layer: Layer, what: string): Layer {
  if (layer.weights.length !== layer.inputs * layer.outputs) {
    throw wrongShape(`${what}, weights`, `[${layer.inputs}, ${layer.outputs}]`, `${layer.weights.length} values`);
  }
  if (layer.bias.length !== layer.outputs) throw wrongShape(`${what}, bias`, `${layer.outputs} values`, `${layer.bias.length}`);
  if (layer.idt && layer.idt.length !== layer.outputs)
    throw wrongShape(`${what}, idt`, `${layer.outputs} values`, `${layer.idt.length}`);
  requireFinite(layer.weights, `${what}, weights`);
  requireFinite(layer.bias, `${what}, bias`);
  if (layer.idt) requireFinite(layer.idt, `${what}, idt`);
  return layer;
}

/** Checks that each layer takes what the one before gives, and that the net maps `inputs` to `outputs` values. */
export function makeNetwork(layers: readonly Layer[], inputs: number, outputs: number | null, what: string): Network {
  let width = inputs;
  for (const [k, layer] of layers.entries()) {
    if (layer.inputs !== width) throw wrongShape(`${what}, layer ${k}`, `${width} inputs`, `${layer.inputs}`);
    width = layer.outputs;
  }
  if (outputs !== null && width !== outputs) throw wrongShape(what, `${outputs} outputs`, `${width}`);
  return { layers };
}

/**
 * Statistics as [T, 4] where all slots of a centre type agree (they do in every file that training writes), else [T, N, 4].
 * `components` is what the file stores for a slot: 4, or 1 for se_e2_r, whose rows get (0, 0, 0) and (1, 1, 1) beside it.
 */
export function reduceStatistics(
  davg: Float64Array,
  dstd: Float64Array,
  ntypes: number,
  slots: number,
  components: 1 | 4 = 4,
): Pick<Descriptor, 'perSlotStatistics' | 'davg' | 'dstd'> {
  for (const [name, values] of [['davg', davg] as const, ['dstd', dstd] as const]) {
    if (values.length !== ntypes * slots * components)
      throw wrongShape(name, `${ntypes} x ${slots} x ${components} values (types, slots, components)`, `${values.length}`);
    requireFinite(values, name);
  }
  const zero = dstd.indexOf(0);
  if (zero >= 0) throw wrongShape('dstd', 'values other than 0 (environment rows are divided by them)', `0 at index ${zero}`);
  let perSlot = false;
  const block = slots * components;
  for (let t = 0; t < ntypes && !perSlot; t++) {
    const first = t * block;
    for (let k = components; k < block; k++) {
      if (davg[first + k] !== davg[first + (k % components)] || dstd[first + k] !== dstd[first + (k % components)]) {
        perSlot = true;
        break;
      }
    }
  }
  const rows = perSlot || slots === 0 ? ntypes * slots : ntypes;
  const stride = perSlot || slots === 0 ? components : block;
  const pick = (values: Float64Array, other: number) =>
    Float64Array.from({ length: rows * 4 }, (_, k) => ((k & 3) < components ? values[(k >> 2) * stride + (k & 3)]! : other));
  return { perSlotStatistics: perSlot, davg: pick(davg, 0), dstd: pick(dstd, 1) };
}

/**
 * `list` has one entry a neighbour type (one-sided) or one a pair (centre * T + neighbour), null where there is none: the entries that
 * are there, and the [T * T] map to them.
 */
export function byPair<Item>(
  list: readonly (Item | null)[],
  ntypes: number,
  oneSided: boolean,
): { items: Item[]; of: Int32Array } {
  const items: Item[] = [];
  const index = list.map((item) => (item === null ? -1 : items.push(item) - 1));
  const of = Int32Array.from({ length: ntypes * ntypes }, (_, pair) => index[oneSided ? pair % ntypes : pair]!);
  return { items, of };
}

/**
 * Nets and tables of a descriptor whose slots are grouped by neighbour type. Both lists as for `byPair`. Empty slots go through the net
 * of their group, unless all rows of an se_e2_a group are zero (excluded with code 2).
 */
export function groupedNets(
  kind: Descriptor['kind'],
  ntypes: number,
  oneSided: boolean,
  nets: readonly (Network | null)[],
  tables: readonly (EmbeddingTable | null)[] | null,
  excluded: Uint8Array,
): Pick<Descriptor, 'nets' | 'netOf' | 'padNetOf' | 'tables' | 'tableOf'> {
  const plain = byPair(nets, ntypes, oneSided);
  const compressed = tables && byPair(tables, ntypes, oneSided);
  const padNetOf = (compressed ?? plain).of.map((net, pair) => (kind === 'se_e2_a' && excluded[pair] === 2 ? -1 : net));
  return {
    nets: plain.items,
    netOf: plain.of,
    padNetOf,
    tables: compressed?.items ?? null,
    tableOf: compressed?.of ?? null,
  };
}

/**
 * Nets of a descriptor whose embedding net takes (s, te_j) or (s, te_j, te_i): the type embeddings are constant for a pair of types and
 * are folded into the bias (and, where the first layer has a shortcut, into an affine one), so that a net of s alone is left for every
 * pair. All of it but the folded bias is shared. `rows` are the embeddings te_t [T, k]; `pad` is te_j of empty slots of a mixed
 * descriptor (its group has one net a centre type then), null where empty slots carry the type of their group.
 */
export function foldTypeEmbedding(
  net: Network,
  rows: Float64Array,
  ntypes: number,
  oneSided: boolean,
  pad: Float64Array | null,
  what: string,
): Pick<Descriptor, 'nets' | 'netOf' | 'padNetOf'> {
  const first = net.layers[0]!;
  const k = rows.length / ntypes;
  const inputs = 1 + (oneSided ? k : 2 * k);
  if (first.inputs !== inputs)
    throw wrongShape(`${what}, first layer`, `${inputs} inputs (s and type embeddings of ${k})`, `${first.inputs}`);
  const centres = oneSided ? 1 : ntypes;
  requireCapacity(
    centres * (ntypes + 1) * first.outputs,
    `${what}, one first layer for each of ${centres} x ${ntypes} pairs of types`,
  );
  const slopeRow = first.weights.slice(0, first.outputs);
  const slope = new Float64Array(first.outputs);
  if (first.shortcut !== 'none') slope[0] = 1;
  if (first.shortcut === 'double') slope[inputs] = 1;
  const folded = (neighbour: Float64Array, centre: number): Network => {
    const constants = new Float64Array(inputs);
    constants.set(neighbour, 1);
    if (!oneSided) constants.set(rows.subarray(centre * k, centre * k + k), 1 + k);
    const bias = Float64Array.from(first.bias);
    for (let i = 1; i < inputs; i++)
      for (let o = 0; o < first.outputs; o++) bias[o] = bias[o]! + constants[i]! * first.weights[i * first.outputs + o]!;
    const shortcut: Layer['shortcut'] =
      first.shortcut === 'none'
        ? 'none'
        : { slope, constant: Float64Array.from({ length: first.outputs }, (_, o) => constants[o % inputs]!) };
    return { layers: [{ ...first, inputs: 1, weights: slopeRow, bias, shortcut }, ...net.layers.slice(1)] };
  };
  const nets: Network[] = [];
  for (let centre = 0; centre < centres; centre++)
    for (let t = 0; t < ntypes; t++) nets.push(folded(rows.subarray(t * k, t * k + k), centre));
  const netOf = Int32Array.from({ length: ntypes * ntypes }, (_, pair) => (oneSided ? pair % ntypes : pair));
  if (pad === null) return { nets, netOf, padNetOf: netOf.slice() };
  const firstPad = nets.length;
  for (let centre = 0; centre < centres; centre++) nets.push(folded(pad, centre));
  return { nets, netOf, padNetOf: Int32Array.from({ length: ntypes }, (_, centre) => firstPad + (oneSided ? 0 : centre)) };
}

/** Sizes that no model has: refused before anything is allocated. */
export function requireCapacity(values: number, what: string): void {
  const most = 2 ** 26;
  if (values > most) throw wrongShape(what, `at most ${most} numbers`, `${values}`);
}

/** Frame or atom parameters of a file that has `count` of them; `null` for none. */
export function externalParameters(
  count: number,
  average: Float64Array | null,
  inverseStd: Float64Array | null,
  defaults: Float64Array | null,
  what: string,
): ExternalParameters | null {
  if (count === 0) return null;
  for (const [name, values] of [['average', average] as const, ['inverse standard deviation', inverseStd] as const]) {
    if (values?.length !== count) throw wrongShape(`${name} of ${what}`, `${count} values`, values ? `${values.length}` : 'none');
    requireFinite(values, `${name} of ${what}`);
  }
  if (defaults) {
    if (defaults.length !== count) throw wrongShape(`default of ${what}`, `${count} values`, `${defaults.length}`);
    requireFinite(defaults, `default of ${what}`);
  }
  return { count, average: average!, inverseStd: inverseStd!, defaults };
}

/** Numbers that follow D in the input of a fitting net. */
export function fittingExtras(
  typeConstants: Float64Array | null,
  ntypes: number,
  frame: ExternalParameters | null,
  atom: ExternalParameters | null,
  caseConstants: Float64Array | null,
): number {
  return (
    (typeConstants ? typeConstants.length / ntypes : 0) + (frame?.count ?? 0) + (atom?.count ?? 0) + (caseConstants?.length ?? 0)
  );
}

/** Width of D of all sub-descriptors with the constants that belong to them. */
export function descriptorWidth(
  descriptors: readonly Pick<Descriptor, 'kind' | 'width' | 'axis' | 'constants'>[],
  ntypes: number,
): number {
  return descriptors.reduce(
    (sum, d) => sum + d.width * (d.kind === 'se_e2_r' ? 1 : d.axis) + (d.constants ? d.constants.length / ntypes : 0),
    0,
  );
}

/** Largest row index that the look-up of deep-potential.md 2.3 can ask for. */
function lastRow(table: Omit<EmbeddingTable, 'coefficients' | 'rows'>): number {
  const { lower, upper, max, step, coarseStep } = table;
  return Math.trunc((upper - lower) / step) + Math.max(0, Math.trunc((max * (1 - 2 ** -24) - upper) / coarseStep));
}

export function makeTable(
  info: Float64Array,
  coefficients: Float64Array,
  rows: number,
  columns: number,
  width: number,
  single: boolean,
  what: string,
): EmbeddingTable {
  if (info.length !== 6) throw wrongShape(`${what}, table_info`, '6 values', `${info.length}`);
  if (columns !== 6 * width) throw wrongShape(what, `${6 * width} columns (6 for each of ${width} outputs)`, `${columns}`);
  if (coefficients.length !== rows * columns) throw wrongShape(what, `${rows} x ${columns} values`, `${coefficients.length}`);
  requireFinite(info, `${what}, table_info`);
  requireFinite(coefficients, what);
  const [lower, upper, max, step, coarseStep] = info as unknown as [number, number, number, number, number];
  const header = { lower, upper, max, step, coarseStep, single };
  if (!(lower < upper && upper <= max && step > 0 && coarseStep > 0)) {
    throw wrongShape(`${what}, table_info`, 'lower < upper <= max and positive steps', [...info].join(' '));
  }
  // One row of rounding is left to the clamp of the look-up.
  if (lastRow(header) > rows) throw wrongShape(what, `at least ${lastRow(header)} rows for its table_info`, `${rows}`);
  return { ...header, rows, coefficients };
}

/** Weights, biases and idt of all given nets, shared ones once: nets as the file has them, before type embeddings are folded in. */
export function countParameters(...groups: readonly (readonly (Network | null)[])[]): number {
  let count = 0;
  for (const net of new Set(groups.flat())) {
    for (const layer of net?.layers ?? []) count += layer.weights.length + layer.bias.length + (layer.idt?.length ?? 0);
  }
  return count;
}

/** Marks both orders of each unordered pair in a [T, T] map. */
export function markPairs(pairs: unknown, ntypes: number, code: number, what: string): Uint8Array {
  const out = new Uint8Array(ntypes * ntypes);
  if (pairs === undefined || pairs === null) return out;
  if (!Array.isArray(pairs)) throw wrongShape(what, 'a list of pairs of types', JSON.stringify(pairs));
  for (const pair of pairs) {
    const valid = Array.isArray(pair) && pair.length === 2 && pair.every((t) => Number.isInteger(t) && t >= 0 && t < ntypes);
    if (!valid) throw wrongShape(what, `pairs of types from 0 to ${ntypes - 1}`, JSON.stringify(pair));
    out[pair[0] * ntypes + pair[1]] = code;
    out[pair[1] * ntypes + pair[0]] = code;
  }
  return out;
}

export function markTypes(types: unknown, ntypes: number, what: string): Uint8Array {
  const out = new Uint8Array(ntypes);
  if (types === undefined || types === null) return out;
  if (!Array.isArray(types)) throw wrongShape(what, 'a list of types', JSON.stringify(types));
  for (const t of types) {
    // -1 stands for virtual atoms in some files; they are never centres.
    if (t === -1) continue;
    if (!Number.isInteger(t) || t < 0 || t >= ntypes) throw wrongShape(what, `types from 0 to ${ntypes - 1}`, JSON.stringify(t));
    out[t] = 1;
  }
  return out;
}
