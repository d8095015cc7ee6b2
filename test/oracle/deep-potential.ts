/**
 * The simplest double-precision evaluation of a Deep Potential: brute-force images, plain loops, the formulas of deep-potential.md
 * 1.2-1.15 in their order. It is slow on purpose and is the oracle of the fast kernel.
 */
import type {
  DeepPotentialParameters,
  Descriptor,
  ExternalParameters,
  PairTable,
} from '../../lib/potential/deep-potential-parameters';
import { type Neighbour, neighboursOf } from './neighbours';
import { embed, fittingOutput, lookUp } from './networks';

export interface OracleOptions {
  /** `truncate` follows the rule of the model's family (1.4), `grow` gives every neighbour a slot. */
  selOverflow?: 'truncate' | 'grow';
  /** Frame parameters [count] and atom parameters [N * count] where the model takes them; the model's defaults if left out. */
  frameParameters?: ArrayLike<number>;
  atomParameters?: ArrayLike<number>;
}

export interface OracleResult {
  energy: number;
  atomEnergies: Float64Array;
  /** 3N. */
  forces: Float64Array;
  /** 9, W_ab = sum (-g)_a r_b. */
  virial: Float64Array;
  /** N x 9, booked on the neighbour. */
  atomVirial: Float64Array;
  /** D of every atom, with the constants of its descriptors. */
  descriptors: Float64Array[];
  /** Atoms with more neighbours than slots, by descriptor and group. */
  overflow: number[][];
}

/** w and w' (1.3). */
export function switching(r: number, rs: number, rc: number, width: number): [number, number] {
  if (r < rs) return [1, 0];
  if (r >= rc) return [0, 0];
  const u = (r - rs) / width;
  return [1 + u ** 3 * (-10 + u * (15 - 6 * u)), (u * u * (-30 + u * (60 - 30 * u))) / width];
}

/** Value and slope of the tail of strip mode (1.14). */
function smoothing(d: Descriptor, kind: 'one' | 'switch' | 'cubic', r: number, w: number, dw: number): [number, number] {
  if (kind === 'one') return [1, 0];
  if (kind === 'switch') return [w, dw];
  const x = 1 - (d.cutoffSmooth * w) / r;
  const f = 1 - x ** 3;
  if (f <= 0) return [0, 0];
  if (f >= 1) return [1, 0];
  return [f, 3 * x * x * d.cutoffSmooth * (dw / r - w / r ** 2)];
}

/** One slot with all that follows from it, or several empty ones alike. */
interface Row {
  /** null for an empty slot. */
  nb: Neighbour | null;
  masked: boolean;
  R: number[];
  std: number[];
  /** G and dG/ds at fixed factor, and dG/dr through the factor of strip mode. */
  g: Float64Array;
  dg: Float64Array;
  tail: Float64Array;
  w: number;
  dw: number;
  count: number;
}

/** Nearest neighbours that a native list keeps for a model, before they are shared out over the slots of each descriptor (1.4, 1.12). */
export function keptByNativeRule(p: DeepPotentialParameters, list: Neighbour[]): Neighbour[] {
  const totals = p.descriptors.map((d) => d.sel.reduce((sum, n) => sum + n, 0));
  // A list without groups, as any mixed descriptor asks for, is as long as the longest; else each group is as long as its longest.
  const most = p.descriptors.some((d) => d.mixed)
    ? Math.max(...totals)
    : Array.from({ length: p.ntypes }, (_, t) => Math.max(...p.descriptors.map((d) => d.sel[t]!))).reduce((sum, n) => sum + n, 0);
  return list.slice(0, most);
}

/** Neighbours that get a slot, by group; which groups have too many. `list` is nearest first. */
export function fillSlots(
  p: DeepPotentialParameters,
  d: Descriptor,
  list: Neighbour[],
  grow: boolean,
): { groups: Neighbour[][]; overflow: number[] } {
  // Graphs compare distances in float32; ties go by atom and lattice vector (1.4).
  const ordered =
    p.family === 'graph' ? [...list].sort((a, b) => Math.fround(a.r) - Math.fround(b.r) || a.j - b.j || a.image - b.image) : list;
  const kept = (!grow && p.family === 'native' ? keptByNativeRule(p, ordered) : ordered).filter((nb) => nb.r <= d.cutoff);
  const member = (nb: Neighbour, group: number) => d.mixed || nb.type === group;
  const groups = d.sel.map((n, group) => {
    const all = kept.filter((nb) => member(nb, group));
    return grow ? all : all.slice(0, n);
  });
  const overflow = d.sel.map((n, group) => (list.filter((nb) => nb.r <= d.cutoff && member(nb, group)).length > n ? 1 : 0));
  return { groups, overflow };
}

