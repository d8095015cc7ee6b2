/** The last part of every model reader: statistics, consistency of the sizes, the finished parameters. */
import type { DeepPotentialParameters, EmbeddingTable, Layer, Network } from '../deep-potential-parameters.js';
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

/** Statistics as [T, 4] where all slots of a centre type agree (they do in every file that training writes), else [T, N, 4]. */
export function reduceStatistics(
  davg: Float64Array,
  dstd: Float64Array,
  ntypes: number,
  slots: number,
): Pick<DeepPotentialParameters, 'perSlotStatistics' | 'davg' | 'dstd'> {
  for (const [name, values] of [['davg', davg] as const, ['dstd', dstd] as const]) {
    if (values.length !== ntypes * slots * 4)
      throw wrongShape(name, `${ntypes} x ${slots} x 4 values (types, slots, components)`, `${values.length}`);
    requireFinite(values, name);
  }
  const zero = dstd.indexOf(0);
  if (zero >= 0) throw wrongShape('dstd', 'values other than 0 (environment rows are divided by them)', `0 at index ${zero}`);
  let perSlot = false;
  for (let t = 0; t < ntypes && !perSlot; t++) {
    const first = t * slots * 4;
    for (let k = 4; k < slots * 4; k++) {
      if (davg[first + k] !== davg[first + (k & 3)] || dstd[first + k] !== dstd[first + (k & 3)]) {
        perSlot = true;
        break;
      }
    }
  }
  if (perSlot || slots === 0) return { perSlotStatistics: perSlot, davg, dstd };
  const pick = (values: Float64Array) =>
    Float64Array.from({ length: ntypes * 4 }, (_, k) => values[(k >> 2) * slots * 4 + (k & 3)]!);
  return { perSlotStatistics: false, davg: pick(davg), dstd: pick(dstd) };
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

/** Weights, biases and idt of all nets that the model evaluates, shared ones once. */
export function countParameters(embedding: readonly (Network | null)[], fitting: readonly Network[]): number {
  let count = 0;
  for (const net of new Set([...embedding, ...fitting])) {
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
