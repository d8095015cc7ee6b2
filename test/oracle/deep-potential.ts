/**
 * The simplest double-precision evaluation of a Deep Potential: brute-force images, plain loops, the formulas of deep-potential.md
 * 1.2-1.10 in their order. It is slow on purpose and is the oracle of the fast kernel.
 */
import type { Activation, DeepPotentialParameters, EmbeddingTable, Network } from '../../lib/potential/deep-potential-parameters';

export interface OracleOptions {
  /** `truncate` follows the rule of the model's family (1.4), `grow` gives every neighbour a slot. */
  selOverflow?: 'truncate' | 'grow';
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
  descriptors: Float64Array[];
  /** Atoms with more neighbours than slots, by neighbour type. */
  overflow: number[];
}

export interface Neighbour {
  j: number;
  type: number;
  d: [number, number, number];
  r: number;
}

/** Value and derivative (1.6). */
export function activate({ name, threshold }: Activation, x: number): [number, number] {
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const silu = (v: number): [number, number] => {
    const s = sigmoid(v);
    return [v * s, s + v * s * (1 - s)];
  };
  switch (name) {
    case 'tanh': {
      const t = Math.tanh(x);
      return [t, 1 - t * t];
    }
    case 'gelu': {
      const c = Math.sqrt(2 / Math.PI);
      const t = Math.tanh(c * (x + 0.044715 * x ** 3));
      return [0.5 * x * (1 + t), 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)];
    }
    case 'relu':
      return x > 0 ? [x, 1] : [0, 0];
    case 'relu6':
      return x <= 0 ? [0, 0] : x >= 6 ? [6, 0] : [x, 1];
    case 'softplus':
      return [x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)), sigmoid(x)];
    case 'sigmoid': {
      const s = sigmoid(x);
      return [s, s * (1 - s)];
    }
    case 'silu':
      return silu(x);
    case 'silut': {
      const T = threshold!;
      if (x < T) return silu(x);
      const [value, slope] = silu(T);
      const t = Math.tanh(slope * (x - T));
      return [t + value, slope * (1 - t * t)];
    }
    case 'linear':
      return [x, 1];
  }
}

/** w and w' (1.3). */
export function switching(r: number, rs: number, rc: number, width: number): [number, number] {
  if (r < rs) return [1, 0];
  if (r >= rc) return [0, 0];
  const u = (r - rs) / width;
  return [1 + u ** 3 * (-10 + u * (15 - 6 * u)), (u * u * (-30 + u * (60 - 30 * u))) / width];
}

/** Net of one input: values and slopes. */
export function embed(net: Network, s: number): { g: Float64Array; dg: Float64Array } {
  let y = Float64Array.of(s);
  let dy = Float64Array.of(1);
  for (const layer of net.layers) {
    const nextY = new Float64Array(layer.outputs);
    const nextDy = new Float64Array(layer.outputs);
    for (let o = 0; o < layer.outputs; o++) {
      let h = layer.bias[o]!;
      let dh = 0;
      for (let k = 0; k < layer.inputs; k++) {
        h += y[k]! * layer.weights[k * layer.outputs + o]!;
        dh += dy[k]! * layer.weights[k * layer.outputs + o]!;
      }
      const [f, df] = activate(layer.activation, h);
      const scale = layer.idt ? layer.idt[o]! : 1;
      const source = layer.shortcut === 'none' ? -1 : o % layer.inputs;
      nextY[o] = f * scale + (source < 0 ? 0 : y[source]!);
      nextDy[o] = df * dh * scale + (source < 0 ? 0 : dy[source]!);
    }
    y = nextY;
    dy = nextDy;
  }
  return { g: y, dg: dy };
}