function rowsOf(p: DeepPotentialParameters, d: Descriptor, ti: number, groups: Neighbour[][]): Row[] {
  const T = p.ntypes;
  const totalSlots = d.sel.reduce((sum, m) => sum + m, 0);
  const rows: Row[] = [];
  let firstSlot = 0;
  for (const [group, sel] of d.sel.entries()) {
    const pad = d.padNetOf[ti * d.sel.length + group]!;
    const members = groups[group]!;
    const filled = Math.max(members.length, sel);
    // A group that the graph leaves out, or whose rows are all zero, gives nothing; radial ones still add G(0) (1.11).
    const silent = !d.mixed && d.excluded[ti * T + group] === 2;
    for (let slot = 0; slot < filled; slot++) {
      const nb = silent ? null : (members[slot] ?? null);
      const net = nb ? (d.tables ? d.tableOf! : d.netOf)[ti * T + nb.type]! : pad;
      if (nb && net < 0) throw new Error(`no net for the pair ${ti} ${nb.type}`);
      const count = nb || d.perSlotStatistics ? 1 : filled - slot;
      if (!nb && net < 0) {
        if (count > 1) break;
        continue;
      }
      if (d.perSlotStatistics && slot >= sel) throw new Error('slots beyond sel have no statistics');
      const at = d.perSlotStatistics ? (ti * totalSlots + firstSlot + slot) * 4 : ti * 4;
      const std = [0, 1, 2, 3].map((c) => d.dstd[at + c]!);
      let raw = [0, 0, 0, 0];
      let w = 0;
      let dw = 0;
      if (nb) {
        [w, dw] = switching(nb.r, d.cutoffSmooth, d.cutoff, d.switchWidth);
        const q = nb.r + d.envProtection;
        raw = [w / q, (w * nb.d[0]) / (q * q), (w * nb.d[1]) / (q * q), (w * nb.d[2]) / (q * q)];
      }
      const masked = silent || (nb !== null && d.excluded[ti * T + nb.type] !== 0);
      const R = raw.map((value, c) => (masked ? 0 : (value - d.davg[at + c]!) / std[c]!));
      const { g, dg } = d.tables ? lookUp(d.tables[net]!, R[0]!) : embed(d.nets[net]!, R[0]!);
      const tail = new Float64Array(d.width);
      if (d.strip) {
        const [f, df] = nb ? smoothing(d, d.strip.smoothing, nb.r, w, dw) : [d.strip.smoothing === 'one' ? 1 : 0, 0];
        const from = nb ? (ti * T + nb.type) * d.width : (ti * d.sel.length + group) * d.width;
        for (let m = 0; m < d.width; m++) {
          const tt = (nb ? d.strip.factors : d.strip.padFactors)[from + m]!;
          tail[m] = g[m]! * tt * df;
          g[m] = g[m]! * (1 + tt * f);
          dg[m] = dg[m]! * (1 + tt * f);
        }
      }
      rows.push({ nb, masked, R, std, g, dg, tail, w, dw, count });
      if (count > 1) break;
    }
    firstSlot += sel;
  }
  return rows;
}

/** A [4, M] (or its radial form [1, M]) and D of one descriptor (1.7, 1.11). */
function describe(d: Descriptor, rows: Row[]): { A: Float64Array; D: Float64Array } {
  const { width: M, axis: M2 } = d;
  if (d.kind === 'se_e2_r') {
    const D = new Float64Array(M);
    for (const row of rows) for (let m = 0; m < M; m++) D[m] = D[m]! + (row.count * row.g[m]!) / (5 * d.slots);
    return { A: D, D };
  }
  const A = new Float64Array(4 * M);
  for (const row of rows)
    for (let c = 0; c < 4; c++)
      for (let m = 0; m < M; m++) A[c * M + m] = A[c * M + m]! + (row.count * row.R[c]! * row.g[m]!) / d.slots;
  const D = new Float64Array(M * M2);
  for (let a = 0; a < M; a++)
    for (let b = 0; b < M2; b++) for (let c = 0; c < 4; c++) D[a * M2 + b] = D[a * M2 + b]! + A[c * M + a]! * A[c * M + b]!;
  return { A, D };
}

/** g_ij = dE_i/dr_ij of every real neighbour, from gD = dE_i/dD (1.9). */
function backward(
  d: Descriptor,
  rows: Row[],
  A: Float64Array,
  gD: Float64Array,
  add: (nb: Neighbour, g: [number, number, number]) => void,
): void {
  const { width: M, axis: M2 } = d;
  const radialOnly = d.kind === 'se_e2_r';
  const dA = new Float64Array(4 * M);
  if (!radialOnly) {
    for (let c = 0; c < 4; c++)
      for (let a = 0; a < M; a++) {
        let sum = 0;
        for (let b = 0; b < M2; b++) sum += gD[a * M2 + b]! * A[c * M + b]!;
        if (a < M2) for (let k = 0; k < M; k++) sum += gD[k * M2 + a]! * A[c * M + k]!;
        dA[c * M + a] = sum / d.slots;
      }
  }
  for (const { nb, masked, R, std, g, dg, tail, w, dw } of rows) {
    if (!nb || masked) continue;
    const draw = [0, 0, 0, 0];
    let factor = 0;
    for (let c = 0; c < 4; c++) for (let m = 0; m < M; m++) draw[c] = draw[c]! + dA[c * M + m]! * g[m]!;
    for (let m = 0; m < M; m++) {
      let dG = radialOnly ? gD[m]! / (5 * d.slots) : 0;
      for (let c = 0; c < 4; c++) dG += dA[c * M + m]! * R[c]!;
      draw[0] = draw[0]! + dG * dg[m]!;
      factor += dG * tail[m]!;
    }
    for (let c = 0; c < 4; c++) draw[c] = draw[c]! / std[c]!;
    const { r, d: x } = nb;
    const q = r + d.envProtection;
    const along = draw[1]! * x[0] + draw[2]! * x[1] + draw[3]! * x[2];
    const radial = draw[0]! * (dw / q - w / (q * q)) + along * (dw / (q * q) - (2 * w) / q ** 3) + factor;
    const force = [0, 1, 2].map((a) => (radial * x[a]!) / r + (draw[a + 1]! * w) / (q * q));
    add(nb, force as [number, number, number]);
  }
}

/** Energy of one pair and its slope (1.15). */
export function pairEnergy(table: PairTable, ntypes: number, ti: number, tj: number, r: number): [number, number] {
  if (r >= table.cutoff) return [0, 0];
  if (r < table.smallest) throw new Error(`r = ${r} is below the first point of the pair table`);
  const at = (r - table.smallest) / table.step;
  const k = Math.floor(at);
  if (k >= table.cells) return [0, 0];
  const u = at - k;
  const [a3, a2, a1, a0] = table.coefficients.subarray(4 * ((ti * ntypes + tj) * table.cells + k)) as unknown as [
    number,
    number,
    number,
    number,
  ];
  return [((a3 * u + a2) * u + a1) * u + a0, ((3 * a3 * u + 2 * a2) * u + a1) / table.step];
}

/** Weight of the table on the softmin distance, with d lambda / d r_j for every neighbour (1.15). */
export function softminSwitch(
  table: Pick<PairTable, 'alpha' | 'from' | 'to'>,
  distances: number[],
): { lambda: number; slopes: number[] } {
  const weights = distances.map((r) => Math.exp(-r / table.alpha));
  const sum = weights.reduce((a, b) => a + b, 0);
  if (sum === 0) return { lambda: 0, slopes: distances.map(() => 0) };
  const sigma = distances.reduce((total, r, k) => total + (r * weights[k]!) / sum, 0);
  const [lambda, slope] = switching(sigma, table.from, table.to, table.to - table.from);
  const slopes = distances.map((r, k) => (slope * (1 - r / table.alpha + sigma / table.alpha) * weights[k]!) / sum);
  return { lambda, slopes };
}

function normalised(parameters: ExternalParameters | null, given: ArrayLike<number> | undefined, first: number): number[] {
  if (!parameters) return [];
  const values = given ?? parameters.defaults;
  if (!values) throw new Error('the model takes parameters and none were given');
  return Array.from({ length: parameters.count }, (_, k) => {
    const value = given ? given[first + k]! : values[k]!;
    return (value - parameters.average[k]!) * parameters.inverseStd[k]!;
  });
}