/** Look-up in a quintic table, linear beyond both ends (2.3). */
export function lookUp(table: EmbeddingTable, input: number): { g: Float64Array; dg: Float64Array } {
  const round = table.single ? Math.fround : (v: number) => v;
  const { lower, upper, max, step, coarseStep, rows, coefficients } = table;
  const s = round(input);
  const columns = coefficients.length / rows;
  const n1 = Math.trunc(round(round(upper - lower) / step));
  let k: number;
  let u: number;
  let beyond = 0;
  const coarse = (v: number) => n1 + Math.trunc(round(round(v - upper) / coarseStep));
  if (s < lower) {
    k = 0;
    u = 0;
    beyond = round(s - lower);
  } else if (s < upper) {
    k = Math.trunc(round(round(s - lower) / step));
    u = round(s - round(round(k * step) + lower));
  } else {
    const inside = s < max ? s : table.single ? max * (1 - 2 ** -24) : max * (1 - 2 ** -53);
    k = coarse(inside);
    u = round(Math.min(s, max) - round(round((k - n1) * coarseStep) + upper));
    beyond = s < max ? 0 : round(s - max);
  }
  k = Math.min(k, rows - 1);
  const g = new Float64Array(columns / 6);
  const dg = new Float64Array(columns / 6);
  for (let m = 0; m < columns / 6; m++) {
    const a = coefficients.subarray(k * columns + 6 * m, k * columns + 6 * m + 6) as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const value = a[0] + u * (a[1] + u * (a[2] + u * (a[3] + u * (a[4] + u * a[5]))));
    const slope = a[1] + u * (2 * a[2] + u * (3 * a[3] + u * (4 * a[4] + u * 5 * a[5])));
    g[m] = value + slope * beyond;
    dg[m] = slope;
  }
  return { g, dg };
}

/** Output of a fitting net and its gradient with respect to the inputs. */
export function fittingOutput(net: Network, inputs: ArrayLike<number>): { value: number; gradient: Float64Array } {
  const ys: Float64Array[] = [Float64Array.from(inputs)];
  const slopes: Float64Array[] = [];
  for (const layer of net.layers) {
    const y = ys.at(-1)!;
    const next = new Float64Array(layer.outputs);
    const slope = new Float64Array(layer.outputs);
    for (let o = 0; o < layer.outputs; o++) {
      let h = layer.bias[o]!;
      for (let k = 0; k < layer.inputs; k++) h += y[k]! * layer.weights[k * layer.outputs + o]!;
      const [f, df] = activate(layer.activation, h);
      const scale = layer.idt ? layer.idt[o]! : 1;
      next[o] = f * scale + (layer.shortcut === 'none' ? 0 : y[o % layer.inputs]!);
      slope[o] = df * scale;
    }
    ys.push(next);
    slopes.push(slope);
  }
  let gradient: Float64Array = Float64Array.of(1);
  for (let k = net.layers.length - 1; k >= 0; k--) {
    const layer = net.layers[k]!;
    const back = new Float64Array(layer.inputs);
    for (let o = 0; o < layer.outputs; o++) {
      const dh = gradient[o]! * slopes[k]![o]!;
      for (let i = 0; i < layer.inputs; i++) back[i] = back[i]! + dh * layer.weights[i * layer.outputs + o]!;
      if (layer.shortcut !== 'none') back[o % layer.inputs] = back[o % layer.inputs]! + gradient[o]!;
    }
    gradient = back;
  }
  return { value: ys.at(-1)![0]!, gradient };
}

/** All neighbours within the cutoff, nearest first (1.2). `cell` is row-major; null for an isolated cluster. */
export function neighboursOf(
  positions: ArrayLike<number>,
  types: ArrayLike<number>,
  cell: ArrayLike<number> | null,
  cutoff: number,
  i: number,
  pbc = [true, true, true],
): Neighbour[] {
  const n = types.length;
  const reach = [0, 0, 0];
  const h = cell ? Array.from(cell) : null;
  const f = new Float64Array(positions.length);
  const x = Float64Array.from(positions);
  if (h) {
    const row = (k: number) => [h[3 * k]!, h[3 * k + 1]!, h[3 * k + 2]!] as const;
    const cross = (a: readonly number[], b: readonly number[]) => [
      a[1]! * b[2]! - a[2]! * b[1]!,
      a[2]! * b[0]! - a[0]! * b[2]!,
      a[0]! * b[1]! - a[1]! * b[0]!,
    ];
    const dot = (a: readonly number[], b: readonly number[]) => a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
    const volume = dot(row(0), cross(row(1), row(2)));
    for (let k = 0; k < 3; k++) {
      const normal = cross(row((k + 1) % 3), row((k + 2) % 3));
      if (pbc[k]) reach[k] = Math.ceil((cutoff * Math.sqrt(dot(normal, normal))) / Math.abs(volume));
      for (let a = 0; a < n; a++) {
        const fraction = dot([x[3 * a]!, x[3 * a + 1]!, x[3 * a + 2]!], normal) / volume;
        f[3 * a + k] = pbc[k] ? -Math.floor(fraction) : 0;
      }
    }
    // Wrapped into the cell: whole lattice vectors are taken off.
    for (let a = 0; a < n; a++)
      for (let c = 0; c < 3; c++) for (let k = 0; k < 3; k++) x[3 * a + c] = x[3 * a + c]! + f[3 * a + k]! * h[3 * k + c]!;
  }
  const out: Neighbour[] = [];
  for (let na = -reach[0]!; na <= reach[0]!; na++)
    for (let nb = -reach[1]!; nb <= reach[1]!; nb++)
      for (let nc = -reach[2]!; nc <= reach[2]!; nc++)
        for (let j = 0; j < n; j++) {
          if (types[j]! < 0 || (j === i && na === 0 && nb === 0 && nc === 0)) continue;
          const d: [number, number, number] = [0, 0, 0];
          for (let c = 0; c < 3; c++)
            d[c] = x[3 * j + c]! - x[3 * i + c]! + (h ? na * h[c]! + nb * h[3 + c]! + nc * h[6 + c]! : 0);
          const r = Math.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
          if (r <= cutoff) out.push({ j, type: types[j]!, d, r });
        }
  return out.sort((a, b) => a.r - b.r || a.j - b.j);
}

/** Neighbours that get a slot, by type (1.4), and the types that have too many. */
export function fillSlots(
  p: DeepPotentialParameters,
  neighbours: Neighbour[],
  grow: boolean,
): { groups: Neighbour[][]; overflow: number[] } {
  const total = p.sel.reduce((sum, n) => sum + n, 0);
  const counts = p.sel.map((_, t) => neighbours.filter((nb) => nb.type === t).length);
  const overflow = p.sel.map((n, t) => (counts[t]! > n ? 1 : 0));
  const kept = !grow && p.family === 'native' ? neighbours.slice(0, total) : neighbours;
  const groups = p.sel.map((n, t) => {
    const group = kept.filter((nb) => nb.type === t);
    return grow ? group : group.slice(0, n);
  });
  return { groups, overflow };
}

export function evaluateOracle(
  p: DeepPotentialParameters,
  types: ArrayLike<number>,
  positions: ArrayLike<number>,
  cell: ArrayLike<number> | null,
  { selOverflow = 'truncate' }: OracleOptions = {},
  pbc = [true, true, true],
): OracleResult {
  const n = types.length;
  const { ntypes: T, width: M, axis: M2 } = p;
  const result: OracleResult = {
    energy: 0,
    atomEnergies: new Float64Array(n),
    forces: new Float64Array(3 * n),
    virial: new Float64Array(9),
    atomVirial: new Float64Array(9 * n),
    descriptors: [],
    overflow: new Array(T).fill(0),
  };
  const offsets = p.sel.map((_, t) => p.sel.slice(0, t).reduce((sum, m) => sum + m, 0));
  const totalSlots = p.sel.reduce((sum, m) => sum + m, 0);

  for (let i = 0; i < n; i++) {
    const ti = types[i]!;
    if (ti < 0) {
      result.descriptors.push(new Float64Array(0));
      continue;
    }
    const list = neighboursOf(positions, types, cell, p.cutoff, i, pbc).filter((nb) => !p.pairExcluded[ti * T + nb.type]);
    const { groups, overflow } = fillSlots(p, list, selOverflow === 'grow');
    for (let t = 0; t < T; t++) result.overflow[t] = result.overflow[t]! + overflow[t]!;

    interface Row {
      nb: Neighbour | null;
      masked: boolean;
      R: number[];
      std: number[];
      g: Float64Array;
      dg: Float64Array;
      w: number;
      dw: number;
      /** Empty slots with the same statistics are one row, counted (1.6). */
      count: number;
    }
    const rows: Row[] = [];
    for (let tj = 0; tj < T; tj++) {
      const net = p.oneSided ? tj : ti * T + tj;
      const table = p.tables?.[net] ?? null;
      const network = p.embedding[net] ?? null;
      const code = p.excluded[ti * T + tj]!;
      // A group that the graph leaves out, or whose rows are all zero: it gives nothing.
      if (code === 2) continue;
      const group = groups[tj]!;
      if (!table && !network) {
        if (group.length > 0 || p.sel[tj]! > 0) throw new Error(`no net for the pair ${ti} ${tj}`);
        continue;
      }
      const filled = Math.max(group.length, p.sel[tj]!);
      for (let slot = 0; slot < filled; slot++) {
        const nb = group[slot] ?? null;
        const count = nb || p.perSlotStatistics ? 1 : filled - slot;
        const at = p.perSlotStatistics ? (ti * totalSlots + offsets[tj]! + slot) * 4 : ti * 4;
        if (p.perSlotStatistics && slot >= p.sel[tj]!) throw new Error('slots beyond sel have no statistics');
        const avg = [0, 1, 2, 3].map((c) => p.davg[at + c]!);
        const std = [0, 1, 2, 3].map((c) => p.dstd[at + c]!);
        let raw = [0, 0, 0, 0];
        let w = 0;
        let dw = 0;
        if (nb) {
          [w, dw] = switching(nb.r, p.cutoffSmooth, p.cutoff, p.switchWidth);
          const q = nb.r + p.envProtection;
          raw = [w / q, (w * nb.d[0]) / (q * q), (w * nb.d[1]) / (q * q), (w * nb.d[2]) / (q * q)];
        }
        const masked = nb !== null && code === 1;
        const R = raw.map((value, c) => (masked ? 0 : (value - avg[c]!) / std[c]!));
        const { g, dg } = table ? lookUp(table, R[0]!) : embed(network!, R[0]!);
        rows.push({ nb, masked, R, std, g, dg, w, dw, count });
        if (count > 1) break;
      }
    }

    const A = new Float64Array(4 * M);
    for (const row of rows)
      for (let c = 0; c < 4; c++)
        for (let m = 0; m < M; m++) A[c * M + m] = A[c * M + m]! + (row.count * row.R[c]! * row.g[m]!) / p.slots;
    const D = new Float64Array(M * M2);
    for (let a = 0; a < M; a++)
      for (let b = 0; b < M2; b++) for (let c = 0; c < 4; c++) D[a * M2 + b] = D[a * M2 + b]! + A[c * M + a]! * A[c * M + b]!;
    result.descriptors.push(D);

    const { value, gradient: gD } = fittingOutput(p.fitting[ti]!, D);
    const vacuum = p.subtractVacuum[ti] ? fittingOutput(p.fitting[ti]!, new Float64Array(D.length)).value : 0;
    const fitted = p.fittingExcluded[ti] ? 0 : value - vacuum + p.atomBias[ti]!;
    const energy = p.atomExcluded[ti] ? 0 : fitted * p.outStd[ti]! + p.outBias[ti]!;
    result.atomEnergies[i] = energy;
    result.energy += energy;
    if (p.atomExcluded[ti] || p.fittingExcluded[ti]) continue;

    // 1.9
    const dA = new Float64Array(4 * M);
    for (let c = 0; c < 4; c++)
      for (let a = 0; a < M; a++) {
        let sum = 0;
        for (let b = 0; b < M2; b++) sum += gD[a * M2 + b]! * A[c * M + b]!;
        if (a < M2) for (let k = 0; k < M; k++) sum += gD[k * M2 + a]! * A[c * M + k]!;
        dA[c * M + a] = (sum * p.outStd[ti]!) / p.slots;
      }
    for (const { nb, masked, R, std, g, dg, w, dw } of rows) {
      if (!nb || masked) continue;
      const draw = [0, 0, 0, 0];
      for (let c = 0; c < 4; c++) for (let m = 0; m < M; m++) draw[c] = draw[c]! + dA[c * M + m]! * g[m]!;
      for (let m = 0; m < M; m++) {
        let dG = 0;
        for (let c = 0; c < 4; c++) dG += dA[c * M + m]! * R[c]!;
        draw[0] = draw[0]! + dG * dg[m]!;
      }
      for (let c = 0; c < 4; c++) draw[c] = draw[c]! / std[c]!;
      const { r, d, j } = nb;
      const q = r + p.envProtection;
      const along = draw[1]! * d[0] + draw[2]! * d[1] + draw[3]! * d[2];
      const radial = draw[0]! * (dw / q - w / (q * q)) + along * (dw / (q * q) - (2 * w) / q ** 3);
      for (let a = 0; a < 3; a++) {
        const force = (radial * d[a]!) / r + (draw[a + 1]! * w) / (q * q);
        result.forces[3 * i + a] = result.forces[3 * i + a]! + force;
        result.forces[3 * j + a] = result.forces[3 * j + a]! - force;
        for (let b = 0; b < 3; b++) {
          result.virial[3 * a + b] = result.virial[3 * a + b]! - force * d[b]!;
          result.atomVirial[9 * j + 3 * a + b] = result.atomVirial[9 * j + 3 * a + b]! - force * d[b]!;
        }
      }
    }
  }
  return result;
}