export function evaluateOracle(
  p: DeepPotentialParameters,
  types: ArrayLike<number>,
  positions: ArrayLike<number>,
  cell: ArrayLike<number> | null,
  { selOverflow = 'truncate', frameParameters, atomParameters }: OracleOptions = {},
  pbc = [true, true, true],
): OracleResult {
  const n = types.length;
  const T = p.ntypes;
  const result: OracleResult = {
    energy: 0,
    atomEnergies: new Float64Array(n),
    forces: new Float64Array(3 * n),
    virial: new Float64Array(9),
    atomVirial: new Float64Array(9 * n),
    descriptors: [],
    overflow: p.descriptors.map((d) => d.sel.map(() => 0)),
  };

  for (let i = 0; i < n; i++) {
    const ti = types[i]!;
    if (ti < 0) {
      result.descriptors.push(new Float64Array(0));
      continue;
    }
    const list = neighboursOf(positions, types, cell, p.cutoff, i, pbc).filter((nb) => !p.pairExcluded[ti * T + nb.type]);
    const parts = p.descriptors.map((d, index) => {
      const { groups, overflow } = fillSlots(p, d, list, selOverflow === 'grow');
      for (const [group, more] of overflow.entries()) result.overflow[index]![group]! += more;
      const rows = rowsOf(p, d, ti, groups);
      const k = (d.constants?.length ?? 0) / T;
      return { d, groups, rows, ...describe(d, rows), constants: d.constants?.subarray(ti * k, ti * k + k) ?? [] };
    });
    const D = Float64Array.from(parts.flatMap((part) => [...part.D, ...part.constants]));
    result.descriptors.push(D);
    const k = (p.typeConstants?.length ?? 0) / T;
    const others = [
      ...(p.typeConstants?.subarray(ti * k, ti * k + k) ?? []),
      ...normalised(p.frameParameters, frameParameters, 0),
      ...normalised(p.atomParameters, atomParameters, i * (p.atomParameters?.count ?? 0)),
      ...(p.caseConstants ?? []),
    ];

    const { value, gradient } = fittingOutput(p.fitting[ti]!, [...D, ...others]);
    const vacuum = p.subtractVacuum[ti] ? fittingOutput(p.fitting[ti]!, [...D.map(() => 0), ...others]).value : 0;
    const fitted = p.fittingExcluded[ti] ? 0 : value - vacuum + p.atomBias[ti]!;
    let energy = fitted * p.outStd[ti]! + p.outBias[ti]!;
    let weight = p.fittingExcluded[ti] ? 0 : p.outStd[ti]!;
    const add = (nb: Neighbour, force: ArrayLike<number>) => {
      for (let a = 0; a < 3; a++) {
        result.forces[3 * i + a] = result.forces[3 * i + a]! + force[a]!;
        result.forces[3 * nb.j + a] = result.forces[3 * nb.j + a]! - force[a]!;
        for (let b = 0; b < 3; b++) {
          const term = force[a]! * nb.d[b]!;
          result.virial[3 * a + b] = result.virial[3 * a + b]! - term;
          result.atomVirial[9 * nb.j + 3 * a + b] = result.atomVirial[9 * nb.j + 3 * a + b]! - term;
        }
      }
    };
    if (p.atomExcluded[ti]) continue;

    if (p.pairTable) {
      const table = p.pairTable;
      const seen = p.family === 'graph' ? parts[0]!.groups.flat() : selOverflow === 'grow' ? list : keptByNativeRule(p, list);
      const counted = seen.filter((nb) => nb.r <= (table.softminCutoff ?? p.cutoff));
      const { lambda, slopes } = softminSwitch(
        table,
        counted.map((nb) => nb.r),
      );
      const slopeOf = new Map(counted.map((nb, k) => [nb, slopes[k]!]));
      const pairs = seen.map((nb) => pairEnergy(table, T, ti, nb.type, nb.r));
      const tabulated = pairs.reduce((sum, [e]) => sum + e / 2, 0) + (table.addBias ? p.atomBias[ti]! : 0);
      // The outer bias of native models is added to the mixture; graphs count it to the net (1.15).
      const after = p.family === 'native' ? p.outBias[ti]! : 0;
      const net = energy - after;
      energy = lambda * tabulated + (1 - lambda) * net + after;
      weight *= 1 - lambda;
      for (const [k, nb] of seen.entries()) {
        const slope = (lambda * pairs[k]![1]) / 2 + (tabulated - net) * (slopeOf.get(nb) ?? 0);
        add(
          nb,
          nb.d.map((x) => (slope * x) / nb.r),
        );
      }
    }
    result.atomEnergies[i] = energy;
    result.energy += energy;

    let at = 0;
    for (const part of parts) {
      const gD = gradient.subarray(at, at + part.D.length).map((g) => g * weight);
      backward(part.d, part.rows, part.A, gD, add);
      at += part.D.length + part.constants.length;
    }
  }
  return result;
}
